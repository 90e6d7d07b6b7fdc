"""Tasks as they are made: containers, network interface, tags."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from .lifecycle import Lifecycle
from .model import Cluster, Container, Deployment, Service, Task, TaskDefinition, Wire
from .region import Region


class Placement:
    """Makes tasks and sets them going."""

    def __init__(self, region: Region, lifecycle: Lifecycle) -> None:
        self.region = region
        self.lifecycle = lifecycle
        self._addresses = itertools.count(region.identity.random.randrange(2**16))

    def new_task(
        self,
        cluster: Cluster,
        definition: TaskDefinition,
        settings: Wire,
        *,
        group: str,
        started_by: str,
        service: Service | None = None,
        deployment: Deployment | None = None,
    ) -> Task:
        """Make a task and set it going."""
        region, identity = self.region, self.region.identity
        task_id = identity.task_id()
        digests = deployment.revision.digests if deployment else {}
        network = settings.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
        subnets = network.get("subnets") or ["subnet-" + identity.hex(17)]
        number = len(cluster.tasks)
        task = Task(
            id=task_id,
            arn=identity.arn("task", cluster.name, task_id),
            cluster=cluster,
            definition=definition,
            containers=_containers(
                definition.containers,
                lambda: identity.arn("container", cluster.name, task_id, identity.uuid()),
                digests,
            ),
            created_at=region.now,
            group=group,
            started_by=started_by,
            settings=settings,
            address=self._address(),
            interface={
                "attachment": identity.uuid(),
                "eni": "eni-" + identity.hex(17),
                "mac": "0a:" + ":".join(identity.hex(2) for _ in range(5)),
                "subnet": subnets[number % len(subnets)],
                "zone": region.identity.region + "abc"[number % min(len(subnets), 3)],
            },
            service=service,
            deployment=deployment,
            faults=self._faults(service, deployment),
        )
        cluster.tasks[task.id] = task
        if service is not None:
            service.tasks[task.id] = task
            region.tags[task.arn] = self._propagated(service, definition)
        self.lifecycle.begin(task)
        return task

    def _propagated(self, service: Service, definition: TaskDefinition) -> list[Wire]:
        source = {"SERVICE": service.arn, "TASK_DEFINITION": definition.arn}
        tags = list(self.region.tags.get(source.get(service.settings.get("propagateTags", ""), ""), []))
        if service.settings.get("enableECSManagedTags"):
            tags += [
                {"key": "aws:ecs:clusterName", "value": service.cluster.name},
                {"key": "aws:ecs:serviceName", "value": service.name},
            ]
        return tags

    def _faults(self, service: Service | None, deployment: Deployment | None) -> frozenset[str]:
        if service is None or deployment is None or deployment.spared:
            return frozenset()
        return self.region.surroundings.faults(service.name)

    def _address(self) -> str:
        """A free address of the default VPC; they come round again after 65,000 tasks."""
        number = next(self._addresses) % (2**16 - 512) + 256
        return f"172.31.{number // 256}.{number % 256}"


def _containers(definitions: list[Wire], arns: Callable[[], str], digests: dict[str, str]) -> list[Container]:
    """The containers of a new task, with the digests its deployment resolved."""
    return [
        Container(
            name=str(c["name"]),
            arn=arns(),
            image=str(c["image"]),
            essential=bool(c.get("essential", True)),
            cpu=str(c.get("cpu", 0)),
            memory=str(c["memory"]) if "memory" in c else None,
            reservation=str(c["memoryReservation"]) if "memoryReservation" in c else None,
            digest=digests.get(str(c["name"]), ""),
        )
        for c in definitions
    ]
