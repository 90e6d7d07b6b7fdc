"""One environment as it was last seen: its services, what they run, and how old each part of the picture is.

Times are seconds since the epoch; names, reasons and messages that come from AWS are untrusted text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ServiceState(StrEnum):
    """In one word how a service stands; part of the JSON contract of ``sdt status``."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    DEPLOYING = "deploying"
    ROLLING_BACK = "rolling-back"
    PENDING = "pending"
    MISSING = "missing"

    @property
    def moves(self) -> bool:
        """Whether ECS is at work on it."""
        return self in (ServiceState.DEPLOYING, ServiceState.ROLLING_BACK)

    @property
    def ails(self) -> bool:
        """Whether a person should know why it stands so."""
        return self in (ServiceState.DEGRADED, ServiceState.DOWN, ServiceState.MISSING)


@dataclass(frozen=True)
class Part:
    """One part of the picture, refreshed on a clock of its own.

    :param name: ``services``, ``cluster``, ``images``, ``tasks``, ``targets`` or ``health``.
    :param at: when it was last read; 0 if it never was.
    :param error: why the last attempt failed; empty if it did not. What was read before is still shown.
    :param next: what to do about it.
    """

    name: str
    at: float = field(default=0.0, compare=False)
    error: str = ""
    next: str = ""


@dataclass(frozen=True)
class DeploymentSight:
    """A deployment of ``DescribeServices``.

    :param status: ``PRIMARY``, ``ACTIVE`` or ``INACTIVE``.
    :param rollout_state: ``IN_PROGRESS``, ``COMPLETED``, ``FAILED``; empty where ECS tells none.
    """

    id: str
    status: str
    task_definition: str
    running: int
    desired: int
    pending: int
    failed_tasks: int
    rollout_state: str
    reason: str
    created_at: float
    updated_at: float


@dataclass(frozen=True)
class EventSight:
    """A service event, in ECS's words."""

    id: str
    at: float
    message: str


@dataclass(frozen=True)
class TaskSight:
    """A task, running or stopped within the last hour or so.

    :param id: the end of its ARN.
    :param deployment: id of the deployment that started it.
    :param exit_code: of the service's own container; ``None`` while it runs, or if it never did.
    :param reason: why it stopped, in ECS's words.
    :param kind: the runbook's one word for that; empty if it was meant to stop.
    :param cause: the runbook's sentence; ``next`` what to do.
    :param health: ``HEALTHY``, ``UNHEALTHY`` or ``UNKNOWN``: its container health check.
    """

    id: str
    status: str
    revision: int
    deployment: str = ""
    created_at: float = 0.0
    started_at: float | None = None
    stopped_at: float | None = None
    exit_code: int | None = None
    reason: str = ""
    kind: str = ""
    cause: str = ""
    next: str = ""
    health: str = ""
    digest: str = ""


@dataclass(frozen=True)
class TargetSight:
    """A target of the service's target group, as the load balancer sees it.

    :param state: ``healthy``, ``unhealthy``, ``initial``, ``draining``, …
    """

    id: str
    port: int
    state: str
    reason: str = ""


@dataclass(frozen=True)
class ServiceSight:
    """One service.

    :param service: its name in ECS; ``name`` is the catalog's.
    :param rollout: in words: ``steady``, ``1 of 2 new``, ``failing``, ``rolling back``, …
    :param rollout_state: the primary deployment's, in ECS's word; empty where ECS tells none.
    :param task_definition: ARN of the primary deployment's; ``revision`` is its number.
    :param image: reference of the service's own container; ``tag`` and ``commit`` are read from it, empty
        where it has none (``commit``: where the tag is no commit).
    :param digest: what the tag was resolved to when the deployment began; empty if that is not known.
    :param deployed_at: when the primary deployment was created.
    :param health: ``healthy`` or ``unhealthy`` by its health URL; empty if it was not asked.
    :param since: when it came into this state; ``None`` if it was so when we first looked.
    :param seen_at: when ECS last told of it; two sights that differ only in this are the same.
    :param why: what is wrong, a sentence; empty if nothing is. ``next``: what to do about it.
    """

    name: str
    group: str
    state: ServiceState
    service: str = ""
    running: int = 0
    desired: int = 0
    pending: int = 0
    rollout: str = ""
    rollout_state: str = ""
    task_definition: str = ""
    revision: int = 0
    image: str = ""
    tag: str = ""
    commit: str = ""
    subject: str = ""
    digest: str = ""
    deployed_at: float | None = None
    health: str = ""
    health_note: str = ""
    since: float | None = None
    seen_at: float = field(default=0.0, compare=False)
    why: str = ""
    next: str = ""
    deployments: tuple[DeploymentSight, ...] = ()
    events: tuple[EventSight, ...] = ()
    tasks: tuple[TaskSight, ...] = ()
    target_groups: tuple[str, ...] = ()
    targets: tuple[TargetSight, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """One environment.

    :param services: by the catalog's name, in catalog order.
    :param unmanaged: services of the cluster that the catalog does not know, by their names in ECS.
    :param version: grows whenever something a person would see has changed.
    :param at: when services were last read.
    :param paused: why nothing is read for now, a sentence; empty if it is.
    """

    environment: str
    cluster: str
    region: str = ""
    account: str = ""
    version: int = 0
    at: float = 0.0
    services: Mapping[str, ServiceSight] = field(default_factory=dict)
    unmanaged: tuple[str, ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)
    paused: str = ""

    @property
    def up(self) -> int:
        return sum(s.state is ServiceState.UP for s in self.services.values())

    @property
    def expected(self) -> int:
        """How many services should be up: all but those whose code is not there yet."""
        return sum(s.state is not ServiceState.PENDING for s in self.services.values())

    @property
    def moves(self) -> bool:
        return any(s.state.moves for s in self.services.values())


@dataclass(frozen=True)
class SnapshotChange:
    """What a subscriber has not seen yet; changes that it was too slow for are folded into one.

    :param services: those that differ from what it saw last, by the catalog's name.
    :param snapshot: the whole picture, the newest.
    """

    snapshot: Snapshot
    services: Mapping[str, ServiceSight]
    parts: Mapping[str, Part]
