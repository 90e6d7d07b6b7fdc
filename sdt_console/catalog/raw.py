"""The parsed catalog file, read leniently, so that rules still speak when its shape has problems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sdt_console.catalog.locate import Key
from sdt_console.catalog.problem import Problem

Found = Iterator[tuple[Key, Problem]]
Item = tuple[Key, dict[str, Any]]


class Raw:
    """The parsed file, read without trusting its shape."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def items(self, table: str) -> list[Item]:
        value = self.data.get(table)
        if not isinstance(value, list):
            return []
        return [((table, i), item) for i, item in enumerate(value) if isinstance(item, dict)]

    def table(self, *path: str) -> dict[str, Any]:
        here: Any = self.data
        for part in path:
            here = here.get(part) if isinstance(here, dict) else None
        return here if isinstance(here, dict) else {}

    def environments(self) -> dict[str, dict[str, Any]]:
        return {k: v for k, v in self.table("environments").items() if isinstance(v, dict)}

    def names(self, *tables: str) -> list[str]:
        found = [item.get("name") for table in tables for _, item in self.items(table)]
        return [name for name in found if isinstance(name, str)]


def strings(value: Any) -> list[tuple[int, str]]:
    if not isinstance(value, list):
        return []
    return [(i, v) for i, v in enumerate(value) if isinstance(v, str)]


def error(value: object, message: str) -> Problem:
    return Problem("", value, message)


def remark(value: object, message: str) -> Problem:
    return Problem("", value, message, severity="remark")
