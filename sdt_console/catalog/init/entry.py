"""``sdt init --repo``: from a folder to a :class:`Draft`, and from a draft to a file that was not there."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from sdt_console.catalog.graph import cycle
from sdt_console.catalog.init.builds import read_projects
from sdt_console.catalog.init.builds.gradle import root_name
from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.candidates import Candidate, find
from sdt_console.catalog.init.compose import read_compose
from sdt_console.catalog.init.links import Links, link
from sdt_console.catalog.init.names import clean, folder_name, system_name, unique
from sdt_console.catalog.init.parts import Aws, Draft, DraftService
from sdt_console.catalog.init.ports import Port, choose, claims
from sdt_console.catalog.init.roles import SAYS, group, lift, wave
from sdt_console.catalog.init.scan import Tree, scan
from sdt_console.catalog.init.shared import built_with
from sdt_console.catalog.init.spring import served_ports
from sdt_console.catalog.init.toml_text import render
from sdt_console.errors import UsageError
from sdt_console.text import visible

_IGNORABLE = ("docs/", ".github/", ".gitignore", ".gitattributes", ".editorconfig", "LICENSE")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


def draft(repo: Path) -> Draft:
    """What the files in ``repo`` say about its services. Nothing in it is run, nothing outside is read.

    :raises UsageError: ``repo`` is not a folder.
    """
    if not repo.is_dir():
        raise UsageError(f"{visible(str(repo))} is not a folder", next="name the folder of a repository")
    tree = scan(repo)
    projects = read_projects(tree)
    compose = read_compose(tree)
    found = find(tree, projects, compose)
    links = link(tree, found, projects, compose)
    system = _system(tree, projects)
    names = _names(found.services, system, [d.name for d in links.data.values()])
    libraries = {p: projects[p].libraries if p in projects else frozenset() for p in names}
    waves = {names[p]: wave(names[p], libraries[p]) for p in names}
    needs = _needs(tree, links, names)
    lifted = lift(waves, needs)
    served = {
        name: port
        for path in names
        if waves[names[path]] == 1
        for name, port in served_ports(tree, path).items()
    }
    built = built_with(tree, projects, [c.path for c in found.services], system)
    services = []
    for candidate in found.services:
        path, name, project = candidate.path, names[candidate.path], projects.get(candidate.path)
        kind = project.kind if project else _kind(projects, path)
        words = claims(tree, candidate, project, links.runs.get(path, []), served)
        port = choose(words, kind, candidate.content.base, waves[name])
        services.append(
            DraftService(
                name=name,
                path=path,
                port=port.number,
                port_note=port.note,
                guessed_port=port.guessed,
                priority=lifted[name][0],
                priority_note=_priority_note(waves[name], *lifted[name]),
                group=group(name, waves[name]),
                dockerfile=candidate.dockerfile,
                context=candidate.context,
                build_args=_build_args(candidate, project, name, port),
                uses=built.uses[path],
                build_after=tuple(names[p] for p in built.after[path]),
                needs=needs[name],
                build_files=built.files[path],
                version=project.version if project else "",
            )
        )
    if not services:
        tree.remark("no Dockerfile of a service was found: the catalog has no services yet")
    within = tuple(f"{path}/" for path in names if path != ".")
    programs = [p for p in projects.values() if p.program and p.path not in names]
    programs = [p for p in programs if not p.path.startswith(within)]
    for project in programs[:20] if services else programs:
        tree.remark(f"{visible(project.path)} looks like a service, but has no Dockerfile: left out")
    services.sort(key=lambda s: (s.priority, s.group != "core", s.group == "support"))
    return Draft(
        system=system,
        services=tuple(services),
        shared=tuple(built.shared),
        data=tuple(links.data.values()),
        ignore=_ignore(tree, names),
        aws=Aws(region=region_here()),
        remarks=tuple(tree.remarks),
    )


def write(repo: Path, target: Path) -> Draft:
    """Write the catalog of ``repo`` into ``target``, which must not exist.

    :raises UsageError: ``target`` exists or cannot be written; nothing was written.
    """
    if os.path.lexists(target):
        raise _exists(target)
    result = draft(repo)
    save(result, target)
    return result


def save(result: Draft, target: Path) -> None:
    """Write ``result`` into ``target``, which must not exist: whole, or not at all.

    :raises UsageError: ``target`` exists or cannot be written.
    """
    content = render(result).encode("utf-8")
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot write {visible(str(target))}", reason, "name another file") from error


def region_here() -> str:
    """The region that the environment names; empty if it names none."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        value = os.environ.get(name, "")
        if _REGION.fullmatch(value):
            return value
    return ""


def _exists(target: Path) -> UsageError:
    name = visible(str(target))
    return UsageError(
        f"{name} is there already", "a catalog is never overwritten", "move it away, or name another"
    )


def _system(tree: Tree, projects: Mapping[str, Project]) -> str:
    top = projects.get(".")
    folder = Path(os.path.realpath(tree.repo)).name
    return system_name(root_name(tree) or (top.name if top else "") or folder)


def _names(services: list[Candidate], system: str, data: list[str]) -> dict[str, str]:
    """Path → name, in the order of the paths; short ones first, so that they keep their plain name."""
    found: dict[str, str] = {}
    for candidate in sorted(services, key=lambda c: (c.path.count("/"), c.path)):
        alone = len(services) == 1 or candidate.path == "."
        fallback = system if alone else clean(candidate.hint or candidate.path.rpartition("/")[2])
        plain = folder_name(candidate.path, fallback)
        found[candidate.path] = unique(plain, candidate.path, [*found.values(), *data])
    return {candidate.path: found[candidate.path] for candidate in services}


def _needs(tree: Tree, links: Links, names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Service → services and data services that the compose files start before it."""
    found: dict[str, list[str]] = {}
    for path, name in names.items():
        runs = links.runs.get(path, [])
        wanted = [n for c in runs if not c.lesser for n in c.needs] or [n for c in runs for n in c.needs]
        known = [
            names[links.paths[n]] if n in links.paths else links.data[n].name if n in links.data else ""
            for n in wanted
        ]
        found[name] = [n for n in dict.fromkeys(known) if n and n != name]
    while circle := cycle(found):
        found[circle[-2]].remove(circle[-1])
        tree.remark(f"{circle[-2]} and {circle[-1]} depend on each other: {circle[-2]} is written without")
    return {name: tuple(wanted) for name, wanted in found.items()}


def _priority_note(guess: int, final: int, lifted_by: str) -> str:
    role = f"guessed: {SAYS[guess]}" if guess in SAYS else ""
    if final == guess:
        return role
    return f"{role}, but it needs {lifted_by}" if role else f"guessed: it needs {lifted_by}"


def _build_args(candidate: Candidate, project: Project | None, name: str, port: Port) -> dict[str, str]:
    """Build arguments; of a shared Dockerfile with placeholders, so that services can say the same."""
    if not candidate.shared:
        return dict(candidate.build_args)
    made = {}
    for key, value in candidate.build_args.items():
        if value == name or (project and project.version and value == f"{name}-{project.version}"):
            value = "{service}" + value.removeprefix(name)
        elif value == candidate.path or value.startswith(f"{candidate.path}/"):
            value = "{path}" + value.removeprefix(candidate.path)
        elif "PORT" in key.upper() and value == str(port.number):
            value = "{port}"
        made[key] = value
    return made


def _kind(projects: Mapping[str, Project], path: str) -> str:
    """Kind of the nearest project below or above ``path``; empty if there is none."""
    below = [p.kind for p in projects.values() if p.path.startswith(f"{path}/")]
    above = [p for p in projects.values() if p.path == "." or path.startswith(f"{p.path}/")]
    return (below + [p.kind for p in sorted(above, key=lambda p: -len(p.path))] + [""])[0]


def _ignore(tree: Tree, services: Collection[str]) -> tuple[str, ...]:
    """Patterns of files that are in no image; the catalog itself too, where a service is all there is."""
    top = set(tree.files.get(".", ())) | {f"{name}/" for name in tree.folders.get(".", ())}
    top |= {".github/"} if (tree.repo / ".github").is_dir() else set()
    own = ("catalog.toml",) if "." in services else ()
    return ("*.md", *(name for name in _IGNORABLE if name in top), *own)
