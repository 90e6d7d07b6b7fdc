"""All that one account has of Amazon ECS in one region."""

from __future__ import annotations

from sdt_console.sandbox.timeline import Timeline

from .errors import client, cluster_not_found, service_not_found
from .identity import Identity, last_part
from .model import Cluster, Event, Service, Task, TaskDefinition, Wire
from .runtime import TaskRuntime
from .surroundings import Surroundings


class Region:
    """Clusters, task definitions and tags, with the look-ups that every call needs.

    :param timeline: tells the time, and runs what happens later.
    :param runtime: runs tasks for real; ``None`` to simulate them all.
    """

    def __init__(
        self,
        identity: Identity,
        timeline: Timeline,
        surroundings: Surroundings,
        runtime: TaskRuntime | None = None,
    ) -> None:
        self.identity = identity
        self.timeline = timeline
        self.surroundings = surroundings
        self.runtime = runtime
        self.clusters: dict[str, Cluster] = {}
        self.families: dict[str, list[TaskDefinition]] = {}
        self.tags: dict[str, list[Wire]] = {}

    @property
    def now(self) -> float:
        return self.timeline.now

    def cluster(self, name: str | None) -> Cluster:
        """By name or ARN; ``default`` if it is not given.

        :raises ApiError: ``ClusterNotFoundException``.
        """
        found = self.clusters.get(last_part(name or "default"))
        if found is None or found.status != "ACTIVE":
            raise cluster_not_found()
        return found

    def service(self, cluster: str | None, name: str) -> Service:
        """By name or ARN.

        :raises ApiError: ``ClusterNotFoundException``, ``ServiceNotFoundException``.
        """
        found = self.cluster(cluster).services.get(last_part(name))
        if found is None:
            raise service_not_found()
        return found

    def all_services(self) -> list[Service]:
        return [service for cluster in self.clusters.values() for service in cluster.services.values()]

    def find_definition(self, reference: str) -> TaskDefinition | None:
        """By ``family`` (its newest active revision), ``family:revision`` or ARN; any status but deleted."""
        name = last_part(reference)
        family, _, revision = name.partition(":")
        known = self.families.get(family, [])
        if revision:
            return next((d for d in known if str(d.revision) == revision), None)
        return next((d for d in reversed(known) if d.status == "ACTIVE"), None)

    def active_definition(self, reference: str) -> TaskDefinition:
        """As :meth:`find_definition`, for something that is to run.

        :raises ApiError: ``ClientException`` if there is none or it is not ACTIVE.
        """
        found = self.find_definition(reference)
        if found is None:
            raise client("TaskDefinition not found.")
        if found.status != "ACTIVE":
            raise client("TaskDefinition is inactive")
        return found

    def task(self, cluster: Cluster, reference: str) -> Task | None:
        return cluster.tasks.get(last_part(reference))

    def say(self, service: Service, message: str) -> None:
        """Add a service event: ``(service NAME) message``."""
        text = f"(service {service.name}) {message}"
        service.events.appendleft(Event(self.identity.uuid(), self.now, text))
