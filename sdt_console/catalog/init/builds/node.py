"""Node: packages, workspaces of npm, yarn and pnpm, and ``file:`` dependencies."""

from __future__ import annotations

import json
import re
from typing import Any

from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.scan import Tree, aside, join
from sdt_console.catalog.init.yaml_text import documents, items, mapping
from sdt_console.text import visible

_KINDS = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
_LOCAL = re.compile(r"^(?:file|link|portal):(?!//)(.+)$")
_LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock")
_ROOT_FILES = ("package.json", *_LOCKS, "pnpm-workspace.yaml", "tsconfig.base.json")


def read(tree: Tree) -> list[Project]:
    """Every folder with a ``package.json``."""
    packages: dict[str, dict[str, Any]] = {}
    for path in tree.named("package.json"):
        if not aside(path):
            packages[path.rpartition("/")[0] or "."] = _json(tree, path)
    roots = {folder: _members(tree, folder, package, packages) for folder, package in packages.items()}
    found = []
    for folder, package in packages.items():
        root = next((r for r, members in roots.items() if folder in members), "")
        names = {packages[member].get("name"): member for member in roots.get(root, ())}
        scripts = package.get("scripts")
        found.append(
            Project(
                path=folder,
                kind="node",
                name=str(package.get("name") or "")[:200],
                uses=_uses(folder, package, names, packages),
                program=True if isinstance(scripts, dict) and "start" in scripts else None,
                aggregate=bool(roots[folder]),
                build_files=tuple(join(root, f) for f in _ROOT_FILES if root and tree.has(join(root, f))),
            )
        )
    return found


def _json(tree: Tree, path: str) -> dict[str, Any]:
    text = tree.read(path)
    try:
        value = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        tree.remark(f"{visible(path)} is skipped: it is not valid JSON")
        value = {}
    return value if isinstance(value, dict) else {}


def _members(
    tree: Tree, folder: str, package: dict[str, Any], packages: dict[str, dict[str, Any]]
) -> list[str]:
    """Folders that the workspaces of ``folder`` name."""
    declared = package.get("workspaces")
    if isinstance(declared, dict):
        declared = declared.get("packages")
    patterns = [p for p in declared if isinstance(p, str)] if isinstance(declared, list) else []
    if "pnpm-workspace.yaml" in tree.files.get(folder, ()):
        for document in documents(tree, join(folder, "pnpm-workspace.yaml")):
            patterns += [str(p) for p in items(mapping(document).get("packages"))]
    wanted = [_glob(p) for p in patterns if not p.startswith("!")]
    unwanted = [_glob(p[1:]) for p in patterns if p.startswith("!")]
    prefix = "" if folder == "." else f"{folder}/"
    return [
        member
        for member in packages
        if member not in (folder, ".")
        and member.startswith(prefix)
        and any(glob.fullmatch(member.removeprefix(prefix)) for glob in wanted)
        and not any(glob.fullmatch(member.removeprefix(prefix)) for glob in unwanted)
    ]


def _glob(pattern: str) -> re.Pattern[str]:
    """``packages/*`` and ``apps/**`` as a regular expression for folders."""
    parts = [part for part in pattern.strip("/").split("/") if part not in ("", ".")]
    text = "/".join(
        ".*" if part == "**" else re.sub(r"(?:\\\*)+", "[^/]*", re.escape(part[:200])) for part in parts[:16]
    )
    return re.compile(text)


def _uses(
    folder: str, package: dict[str, Any], names: dict[Any, str], packages: dict[str, dict[str, Any]]
) -> tuple[str, ...]:
    found = []
    for kind in _KINDS:
        wanted = package.get(kind)
        for name, version in wanted.items() if isinstance(wanted, dict) else ():
            local = _LOCAL.match(version) if isinstance(version, str) else None
            target = join(folder, local[1]) if local else names.get(name, "")
            if target in packages and target != folder:
                found.append(target)
    return tuple(dict.fromkeys(found))
