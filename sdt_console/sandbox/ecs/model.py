"""What Amazon ECS knows: clusters, task definitions, services, their deployments, and tasks.

Times are seconds since the epoch. ``Wire`` values are kept as they came, in the API's own spelling.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .runtime import TaskProcess

Wire = dict[str, Any]

EVENTS_KEPT = 100
STOPPED_TASKS_KEPT = 3600.0
"""Seconds for which a stopped task can still be described."""
SERVICE_DEPLOYMENTS_KEPT = 90 * 86400.0


@dataclass
class Cluster:
    name: str
    arn: str
    settings: Wire
    status: str = "ACTIVE"
    services: dict[str, Service] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    """By id, the stopped ones of the last hour included."""


@dataclass
class TaskDefinition:
    """One revision; ``data`` is the ``TaskDefinition`` of the API."""

    data: Wire

    @property
    def arn(self) -> str:
        return str(self.data["taskDefinitionArn"])

    @property
    def family(self) -> str:
        return str(self.data["family"])

    @property
    def revision(self) -> int:
        return int(self.data["revision"])

    @property
    def status(self) -> str:
        return str(self.data["status"])

    @property
    def containers(self) -> list[Wire]:
        return list(self.data["containerDefinitions"])


@dataclass
class Revision:
    """A service revision: what one deployment runs.

    :param digests: container name → image digest, resolved when the deployment began; a tag that could
        not be resolved is missing.
    """

    arn: str
    definition: TaskDefinition
    settings: Wire
    digests: dict[str, str]
    created_at: float


@dataclass
class Deployment:
    """A rollout of one revision, as ``DescribeServices`` tells it."""

    id: str
    revision: Revision
    created_at: float
    updated_at: float
    status: str = "PRIMARY"
    rollout: str = "IN_PROGRESS"
    reason: str = ""
    failed_tasks: int = 0
    failures_in_a_row: int = 0
    """Starts that failed since the last one that succeeded; sets the pause before the next."""
    hold_until: float = 0.0
    unhealthy: int = 0
    """Tasks stopped for their health that nothing has replaced yet."""
    reached_running: bool = False
    """Stage one of the circuit breaker is passed."""
    announced_impaired: bool = False
    announced_stuck: bool = False
    baked: bool = False
    record: ServiceDeployment | None = None
    spared: bool = False
    """It goes back to what worked: scenarios leave its tasks alone."""
    completed_before: bool = False
    """It has been COMPLETED at least once, so that it can be rolled back to."""


@dataclass
class ServiceDeployment:
    """The record of a deployment, kept for 90 days."""

    arn: str
    target: Revision
    sources: tuple[Revision, ...]
    created_at: float
    updated_at: float
    configuration: Wire
    status: str = "PENDING"
    reason: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    stopped_at: float | None = None
    rollback: Wire | None = None
    breaker: str = "DISABLED"
    failures: int = 0
    threshold: int = 0
    stage: str = ""


@dataclass
class Event:
    id: str
    at: float
    message: str


@dataclass
class Container:
    name: str
    arn: str
    image: str
    essential: bool
    cpu: str
    memory: str | None
    reservation: str | None
    digest: str = ""
    status: str = "PENDING"
    runtime_id: str = ""
    exit_code: int | None = None
    reason: str = ""
    health: str = "UNKNOWN"


@dataclass
class Task:
    id: str
    arn: str
    cluster: Cluster
    definition: TaskDefinition
    containers: list[Container]
    created_at: float
    group: str
    started_by: str
    settings: Wire
    address: str
    interface: Wire
    """``attachment``, ``eni``, ``mac``, ``subnet``, ``zone``."""
    service: Service | None = None
    deployment: Deployment | None = None
    status: str = "PROVISIONING"
    desired: str = "RUNNING"
    version: int = 1
    connected_at: float | None = None
    pull_started_at: float | None = None
    pull_stopped_at: float | None = None
    started_at: float | None = None
    stopping_at: float | None = None
    stopped_at: float | None = None
    execution_stopped_at: float | None = None
    stop_code: str = ""
    stopped_reason: str = ""
    ready_at: float = float("inf")
    """When its application begins to answer."""
    healthy: bool = False
    """It has passed its health checks, or has none and runs."""
    faults: frozenset[str] = frozenset()
    """Scenarios that it was started under."""
    drained: bool = False
    targets: list[str] = field(default_factory=list)
    """Target groups in which it is registered."""
    process: TaskProcess | None = None
    """What runs in it; ``None`` while it is simulated."""

    @property
    def alive(self) -> bool:
        """It runs or is on its way to; a task that was told to stop is not."""
        return self.desired == "RUNNING" and self.status != "STOPPED"


@dataclass
class Service:
    name: str
    arn: str
    cluster: Cluster
    desired: int
    settings: Wire
    created_at: float
    created_by: str
    status: str = "ACTIVE"
    deployments: list[Deployment] = field(default_factory=list)
    """The primary first, then from new to old."""
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    """Newest first."""
    records: list[ServiceDeployment] = field(default_factory=list)
    """Newest first."""
    revisions: dict[str, Revision] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    """Those that are not stopped, oldest first."""
    steady: bool = False
    reconcile_pending: bool = False

    @property
    def primary(self) -> Deployment:
        return self.deployments[0]

    @property
    def configuration(self) -> Wire:
        return dict(self.settings["deploymentConfiguration"])

    def tasks_of(self, deployment: Deployment) -> list[Task]:
        return [task for task in self.tasks.values() if task.deployment is deployment]
