"""Python: ``pyproject.toml`` and requirements, with the folders of the repository that they name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.scan import Tree, aside, join
from sdt_console.text import visible

_FILES = ("pyproject.toml", "requirements.txt", "setup.py", "setup.cfg", "Pipfile")
_DIRECT = re.compile(r"@\s*(?:file:(?://)?(?:\$\{PROJECT_ROOT\}/|\{root:uri\}/)?)?(\.{1,2}/[^\s;#\"']+)")
_REQUIREMENT = re.compile(
    r"^[ \t]*(?:-e[ \t]+|--editable[= \t]+)?(?:file:)?(\.{1,2}/[^\s;#\[]*|\.\.)", re.MULTILINE
)


def read(tree: Tree) -> list[Project]:
    """Every folder with a Python build file or requirements."""
    folders = [f for f, names in tree.files.items() if set(_FILES) & set(names) and not aside(join(f, "x"))]
    tables = {folder: _toml(tree, folder) for folder in folders}
    names = {_canonical(_name(tables[f])): f for f in folders if _name(tables[f])}
    found = []
    for folder in folders:
        used = [join(folder, path) for path in _paths(tree, folder, tables[folder])]
        uv = _table(tables[folder], "tool", "uv", "sources")
        in_workspace = [n for n, s in uv.items() if isinstance(s, dict) and s.get("workspace") is True]
        used += [names[_canonical(n)] for n in in_workspace if _canonical(n) in names]
        root = next((r for r in folders if r != folder and _is_member(tables[r], r, folder)), "")
        governing = [join(root, name) for name in ("pyproject.toml", "uv.lock")] if root else []
        members = _table(tables[folder], "tool", "uv", "workspace").get("members")
        found.append(
            Project(
                path=folder,
                kind="python",
                name=_name(tables[folder]),
                uses=tuple(dict.fromkeys(path for path in used if path in tree.files and path != folder)),
                aggregate=bool(members),
                build_files=tuple(path for path in governing if tree.has(path)),
            )
        )
    return found


def _toml(tree: Tree, folder: str) -> dict[str, Any]:
    if "pyproject.toml" not in tree.files[folder]:
        return {}
    path = join(folder, "pyproject.toml")
    try:
        return tomllib.loads(tree.read(path))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        tree.remark(f"{visible(path)} is skipped: it is not valid TOML")
        return {}


def _paths(tree: Tree, folder: str, table: dict[str, Any]) -> Iterator[str]:
    """Relative folders that the project depends on."""
    poetry = _table(table, "tool", "poetry")
    groups = [_table(poetry, "dependencies"), _table(poetry, "dev-dependencies")]
    groups += [_table(g, "dependencies") for g in _table(poetry, "group").values() if isinstance(g, dict)]
    for group in (*groups, _table(table, "tool", "uv", "sources")):
        for wanted in group.values():
            if isinstance(wanted, dict) and isinstance(wanted.get("path"), str):
                yield wanted["path"]
    project = _table(table, "project")
    lists = [project.get("dependencies"), *_table(project, "optional-dependencies").values()]
    for wanted in lists:
        for text in wanted if isinstance(wanted, list) else ():
            if isinstance(text, str) and (direct := _DIRECT.search(text)):
                yield direct[1]
    for name in tree.files[folder]:
        if name.startswith("requirements") and name.endswith(".txt"):
            yield from _REQUIREMENT.findall(tree.read(join(folder, name)))


def _is_member(table: dict[str, Any], root: str, folder: str) -> bool:
    members = _table(table, "tool", "uv", "workspace").get("members")
    for pattern in members if isinstance(members, list) else ():
        if isinstance(pattern, str):
            path = join(root, pattern)
            if folder == path or (path.endswith("/*") and folder.rpartition("/")[0] == path[:-2]):
                return True
    return False


def _name(table: dict[str, Any]) -> str:
    for place in (_table(table, "project"), _table(table, "tool", "poetry")):
        if isinstance(place.get("name"), str):
            return str(place["name"])
    return ""


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _table(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        inner = value.get(key)
        value = inner if isinstance(inner, dict) else {}
    return value
