"""Cost Explorer's filter expressions: ``Dimensions``, ``Tags``, ``And``, ``Or``, ``Not``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sdt_console.sandbox.ecs.errors import ApiError

from .ledger import Item

Test = Callable[[Item], bool]


def dimension(item: Item, key: str) -> str:
    """The value an item has in a dimension.

    :raises ApiError: ``ValidationException``, no such dimension here.
    """
    values = {
        "SERVICE": item.service,
        "LINKED_ACCOUNT": item.account,
        "REGION": item.region,
        "RECORD_TYPE": item.record,
    }
    if key not in values:
        raise ApiError("ValidationException", f"The dimension {key} is not supported by the sandbox")
    return values[key]


def tag(item: Item, key: str) -> str:
    """The value of a tag; empty if the item does not have it."""
    return {"Environment": item.environment, "Service": item.tag}.get(key, "")


def matcher(expression: dict[str, Any] | None) -> Test:
    """What decides whether an item passes ``expression``; everything passes none.

    :raises ApiError: ``ValidationException``.
    """
    if not expression:
        return lambda item: True
    tests: list[Test] = []
    for kind, value in expression.items():
        if kind in ("And", "Or"):
            parts = [matcher(part) for part in value]
            tests.append(_all(parts) if kind == "And" else _any(parts))
        elif kind == "Not":
            tests.append(_not(matcher(value)))
        elif kind in ("Dimensions", "Tags"):
            tests.append(_values(kind, value))
        else:
            raise ApiError("ValidationException", f"The filter {kind} is not supported by the sandbox")
    return _all(tests)


def _all(tests: list[Test]) -> Test:
    return lambda item: all(test(item) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda item: any(test(item) for test in tests)


def _not(test: Test) -> Test:
    return lambda item: not test(item)


def _values(kind: str, value: dict[str, Any]) -> Test:
    key, wanted = value["Key"], value.get("Values", [])
    read = dimension if kind == "Dimensions" else tag
    if "ABSENT" in value.get("MatchOptions", []):
        return lambda item: not read(item, key)
    return lambda item: read(item, key) in wanted
