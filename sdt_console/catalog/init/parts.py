"""What ``sdt init`` found out: a catalog before it is text, with the reason for each guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ENVIRONMENTS = ("dev", "staging", "production")


@dataclass(frozen=True)
class DraftService:
    """A service, as it will be written.

    :param path_note: why this path; empty if it is plain.
    :param port_note: why this port, if sources disagree or none was found; empty if it is plain.
    :param priority_note: why this priority; empty for the last wave.
    :param dockerfile: from the repository root; empty if the repository shows none.
    :param context: Docker build context from the repository root.
    :param build_args: values may hold ``{path}``, ``{service}`` and ``{port}``.
    :param build_files: files outside of ``path`` whose change reaches it.
    :param guessed_port: no source named the port.
    :param version: of its build file, if that says one.
    :param note: a comment above the service.
    """

    name: str
    path: str
    port: int
    path_note: str = ""
    port_note: str = ""
    priority: int = 4
    priority_note: str = ""
    group: str = "business"
    state: str = "active"
    dockerfile: str = ""
    context: str = "."
    build_args: Mapping[str, str] = field(default_factory=dict)
    uses: tuple[str, ...] = ()
    build_after: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    build_files: tuple[str, ...] = ()
    guessed_port: bool = False
    version: str = ""
    note: str = ""


@dataclass(frozen=True)
class DraftShared:
    """A module that services are built with."""

    name: str
    path: str
    uses: tuple[str, ...] = ()
    build_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class DraftData:
    """A database, broker or cache."""

    name: str
    port: int
    ports: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Aws:
    """Where it runs. Empty texts are not known, and are written as guesses that ask to be set.

    :param environments: names of the environments, the first is the default one.
    :param one_cluster: the only cluster's own name, if it does not tell its environment.
    """

    account: str = ""
    region: str = ""
    registry: str = ""
    cluster: str = ""
    service: str = ""
    task_definition: str = ""
    repository: str = ""
    log_group: str = ""
    load_balancer: str = ""
    environments: tuple[str, ...] = ENVIRONMENTS
    one_cluster: str = ""


@dataclass(frozen=True)
class Draft:
    """A catalog to be written.

    :param ignore: gitignore patterns of files that select nothing.
    :param remarks: what a person should know about how it was drafted, one sentence each.
    """

    system: str
    services: tuple[DraftService, ...] = ()
    shared: tuple[DraftShared, ...] = ()
    data: tuple[DraftData, ...] = ()
    ignore: tuple[str, ...] = ()
    aws: Aws = Aws()
    from_repository: bool = True
    remarks: tuple[str, ...] = ()
