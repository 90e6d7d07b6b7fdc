"""Modules that services are built with: found from what build files name, and put in build order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sdt_console.catalog.graph import cycle, topological
from sdt_console.catalog.init.builds.golang import packages
from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.names import clean, unique
from sdt_console.catalog.init.parts import DraftShared
from sdt_console.catalog.init.scan import Tree, join
from sdt_console.text import visible


@dataclass
class Built:
    """What the services of a repository are built with.

    :param shared: modules in build order.
    :param uses: service's path → names of the shared modules that it names itself.
    :param after: service's path → paths of services that it is built with.
    :param files: service's path → files outside of it whose change reaches it.
    """

    shared: list[DraftShared] = field(default_factory=list)
    uses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    after: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)


def built_with(tree: Tree, projects: Mapping[str, Project], services: list[str], system: str) -> Built:
    """Everything that ``services`` (paths) are built with, directly or through other modules."""
    direct = {path: _direct(tree, projects, path) for path in services}
    modules: dict[str, list[str]] = {}
    pending = [used for path in services for used in direct[path]]
    while pending:
        path = pending.pop(0)
        if path not in modules and path not in direct:
            modules[path] = [p for p in _direct(tree, projects, path) if p not in direct]
            pending.extend(modules[path])
    while circle := cycle(modules):
        modules[circle[-2]] = [p for p in modules[circle[-2]] if p != circle[-1]]
        tree.remark(
            f"{visible(circle[-2])} and {visible(circle[-1])} use each other: one of the two is left out"
        )
    place = {path: index for index, path in enumerate(projects)}
    order = topological(sorted(modules, key=lambda p: (place.get(p, len(place)), p)), modules)
    names: dict[str, str] = {}
    for path in order:
        names[path] = unique(clean(path.rpartition("/")[2] or system, "module"), path, names.values())
    result = Built()
    for path in order:
        used = tuple(names[p] for p in modules[path])
        files = projects[path].build_files if path in projects else ()
        result.shared.append(DraftShared(names[path], path, used, files))
    rank = {path: index for index, path in enumerate(order)}
    after = {path: [p for p in direct[path] if p in direct] for path in services}
    while circle := cycle(after):
        after[circle[-2]] = [p for p in after[circle[-2]] if p != circle[-1]]
    result.after = after
    for path in services:
        outside = [p for p in direct[path] if p in rank and not p.startswith(f"{path}/")]
        result.uses[path] = tuple(names[p] for p in sorted(outside, key=rank.__getitem__))
        result.files[path] = _files(tree, projects, path)
    return result


def _direct(tree: Tree, projects: Mapping[str, Project], path: str) -> list[str]:
    """Folders that ``path`` is built with; in the place of what only bundles others, those."""
    found: list[str] = []
    pending = list(_inside(tree, projects, path))
    seen: set[str] = set()
    while pending:
        used = pending.pop(0)
        if used in seen or used in (path, "."):
            continue
        seen.add(used)
        project = projects.get(used)
        if project is not None and project.aggregate:
            pending.extend(project.uses)
        else:
            found.append(used)
    return found


def _inside(tree: Tree, projects: Mapping[str, Project], path: str) -> list[str]:
    """What the projects in ``path`` use; of a Go folder, packages of the module around it."""
    used = [
        u for p, project in projects.items() if p == path or p.startswith(f"{path}/") for u in project.uses
    ]
    if path != "." and not any(p == path or p.startswith(f"{path}/") for p in projects):
        root = _go_root(tree, path)
        if root:
            # a package at a time would be many; its first two folders are what people call a module
            depth = 0 if root == "." else root.count("/") + 1
            used += ["/".join(p.split("/")[: depth + 2]) for p in packages(tree, root, path)]
    return [u for u in dict.fromkeys(used) if u != path and not path.startswith(f"{u}/")]


def _go_root(tree: Tree, path: str) -> str:
    """The folder above ``path`` with a ``go.mod``; empty if there is none, or no Go in ``path``."""
    if not any(name.endswith(".go") for folder in tree.below(path) for name in tree.files[folder]):
        return ""
    while path != ".":
        path = path.rpartition("/")[0] or "."
        if "go.mod" in tree.files.get(path, ()):
            return path
    return ""


def _files(tree: Tree, projects: Mapping[str, Project], path: str) -> tuple[str, ...]:
    if path in projects:
        return projects[path].build_files
    root = _go_root(tree, path) if path != "." else ""
    return tuple(f for f in (join(root, "go.mod"), join(root, "go.sum")) if tree.has(f)) if root else ()
