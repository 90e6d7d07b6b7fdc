"""Cloud Map follows the tasks: a running one is an instance of each registry that its service names."""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

from .ecs.model import Task

_GONE = frozenset({"crashed", "out-of-memory", "stopping"})


def follow(task: Task, what: str) -> None:
    """Register a task that has started, and take out one that ends; the lock must be held.

    :param what: as in :meth:`~sdt_console.sandbox.ecs.surroundings.Surroundings.note`.
    """
    if task.service is None or (what != "started" and what not in _GONE):
        return
    for registry in task.service.settings.get("serviceRegistries") or ():
        region, account, identifier = _parts(registry["registryArn"])
        cloud_map: Any = get_backend("servicediscovery")[account][region]
        service = cloud_map.services.get(identifier)
        if service is None:
            continue
        if what == "started":
            cloud_map.register_instance(
                identifier, task.id, task.id, _attributes(task, task.service.name, region)
            )
        elif any(instance.instance_id == task.id for instance in service.instances):
            cloud_map.deregister_instance(identifier, task.id)


def _parts(arn: str) -> tuple[str, str, str]:
    """Region, account and id of ``arn:aws:servicediscovery:REGION:ACCOUNT:service/ID``."""
    _, _, _, region, account, resource = arn.split(":", 5)
    return region, account, resource.rpartition("/")[2]


def _attributes(task: Task, service: str, region: str) -> dict[str, Any]:
    """What ECS says of a task, as ``DiscoverInstances`` tells it."""
    return {
        "AWS_INIT_HEALTH_STATUS": "HEALTHY",
        "AWS_INSTANCE_IPV4": task.address,
        "AVAILABILITY_ZONE": str(task.interface.get("zone", "")),
        "ECS_CLUSTER_NAME": task.cluster.name,
        "ECS_SERVICE_NAME": service,
        "ECS_TASK_DEFINITION_FAMILY": task.definition.family,
        "REGION": region,
    }
