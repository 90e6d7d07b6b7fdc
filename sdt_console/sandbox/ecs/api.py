"""The API of Amazon ECS: a call's name and JSON body in, JSON out."""

from __future__ import annotations

from collections.abc import Callable

from sdt_console.sandbox.application import Application

from . import clusters, deployments, services, tags, task_definitions, tasks
from .container_health import ContainerHealth
from .model import Wire
from .region import Region
from .scheduler import Scheduler
from .shapes import checked
from .targets import Targets

TARGET = "AmazonEC2ContainerServiceV20141113."
"""Prefix of the ``X-Amz-Target`` header."""

Operation = Callable[[Region, Wire], Wire]
Change = Callable[[Region, Scheduler, Wire], Wire]

_READS: dict[str, Operation] = {
    **clusters.OPERATIONS,
    **task_definitions.OPERATIONS,
    **tags.OPERATIONS,
    "DescribeServices": services.describe_services,
    "ListServices": services.list_services,
    "DescribeTasks": tasks.describe_tasks,
    "ListTasks": tasks.list_tasks,
    "ExecuteCommand": tasks.execute_command,
    "ListServiceDeployments": deployments.list_service_deployments,
    "DescribeServiceDeployments": deployments.describe_service_deployments,
    "DescribeServiceRevisions": deployments.describe_service_revisions,
}
_CHANGES: dict[str, Change] = {
    "CreateService": services.create_service,
    "UpdateService": services.update_service,
    "DeleteService": services.delete_service,
    "StopTask": tasks.stop_task,
    "RunTask": tasks.run_task,
    "StopServiceDeployment": deployments.stop_service_deployment,
}
OPERATIONS = frozenset(_READS) | frozenset(_CHANGES)
"""Calls that are answered here; all others are moto's."""


class Ecs:
    """One account's ECS in one region."""

    def __init__(self, region: Region, application: Application) -> None:
        self.region = region
        self.targets = Targets(region.timeline, region.surroundings, application)
        self.scheduler = Scheduler(region, self.targets, ContainerHealth(region, application))

    def call(self, operation: str, request: Wire) -> Wire:
        """Answer one call.

        :raises ApiError: what AWS would refuse.
        :raises KeyError: the operation is not one of :data:`OPERATIONS`.
        """
        request = checked(operation, request)
        if operation in _READS:
            return _READS[operation](self.region, request)
        return _CHANGES[operation](self.region, self.scheduler, request)
