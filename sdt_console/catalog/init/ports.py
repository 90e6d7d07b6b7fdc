"""The port of a service: every source's word, and which of them is nearest to the running container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.candidates import Candidate
from sdt_console.catalog.init.compose import ComposeService
from sdt_console.catalog.init.dockerfile import port_number
from sdt_console.catalog.init.images import server_port
from sdt_console.catalog.init.scan import Tree
from sdt_console.catalog.init.spring import application_name, own_port
from sdt_console.text import visible

_DEBUG = frozenset({5005, 8000, 9229, 5858, 40000, 2345})
_DEFAULTS = {"java": 8080, "node": 3000, "go": 8080, "python": 8000, "dotnet": 8080, "ruby": 3000, "php": 80}
_ENV = ("SERVER_PORT", "PORT", "HTTP_PORT", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_URLS", "QUARKUS_HTTP_PORT")
GUESSED = "guessed: no port found"


@dataclass(frozen=True)
class Claim:
    """What one source says; several ports where it opens several."""

    ports: tuple[int, ...]
    source: str


@dataclass(frozen=True)
class Port:
    """:param note: why this one; empty where all sources agree."""

    number: int
    note: str = ""
    guessed: bool = False


def claims(
    tree: Tree,
    candidate: Candidate,
    project: Project | None,
    compose: Sequence[ComposeService],
    served: Mapping[str, tuple[int, str]],
) -> list[Claim]:
    """All sources that name a port, the one nearest to the running container first.

    :param compose: the compose services that run it, the plainest files first.
    :param served: what a config server serves: application → (port, file).
    """
    plain = [c for c in compose if not c.lesser]
    found = [Claim(tuple(c.ports), visible(c.file)) for c in plain]
    found += [Claim(tuple(c.exposed), visible(c.file)) for c in plain]
    found += [Claim((c.told,), f"the environment in {visible(c.file)}") for c in plain if c.told]
    docker = visible(candidate.dockerfile)
    arguments = {k: v for k, v in candidate.build_args.items() if "{" not in v}
    found.append(Claim(tuple(candidate.content.ports(arguments)), f"EXPOSE in {docker}"))
    for name in _ENV:
        number = port_number(candidate.content.env.get(name, "").rpartition(":")[2].partition(";")[0])
        found += [Claim((number,), f"{name} in {docker}")] if number else []
    if project and project.port:
        found.append(Claim((project.port[0],), visible(project.port[1])))
    profiles = ",".join(
        [candidate.content.env.get("SPRING_PROFILES_ACTIVE", ""), *(c.profiles for c in plain)]
    )
    own = own_port(tree, candidate.path, profiles)
    found += [Claim((own[0],), visible(own[1]))] if own else []
    names = [
        application_name(tree, candidate.path),
        candidate.path.rpartition("/")[2],
        project.name if project else "",
    ]
    shared = next((served[name] for name in names if name in served), None)
    found += [Claim((shared[0],), visible(shared[1]))] if shared else []
    found = [claim for claim in found if claim.ports]
    lesser = [Claim(tuple(c.ports or c.exposed), visible(c.file)) for c in compose if c.lesser]
    return found or [claim for claim in lesser if claim.ports]


def choose(found: Sequence[Claim], kind: str, base: str, wave: int) -> Port:
    """The port to write, with a note where sources disagree or none was found.

    :param kind: as in :class:`Project`; empty if no build file was found.
    :param base: image that the container comes from.
    :param wave: deploy wave, for the ports that Spring's own servers are known for.
    """
    if not found:
        known = server_port(base)
        if known:
            return Port(known, "guessed: what its base image listens on", guessed=True)
        spring = {1: 8888, 2: 8761}.get(wave) if kind == "java" else None
        return Port(spring or _DEFAULTS.get(kind, 8080), GUESSED, guessed=True)
    winner, others = found[0], found[1:]
    number = winner.ports[0]
    if len(winner.ports) > 1:
        agreed = (p for p in winner.ports if any(p in other.ports for other in others))
        quiet = (p for p in winner.ports if p not in _DEBUG)
        number = next(agreed, next(quiet, number))
    against: dict[str, None] = {}
    for other in others:
        if number not in other.ports:
            against.setdefault(f"{other.source} says {other.ports[0]}")
    if not against:
        return Port(number)
    return Port(number, f"from {winner.source}; " + ", ".join(list(against)[:2]))
