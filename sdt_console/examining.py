"""``sdt doctor``: is all in place? The machine, the catalog and its account; every finding at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdt_console.clients import machine
from sdt_console.drafting import problems_of
from sdt_console.errors import CloudError, SdtError, UsageError
from sdt_console.looked_at import account_of
from sdt_console.model import Finding
from sdt_console.pipeline.checks.rights import rights
from sdt_console.pipeline.preflight import inspect
from sdt_console.text import size

if TYPE_CHECKING:
    from sdt_console.engine import Engine

CATALOG, REPOSITORY, STORE = "catalog", "repository", "store"
_LITTLE = 1_000_000_000
"""Bytes: images are put together and kept in the state folder until they are pushed."""


@dataclass(frozen=True)
class Examination:
    """What was found.

    :param environment: the one that was examined; empty if it is not known.
    """

    environment: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 without an error, 2 if the catalog or the repository is wrong, 3 for anything else."""
        wrong = {finding.where for finding in self.findings if finding.severity == "error"}
        if wrong & {CATALOG, REPOSITORY}:
            return UsageError.exit_code
        return CloudError.exit_code if wrong else 0


async def examine(door: Engine) -> Examination:
    """Look at everything that a run of ``door`` would rest on; nothing is changed.

    A catalog that cannot be read is a finding, too; its account is then not looked at.
    """
    docker = asyncio.to_thread(_docker)
    local = asyncio.to_thread(lambda: [*_machine(), *_state(door.state_folder)])
    catalog, environment = _catalog(door)
    repository = asyncio.to_thread(lambda: list(_sources(door, compare=bool(environment))))
    account = _account(door) if environment else _none()
    store = asyncio.to_thread(_store, door) if environment else _none()
    parts = await asyncio.gather(local, docker, repository, account, store)
    here, engine, sources, cloud, kept = parts
    return Examination(environment, (*here, *engine, *catalog, *sources, *kept, *cloud))


async def _account(door: Engine) -> list[Finding]:
    account = account_of(door)
    catalog = door.catalog
    services = [service.name for service in catalog.active] + [data.name for data in catalog.data]
    findings, seen = await inspect(account, services)
    if seen is not None:
        # With a role the table is reached by another caller: the person's own credentials.
        role = catalog.environments[door.environment].role
        findings += await rights(account, services, seen, table="" if role else _table(door))
    return findings


def _table(door: Engine) -> str:
    """The shared table as the end of an ARN; empty if the catalog names none."""
    catalog = door.catalog
    if not catalog.store.table:
        return ""
    region = catalog.store.region or catalog.aws.region
    return f"{region}:{catalog.aws.account}:table/{catalog.store.table}"


def create_table(door: Engine) -> str:
    """Make the table that the catalog names for shared runs and leases; what was done, in one sentence.

    :raises UsageError: the catalog names none.
    :raises CloudError: AWS refused, or what is there cannot serve.
    """
    from sdt_console import holding

    return holding.create_table(door.settings, door.catalog)


def _store(door: Engine) -> list[Finding]:
    """Where runs and leases are kept."""
    from sdt_console import holding

    if not door.catalog.store.table:
        return [
            Finding("ok", STORE, "runs and leases are kept on this machine only (no [store] in the catalog)")
        ]
    table = door.catalog.store.table
    try:
        problem = holding.table_problem(door.settings, door.catalog)
    except CloudError as error:
        return [_told(STORE, error)]
    if problem is None:
        return [Finding("ok", STORE, f"runs and leases are shared in the table {table}")]
    cure = "make it with `sdt doctor --create-table`, or correct [store] in the catalog"
    return [Finding("error", STORE, problem, "a run that cannot be recorded is refused", cure)]


async def _none() -> list[Finding]:
    return []


def _machine() -> Iterator[Finding]:
    yield Finding("ok", "machine", f"Python {machine.python_version()}")
    git = machine.git_version()
    if git is None:
        yield Finding(
            "error", "machine", "git is not installed", "changes are detected with it", "install git"
        )
    else:
        yield Finding("ok", "machine", f"git {git}")


def _docker() -> list[Finding]:
    version, missing = machine.docker_version()
    if version:
        return [Finding("ok", "builder", f"Docker Engine {version} answers")]
    return [
        Finding(
            "warning",
            "builder",
            "no Docker Engine",
            f"{missing}; images are put together without one, from Dockerfiles that only copy",
            "start one, or give this user the right to use it",
        )
    ]


def _state(folder: Path) -> Iterator[Finding]:
    trouble = machine.write_trouble(folder)
    if trouble is not None:
        yield Finding(
            "error",
            "state",
            f"nothing can be written into {folder}",
            f"{trouble}; a run that cannot be recorded is refused",
            "make it writable, or name another folder in SDT_STATE",
        )
        return
    free = machine.free_bytes(folder)
    if free < _LITTLE:
        yield Finding(
            "warning",
            "state",
            f"{size(free)} free in {folder}",
            "the journal and images on their way are kept there",
            "make room, or name another folder in SDT_STATE",
        )
    else:
        yield Finding("ok", "state", f"{folder} can be written, {size(free)} free")


def _catalog(door: Engine) -> tuple[list[Finding], str]:
    """What is wrong with the catalog, and the environment if it has the one asked for."""
    found: list[Finding] = []
    try:
        file = door.catalog_file
        for problem in problems_of(door.catalog_file):
            if problem.severity == "error":
                where = f"{file}:{problem.line}" if problem.line else f"{file}"
                found.append(Finding("error", CATALOG, str(problem), where, "see `sdt catalog check`"))
        if found:
            return found, ""
        environment = door.environment
    except SdtError as error:
        return [*found, _told(CATALOG, error)], ""
    parts = f"{len(door.catalog.active)} active services, {len(door.catalog.environments)} environments"
    return [Finding("ok", CATALOG, f"{file}: {parts}")], environment


def _sources(door: Engine, *, compare: bool) -> Iterator[Finding]:
    """The repository, and with ``compare`` whether the catalog fits the one that was named."""
    yield from _repository(door)
    repo = door.settings.repo
    if not compare or repo is None or not repo.is_dir():
        return
    if any((repo / service.path).is_dir() for service in door.catalog.active):
        yield from _disagreements(door)
    else:
        yield Finding(
            "error",
            REPOSITORY,
            f"no service of {door.catalog_file} is in {repo}",
            "another repository, or wrong paths",
            "name it with --repo, or correct the paths: `sdt catalog check --repo DIR`",
        )


def _repository(door: Engine) -> Iterator[Finding]:
    """The repository given, or the one this folder is in."""
    try:
        repository = door.repository
        head = repository.commit("HEAD")
    except SdtError as error:
        if door.settings.repo is not None:
            yield _told(REPOSITORY, error)
        else:
            yield Finding("ok", REPOSITORY, "none here", error.what, "name the backend's with --repo DIR")
        return
    if head is None:
        yield Finding("warning", REPOSITORY, f"{repository.path} has no commit yet", "", "commit something")
    elif repository.is_shallow():
        yield Finding(
            "warning",
            REPOSITORY,
            f"{repository.path} is a shallow clone",
            "the commits to compare with may be cut off",
            "git fetch --unshallow origin   (in Actions: actions/checkout with fetch-depth: 0)",
        )
    else:
        yield Finding("ok", REPOSITORY, f"{repository.path} at {head[:12]}")


def _disagreements(door: Engine) -> Iterator[Finding]:
    """Where the catalog and the repository that was named disagree."""
    alone = {str(problem) for problem in problems_of(door.catalog_file)}
    for problem in problems_of(door.catalog_file, door.settings.repo):
        if str(problem) not in alone:
            yield Finding(
                "error" if problem.severity == "error" else "warning",
                REPOSITORY,
                str(problem),
                "the catalog and the repository disagree",
                f"see `sdt catalog check --repo {door.settings.repo}`",
            )


def _told(where: str, error: SdtError) -> Finding:
    return Finding("error", where, error.what, error.cause.strip(), error.next)
