"""One Dockerfile for many services: which folders it is fed with, and by which build arguments."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.compose import ComposeService
from sdt_console.catalog.init.names import clean
from sdt_console.catalog.init.scan import DockerfileAt, Tree, join
from sdt_console.text import visible

_SELECTS = re.compile(
    r"service|module|app|artifact|project|package|component|name|jar|war|path|dir|folder", re.I
)
_NO_SELECTOR = re.compile(
    r"version|tag$|digest|sha|platform|arch|^os$|user|uid|gid|image|registry|repo|url|token|date|commit|proxy",
    re.I,
)
_WORD = re.compile(r"[^\s\"'\[\],;&|()=]+")


@dataclass
class Fed:
    """A folder that a shared Dockerfile is fed with."""

    path: str
    context: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""


def fed_by(
    tree: Tree,
    projects: Mapping[str, Project],
    at: DockerfileAt,
    compose: list[ComposeService],
    own: Set[str],
) -> list[Fed]:
    """Folders that ``at`` builds; none if it is one folder's own Dockerfile.

    What compose files say counts first, then what build files say, then what its own text shows.

    :param own: folders with a Dockerfile of their own.
    """
    builds = {c.name: c for c in reversed(compose) if c.dockerfile == at.path}
    used = [c for name, c in builds.items() if not c.lesser] or list(builds.values())
    used.reverse()
    selectors = _selectors(at)
    kinds = {(c.context, tuple(c.build_args.items())) for c in used}
    if len(kinds) == 1 and len(used) > 1:
        others = ", ".join(visible(c.name) for c in used[1:])
        tree.remark(
            f"{visible(used[0].file)}: {others} runs the code of {visible(used[0].name)}: written once"
        )
    elif used and (len(used) > 1 or (selectors and used[0].build_args)):
        found = _from_compose(tree, projects, at, used)
        return found if len(found) > 1 or (found and found[0].path != at.folder) else []
    named = [p for p in projects.values() if p.dockerfile == at.path and p.program and p.path != at.folder]
    if named:
        return [
            Fed(p.path, p.context, _feed(at, projects, p.path, p.build_args))
            for p in named
            if p.path == at.folder or p.path not in own
        ]
    here = projects.get(at.folder)
    if here is not None and here.program and not here.aggregate:
        return []
    return _from_text(tree, projects, at, selectors, own)


def _selectors(at: DockerfileAt) -> list[str]:
    """Arguments by which the Dockerfile is told what to build."""
    text = "\n".join([*at.content.copies, *at.content.runs])
    return [
        name
        for name in at.content.arguments
        if _SELECTS.search(name) and not _NO_SELECTOR.search(name) and re.search(rf"\$\{{?{name}\b", text)
    ]


def _from_compose(
    tree: Tree, projects: Mapping[str, Project], at: DockerfileAt, used: list[ComposeService]
) -> list[Fed]:
    found: dict[str, Fed] = {}
    for service in used:
        path = _path_of(tree, projects, at, service)
        if not path or path in found:
            why = f"runs the code of {visible(path)} too" if path else "its folder is not to be seen"
            tree.remark(f"{visible(service.file)}: {visible(service.name)} is left out: {why}")
            continue
        args = {k: v for k, v in service.build_args.items() if k in at.content.arguments}
        found[path] = Fed(path, service.context, args, service.name)
    return list(found.values())


def _path_of(tree: Tree, projects: Mapping[str, Project], at: DockerfileAt, service: ComposeService) -> str:
    """The folder whose code a compose service builds with a Dockerfile that serves several."""
    if service.context != "." and service.context != at.folder:
        return service.context
    for value in service.build_args.values():
        path = join(service.context, value.lstrip("/"))
        while path not in (".", "") and not path.startswith(".."):
            if path in projects and path != service.context:
                return path
            path = posixpath.dirname(path)
        if (join(service.context, value) in tree.files) and join(service.context, value) != service.context:
            return join(service.context, value)
    wanted = {clean(value, "") for value in service.build_args.values()} | {clean(service.name, "")}
    for exact in (True, False):
        for path in projects:
            base = clean(posixpath.basename(path), "")
            if base and any(w == base or (not exact and base.endswith(f"-{w}")) for w in wanted if w):
                return path
    return at.folder if at.folder != "." and at.folder in projects else ""


def _from_text(
    tree: Tree, projects: Mapping[str, Project], at: DockerfileAt, selectors: list[str], own: Set[str]
) -> list[Fed]:
    """Folders that the Dockerfile's paths can mean, or every program, if it only takes a name."""
    for name in selectors:
        for prefix in _prefixes(at, name):
            folders = [join(prefix, child) for child in tree.folders.get(prefix, ())]
            fit = [f for f in folders if f in projects and not projects[f].aggregate]
            if prefix != ".":
                fit = fit or [f for f in folders if "main.go" in tree.files.get(f, ())]
            fit = [f for f in fit if f not in own and (f not in projects or projects[f].program is not False)]
            if len(fit) > 1 or (fit and prefix != "."):
                return [
                    Fed(f, "", {name: posixpath.basename(f)} | _feed(at, projects, f, {}, {name}))
                    for f in fit
                ]
    open_ones = [name for name in selectors if at.content.arguments[name] is None or len(selectors) == 1]
    programs = [p.path for p in projects.values() if p.program and p.kind == "java" and p.path not in own]
    programs = [path for path in programs if path != "."]
    alone = at.folder not in projects or projects[at.folder].aggregate
    if open_ones and alone and len(programs) > 1:
        return [Fed(path, "", _feed(at, projects, path, {})) for path in programs]
    return []


def _prefixes(at: DockerfileAt, name: str) -> list[str]:
    """Folders out of which the Dockerfile takes ``${name}``: ``apps`` for ``apps/${name}``."""
    found = []
    variable = re.compile(rf"\$(?:\{{{name}\}}|{name}\b)")
    for text in (*at.content.copies, *at.content.runs):
        for word in _WORD.findall(text):
            place = variable.search(word)
            if place is None or word[place.end() :][:1] not in ("", "/"):
                continue
            before = word[: place.start()]
            path = join(".", before.lstrip("/") or ".")
            if (before == "" or before.endswith("/")) and "$" not in path and not path.startswith(".."):
                found.append(path)
    return list(dict.fromkeys(sorted(found, key=lambda path: path == ".")))


def _feed(
    at: DockerfileAt,
    projects: Mapping[str, Project],
    path: str,
    told: Mapping[str, str],
    done: Set[str] = frozenset(),
) -> dict[str, str]:
    """Values for the Dockerfile's arguments: what the build file ``told``, else what their names ask for."""
    project = projects.get(path, Project(path, ""))
    text = "\n".join([*at.content.copies, *at.content.runs, *at.content.text.splitlines()])
    args: dict[str, str] = {}
    for name, default in at.content.arguments.items():
        if name in done:
            continue
        known = told.get(name, "")
        if known and not set("{}$") & set(known):
            args[name] = known
        elif (
            default is None
            or "PORT" in name.upper()
            or (_SELECTS.search(name) and not _NO_SELECTOR.search(name))
        ):
            value = _guess(name, project, text)
            if value and (default is None or "JAR" not in name.upper()):
                args[name] = value
    return args


def _guess(name: str, project: Project, text: str) -> str:
    upper = name.upper()
    called = project.name or posixpath.basename(project.path)
    if "PORT" in upper:
        return "{port}"
    if _NO_SELECTOR.search(name) or not _SELECTS.search(name):
        return ""
    if ("JAR" in upper or "WAR" in upper) and "NAME" not in upper:
        return f"{project.path}/target/*.jar" if project.version else f"{project.path}/build/libs/*.jar"
    if re.search(rf"\$\{{?{name}\}}?\.jar", text) and project.version and "$" not in project.version:
        return f"{called}-{project.version}"
    if re.search(r"PATH|DIR|FOLDER", upper) or re.search(rf"-pl\s+\$\{{?{name}\b", text):
        return project.path
    if re.search(rf":\$\{{?{name}\}}?:", text):
        return project.path.replace("/", ":")
    return called
