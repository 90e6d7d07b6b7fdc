"""Which compose services run which candidates, and which are data services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.candidates import Candidate, Candidates, belongs
from sdt_console.catalog.init.compose import ComposeService
from sdt_console.catalog.init.images import DataImage, data_image, data_ports
from sdt_console.catalog.init.names import clean, unique
from sdt_console.catalog.init.parts import DraftData
from sdt_console.catalog.init.scan import Tree
from sdt_console.text import visible


@dataclass
class Links:
    """:param runs: candidate's path → the compose services that run it, the plainest files first.
    :param paths: compose service's name → path of the candidate it runs.
    :param data: compose service's name → the data service it is.
    """

    runs: dict[str, list[ComposeService]] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    data: dict[str, DraftData] = field(default_factory=dict)


def link(
    tree: Tree, found: Candidates, projects: Mapping[str, Project], compose: list[ComposeService]
) -> Links:
    """Tell the compose services apart."""
    links = Links()
    by_name: dict[str, list[ComposeService]] = {}
    for service in compose:
        by_name.setdefault(service.name, []).append(service)
    free: dict[str, list[ComposeService]] = {}
    for name, services in by_name.items():
        known = _data_kind(services, found)
        if known is None:
            free[name] = services
        else:
            opened = [p for s in services for p in (*s.ports, *s.exposed)]
            port, more = data_ports(known, opened)
            taken = [d.name for d in links.data.values()]
            links.data[name] = DraftData(unique(clean(name, known.kind), "", taken), port, more)
    scores = [
        (score, name, candidate.path)
        for name, services in free.items()
        for candidate in found.services
        if (score := max(belongs(candidate, _called(projects, candidate), s) for s in services))
    ]
    for score, name, path in sorted(scores, key=lambda entry: -entry[0]):
        if name not in links.paths and (path not in links.runs or score == 5):
            links.paths[name] = path
            links.runs.setdefault(path, []).extend(free[name])
    for name, services in free.items():
        if name not in links.paths and not services[0].dockerfile and not services[0].lost:
            image = visible(services[0].image) or "nothing"
            tree.remark(f"{visible(services[0].file)}: {visible(name)} only runs {image}: left out")
    for folder, image in found.data.items():
        _unused(links, folder, image)
    return links


def _called(projects: Mapping[str, Project], candidate: Candidate) -> str:
    project = projects.get(candidate.path)
    return project.name if project else ""


def _data_kind(services: list[ComposeService], found: Candidates) -> DataImage | None:
    for service in services:
        base = found.data.get(service.dockerfile.rpartition("/")[0] or ".") if service.dockerfile else None
        known = data_image(base or ("" if service.dockerfile else service.image))
        if known is not None:
            return known
    return None


def _unused(links: Links, folder: str, image: str) -> None:
    """A data image that is built here, but that no compose file runs: it is a data service of its own."""
    known = data_image(image)
    if known is not None and not any(d.port == known.port for d in links.data.values()):
        name = unique(
            clean(folder.rpartition("/")[2], known.kind), folder, [d.name for d in links.data.values()]
        )
        links.data[f"{folder}/"] = DraftData(name, known.port, known.more)
