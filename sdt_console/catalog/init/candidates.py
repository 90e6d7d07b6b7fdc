"""Which folders are services: those with a Dockerfile, and those that a shared Dockerfile is fed with."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.compose import ComposeService
from sdt_console.catalog.init.context import infer_context
from sdt_console.catalog.init.dockerfile import Dockerfile, parse
from sdt_console.catalog.init.fed import Fed, fed_by
from sdt_console.catalog.init.images import basename, data_image
from sdt_console.catalog.init.names import GENERIC, clean
from sdt_console.catalog.init.scan import DockerfileAt, Tree, docker_word, dockerfiles
from sdt_console.text import visible

_QUARKUS = "src/main/docker"


@dataclass
class Candidate:
    """A folder that will be a service.

    :param hint: name of its Dockerfile or compose service, where the folder's own says little.
    :param shared: its Dockerfile builds other services as well.
    """

    path: str
    dockerfile: str
    content: Dockerfile
    context: str
    build_args: Mapping[str, str] = field(default_factory=dict)
    shared: bool = False
    hint: str = ""


@dataclass
class Candidates:
    """Services, and the folders whose Dockerfile only dresses up a data service's image."""

    services: list[Candidate]
    data: dict[str, str]


def find(tree: Tree, projects: Mapping[str, Project], compose: list[ComposeService]) -> Candidates:
    """All candidates, in the order of their paths; each folder once."""
    files = _all_dockerfiles(tree, compose)
    data = {at.folder: at.content.base for at in files if data_image(at.content.base)}
    files = [at for at in files if at.folder not in data or not data_image(at.content.base)]
    own = {at.folder for at in files}
    found: dict[str, Candidate] = {}
    later: list[tuple[DockerfileAt, list[Fed]]] = []
    for at in files:
        fed = fed_by(tree, projects, at, compose, own)
        if fed:
            later.append((at, fed))
            continue
        owner = _owner(tree, projects, at, files)
        builds = [c for c in compose if c.dockerfile == at.path]
        args = builds[0].build_args if builds else projects[owner].build_args if owner in projects else {}
        context = builds[0].context if builds else ""
        context = context or infer_context(tree, projects, at.content, at.folder, owner, args)
        args = {name: value for name, value in args.items() if name in at.content.arguments}
        if owner in found:
            used = visible(found[owner].dockerfile)
            tree.remark(f"{visible(at.path)} is left out: {visible(owner)} is built with {used}")
            continue
        found[owner] = Candidate(owner, at.path, at.content, context, args, hint=at.word)
    for at, fed in later:
        for one in fed:
            if one.path in found:
                continue
            args = one.build_args
            context = one.context or infer_context(tree, projects, at.content, at.folder, one.path, args)
            found[one.path] = Candidate(
                one.path, at.path, at.content, context, args, shared=True, hint=one.hint
            )
    _drop_the_whole(tree, projects, found)
    return Candidates([found[path] for path in sorted(found)], data)


def _drop_the_whole(tree: Tree, projects: Mapping[str, Project], found: dict[str, Candidate]) -> None:
    """A Dockerfile at the top of a repository of many services is for all of them at once, or a leftover."""
    top = projects.get(".")
    if "." in found and len(found) > 1 and (top is None or top.aggregate or top.program is False):
        tree.remark(f"{visible(found.pop('.').dockerfile)} is left out: it is of no one service")


def _all_dockerfiles(tree: Tree, compose: list[ComposeService]) -> list[DockerfileAt]:
    """Dockerfiles found by their names, and those that compose files name."""
    files = dockerfiles(tree)
    known = {at.path for at in files}
    for service in compose:
        if service.dockerfile and service.dockerfile not in known and not service.lesser:
            known.add(service.dockerfile)
            content = parse(tree.read(service.dockerfile, 256 << 10))
            name = posixpath.basename(service.dockerfile)
            word = docker_word(name) or service.name.lower()
            if content.stages:
                files.append(DockerfileAt(service.dockerfile, word, content))
    return files


def _owner(tree: Tree, projects: Mapping[str, Project], at: DockerfileAt, files: list[DockerfileAt]) -> str:
    """The folder of the service that a Dockerfile of its own builds."""
    folder = at.folder
    if folder == _QUARKUS or folder.endswith(f"/{_QUARKUS}"):
        return folder.removesuffix(_QUARKUS).rstrip("/") or "."
    if at.word and (named := _named(projects, at.word)):
        return named
    parent, base = posixpath.dirname(folder) or ".", posixpath.basename(folder).lower()
    if folder == ".":
        return folder
    if folder in projects:
        return parent if base == "src" and parent != "." and _alone(files, folder, parent) else folder
    if base in GENERIC:
        if parent == "." and "." in projects and not projects["."].aggregate:
            return "."
        return parent if parent != "." and _alone(files, folder, parent) else folder
    if posixpath.basename(parent).lower() in GENERIC and (named := _named(projects, base)):
        return named
    return folder


def _alone(files: list[DockerfileAt], folder: str, parent: str) -> bool:
    """Whether ``folder`` is the only one in ``parent`` with a Dockerfile."""
    others = {at.folder for at in files} - {folder}
    return not any(other == parent or other.startswith(f"{parent}/") for other in others)


def _named(projects: Mapping[str, Project], word: str) -> str:
    """The one project whose folder is called ``word``; empty if there is none, or more than one."""
    wanted = clean(word)
    found = [p for p in projects if clean(posixpath.basename(p), "") == wanted and not projects[p].aggregate]
    return found[0] if len(found) == 1 else ""


def belongs(candidate: Candidate, name: str, service: ComposeService) -> int:
    """How surely a compose service is ``candidate``: 0 not at all, 5 it is built from the same.

    :param name: what the candidate's build file calls it.
    """
    base = clean(posixpath.basename(candidate.path), "")
    called, image = clean(service.name, ""), clean(basename(service.image), "")
    if service.dockerfile:
        same = service.dockerfile == candidate.dockerfile
        if same and (not candidate.shared or candidate.hint == service.name):
            return 5
        if same and base in (called, image):
            return 4
        return 3 if service.context == candidate.path and not same else 0
    names = {base, clean(name, "")} - {""}
    if image in names:
        return 4
    if called in names:
        return 3
    if any(image.endswith(f"-{n}") for n in names):
        return 2
    return 1 if any(n.endswith(f"-{called}") for n in names) and called else 0
