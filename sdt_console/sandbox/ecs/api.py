"""The API of Amazon ECS: a call's name and JSON body in, JSON out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import botocore.session

from sdt_console.sandbox.application import Application

from . import clusters, deployments, services, tags, task_definitions, tasks
from .container_health import ContainerHealth
from .errors import invalid
from .model import Wire
from .region import Region
from .scheduler import Scheduler
from .targets import Targets

if TYPE_CHECKING:
    from botocore.model import ServiceModel

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


@lru_cache(maxsize=1)
def _model() -> ServiceModel:
    return botocore.session.Session().get_service_model("ecs")


@cache
def _required(operation: str) -> Iterable[str]:
    shape = _model().operation_model(operation).input_shape
    return tuple(shape.required_members) if shape is not None else ()


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
        for member in _required(operation):
            if request.get(member) is None or request[member] == "":
                raise invalid(f"{member[0].upper()}{member[1:]} can not be blank.")
        if operation in _READS:
            return _READS[operation](self.region, request)
        return _CHANGES[operation](self.region, self.scheduler, request)
