"""YAML of strangers as plain text: mappings, lists and strings, nothing else.

Not even the types of YAML 1.1 are made: a port mapping ``22:22`` is not a number of base 60, nor ``no``
a truth value. Anchors are resolved; merge keys (``<<``) are looked through, not copied, since copying is
what lets a small file grow without end. The parser is the one written in Python: the C one ends the process
on a file that is nested deeply enough.
"""

from __future__ import annotations

from typing import Any

import yaml

from sdt_console.catalog.init.scan import Tree
from sdt_console.text import visible

_LIMIT = 256 << 10
_DEEPEST = 4


def documents(tree: Tree, path: str) -> list[Any]:
    """The documents of the file ``path``; none, with a remark, if it cannot be read."""
    text = tree.read(path, _LIMIT)
    tree.yaml_left -= len(text)
    if tree.yaml_left < 0:
        tree.remark(f"{visible(path)} is skipped: there is too much YAML to read all of it")
        return []
    return parse(tree, path, text)


def parse(tree: Tree, path: str, text: str) -> list[Any]:
    """The documents of ``text``, which came from ``path``."""
    found: list[Any] = []
    try:
        loader = yaml.BaseLoader(text)
        try:
            while loader.check_data():  # type: ignore[no-untyped-call]
                found.append(loader.get_data())
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError):
        tree.remark(f"{visible(path)} is skipped: it is not valid YAML")
        return []
    return found


def mapping(value: Any, depth: int = 0) -> dict[str, Any]:
    """``value`` as a mapping with text keys, its merge keys applied; empty if it is none."""
    if not isinstance(value, dict):
        return {}
    if "<<" not in value or depth > _DEEPEST:
        return value
    merged: dict[str, Any] = {}
    for other in items(value["<<"])[:_DEEPEST] or [value["<<"]]:
        merged = mapping(other, depth + 1) | merged
    return merged | {key: inner for key, inner in value.items() if key != "<<"}


def items(value: Any) -> list[Any]:
    """``value`` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def string(value: Any) -> str:
    """``value`` if it is text, else an empty one."""
    return value if isinstance(value, str) else ""


def get(value: Any, *keys: str) -> Any:
    """What is at ``keys`` below ``value``, also where keys are written together: ``server.port: 1``."""
    here = mapping(value)
    for length in range(len(keys), 0, -1):
        joined = ".".join(keys[:length])
        if joined in here:
            rest = keys[length:]
            found = get(here[joined], *rest) if rest else here[joined]
            if found is not None:
                return found
    return None
