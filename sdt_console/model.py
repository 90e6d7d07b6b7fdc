"""The nouns: plain frozen values that every part of the house may use (standard library only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

ZERO_SHA = "0" * 40
"""What git hosts send as ``before`` when a branch is new."""


class Outcome(StrEnum):
    """How a run, a stage or a step ended; the words are an API (``sdt show --json``)."""

    SUCCEEDED = "succeeded"
    NOTHING_TO_DO = "nothing-to-do"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    ROLLBACK_FAILED = "rollback-failed"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"
    """Only for stages and steps: not run, with the reason beside it."""


@dataclass(frozen=True)
class Failure:
    """Why something failed, as a person needs it.

    :param what: what failed, one sentence.
    :param cause: why.
    :param evidence: the lines it was read from: service events, stopped reasons, log lines.
    :param next: what to do now.
    """

    what: str
    cause: str
    evidence: tuple[str, ...] = ()
    next: str = ""


class Change(NamedTuple):
    """One changed path between two commits; a tuple, because there may be a hundred thousand.

    :param path: path from the repository root, ``/``-separated; bytes that are not UTF-8 as surrogates.
    :param status: git's letter: A, C, D, M, R, T or U.
    :param old_path: where a renamed or copied file was before; empty otherwise.
    """

    path: str
    status: str
    old_path: str = ""


@dataclass(frozen=True)
class Selection:
    """Whether one service is part of a change, and why.

    :param reason: one sentence without a full stop.
    :param files: the changed files that speak for it, sorted.
    """

    name: str
    selected: bool
    reason: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Detection:
    """What changed between two commits, service by service in catalog order.

    :param base: commit id, or empty where there is nothing to compare with.
    :param head: commit id, or ``worktree`` for uncommitted changes.
    :param remarks: what a person should know about the range itself.
    :param absent: active services whose folder is not, and in this range never was, in the repository.
    """

    base: str
    head: str
    selections: tuple[Selection, ...]
    remarks: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def selected(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.selections if s.selected)


@dataclass(frozen=True)
class Revision:
    """What runs of one ECS service now.

    :param task_definition: ARN of the task definition of its primary deployment.
    :param image: image reference of the service's own container; empty if it was not read.
    """

    service: str
    task_definition: str
    image: str = ""
    running: int = 0
    desired: int = 0


@dataclass(frozen=True)
class Plan:
    """What a run will do; data, so that it can be shown, saved and applied exactly.

    :param modules: shared modules to build first, in order.
    :param builds: services to build, in order (topological).
    :param waves: services to deploy, wave by wave; a wave starts when the one before it is healthy.
    :param before: service → ARN of the task definition it ran when the plan was made; ``None`` if ECS
        has no such service. Empty for a plan made offline.
    :param images: service → image reference that will be deployed.
    :param parallel: how many services of one wave roll out at a time.
    :param rollback: ``changed``, ``failed`` or ``none``.
    :param image_reference: ``commit``, ``latest`` or ``digest``.
    """

    environment: str
    cluster: str
    base: str
    head: str
    selections: tuple[Selection, ...]
    modules: tuple[str, ...]
    builds: tuple[str, ...]
    waves: tuple[tuple[str, ...], ...]
    before: Mapping[str, str | None]
    images: Mapping[str, str]
    parallel: int
    rollback: str
    image_reference: str
    offline: bool = False
    remarks: tuple[str, ...] = ()
    version: int = 1

    @property
    def services(self) -> tuple[str, ...]:
        """All services that will be deployed, in wave order."""
        return tuple(name for wave in self.waves for name in wave)


@dataclass(frozen=True)
class ServiceResult:
    """What a run made of one service; empty strings for what was not reached."""

    name: str
    outcome: Outcome
    image: str = ""
    digest: str = ""
    task_definition: str = ""
    previous: str = ""
    failure: Failure | None = None


@dataclass(frozen=True)
class StageResult:
    """One stage of a run; ``duration_s`` in seconds, ``None`` while it runs, as is ``outcome``."""

    name: str
    outcome: Outcome | None
    duration_s: float | None = None
    failure: Failure | None = None
    note: str = ""
    started_at: float = 0.0


@dataclass(frozen=True)
class RunState:
    """A run as its events tell it so far; ``outcome`` is ``None`` while it runs.

    :param started_at: seconds since the epoch.
    """

    run: str
    environment: str = ""
    outcome: Outcome | None = None
    exit_code: int | None = None
    started_at: float = 0.0
    duration_s: float | None = None
    services: tuple[ServiceResult, ...] = ()
    stages: tuple[StageResult, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True)
class BuildOrder:
    """One image to build.

    :param context: absolute folder of the build context.
    :param dockerfile: path of the Dockerfile relative to ``context``, ``/``-separated.
    :param references: full image references to give it, the commit's tag first.
    """

    service: str
    context: Path
    dockerfile: str
    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    references: tuple[str, ...]
    platform: str = "linux/amd64"


@dataclass(frozen=True)
class BuiltImage:
    """An image as its builder holds it.

    :param image_id: digest of the image's configuration, ``sha256:…``.
    :param size: bytes of all layers as stored.
    :param store: where the builder keeps it: an OCI layout folder, or empty for a Docker Engine.
    """

    service: str
    image_id: str
    size: int
    references: tuple[str, ...]
    store: str = ""


@dataclass(frozen=True)
class RegistryLogin:
    """Credentials for one registry host; ``password`` is never shown or recorded."""

    host: str
    username: str
    password: str
    plain_http: bool = False

    def __repr__(self) -> str:
        return f"RegistryLogin(host={self.host!r}, username={self.username!r})"


@dataclass(frozen=True)
class EcsService:
    """One ECS service as ``DescribeServices`` tells it."""

    name: str
    arn: str
    status: str
    task_definition: str
    desired: int
    running: int
    pending: int
    deployments: tuple[Mapping[str, Any], ...]
    events: tuple[Mapping[str, Any], ...] = ()
    target_groups: tuple[str, ...] = ()
