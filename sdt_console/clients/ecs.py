"""Amazon ECS: services, tasks and task definitions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code
from sdt_console.clients.ecs_deployments import ServiceDeployments
from sdt_console.errors import CloudError
from sdt_console.model import EcsService

_SERVICES_A_CALL = 10  # DescribeServices' limit
_SERVICES_A_PAGE = 100  # ListServices'
_DEFINITIONS_A_PAGE = 100  # ListTaskDefinitions'
_TASKS_A_CALL = 100  # DescribeTasks' limit


class EcsClient:
    """The ECS calls of one environment; source: the ECS API reference, batch sizes as documented there."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._deployments = ServiceDeployments(aws)

    async def service_names(self, cluster: str) -> list[str]:
        """Names of all services of the cluster, sorted.

        :raises CloudError: no such cluster, or AWS refused.
        """
        try:
            arns = await self._aws.pages(
                "ecs", "list_services", "serviceArns", cluster=cluster, maxResults=_SERVICES_A_PAGE
            )
        except CloudError as error:
            raise self._no_cluster(cluster, error) from error.__cause__
        return sorted(str(arn).rpartition("/")[2] for arn in arns)

    async def services(self, cluster: str, names: Sequence[str]) -> dict[str, EcsService]:
        """The services of ``names`` that exist and are active, by name.

        :raises CloudError: no such cluster, or AWS refused.
        """
        answers = await asyncio.gather(
            *(
                self._aws.read("ecs", "describe_services", cluster=cluster, services=list(part))
                for part in _batches(names, _SERVICES_A_CALL)
            )
        )
        found = [_service(raw) for answer in answers for raw in answer["services"]]
        return {service.name: service for service in found if service.status == "ACTIVE"}

    async def cluster_status(self, cluster: str) -> str | None:
        """``ACTIVE``, ``INACTIVE``, …; ``None`` if there is no such cluster."""
        answer = await self._aws.read("ecs", "describe_clusters", clusters=[cluster])
        found = answer["clusters"]
        return str(found[0]["status"]) if found else None

    async def described(self, cluster: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The services of ``names`` as ``DescribeServices`` answers them, whatever their status, by name.

        :raises CloudError: no such cluster, or AWS refused.
        """
        try:
            answers = await asyncio.gather(
                *(
                    self._aws.read("ecs", "describe_services", cluster=cluster, services=list(part))
                    for part in _batches(names, _SERVICES_A_CALL)
                )
            )
        except CloudError as error:
            raise self._no_cluster(cluster, error) from error.__cause__
        return {str(raw["serviceName"]): raw for answer in answers for raw in answer["services"]}

    async def revisions(self, arns: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Service revisions as ``DescribeServiceRevisions`` answers them, by ARN; those gone left out."""
        return {str(raw["serviceRevisionArn"]): raw for raw in await self.service_revisions(arns)}

    async def task_definition(self, reference: str) -> dict[str, Any]:
        """``reference`` is an ARN or ``family:revision``; its tags are under ``tags``."""
        answer = await self._aws.read(
            "ecs", "describe_task_definition", taskDefinition=reference, include=["TAGS"]
        )
        definition: dict[str, Any] = answer["taskDefinition"]
        return definition | ({"tags": answer["tags"]} if answer.get("tags") else {})

    async def register(self, definition: Mapping[str, Any]) -> dict[str, Any]:
        """Register a revision from a task definition as described; what only a description has is left out.

        :returns: the new revision as described, with its ARN under ``taskDefinitionArn``.
        """
        accepted = await self._aws.call("ecs:RegisterTaskDefinition.shape", self._register_parameters)
        parameters = {key: value for key, value in definition.items() if key in accepted}
        answer = await self._aws.change("ecs", "register_task_definition", **parameters)
        registered: dict[str, Any] = answer["taskDefinition"]
        return registered | ({"tags": answer["tags"]} if answer.get("tags") else {})

    async def update(self, cluster: str, service: str, task_definition: str) -> EcsService:
        answer = await self._aws.change(
            "ecs",
            "update_service",
            cluster=cluster,
            service=service,
            taskDefinition=task_definition,
            forceNewDeployment=True,
        )
        return _service(answer["service"])

    async def tasks(self, cluster: str, service: str, *, stopped: bool = False) -> list[Mapping[str, Any]]:
        """Tasks of ``service``: those meant to run, or those stopped within the last hour or so."""
        arns = await self._aws.pages(
            "ecs",
            "list_tasks",
            "taskArns",
            cluster=cluster,
            serviceName=service,
            desiredStatus="STOPPED" if stopped else "RUNNING",
        )
        answers = await asyncio.gather(
            *(
                self._aws.read("ecs", "describe_tasks", cluster=cluster, tasks=list(part))
                for part in _batches(arns, _TASKS_A_CALL)
            )
        )
        return [task for answer in answers for task in answer["tasks"]]

    async def task_definitions(self, family: str, limit: int) -> list[str]:
        """ARNs of the active revisions of ``family``, newest first, at most ``limit``."""
        pages = self._aws.each_page(
            "ecs",
            "list_task_definitions",
            familyPrefix=family,
            status="ACTIVE",
            sort="DESC",
            maxResults=min(limit, _DEFINITIONS_A_PAGE),
        )
        found: list[str] = []
        async for page in pages:
            found += page["taskDefinitionArns"]
            if len(found) >= limit:
                break
        return found[:limit]

    async def service_deployments(
        self, cluster: str, service: str, since: float | None = None
    ) -> list[Mapping[str, Any]] | None:
        """See :meth:`ServiceDeployments.newest`."""
        return await self._deployments.newest(cluster, service, since)

    @property
    def deployments_unavailable(self) -> str:
        """See :attr:`ServiceDeployments.unavailable`."""
        return self._deployments.unavailable

    async def service_revisions(self, arns: Sequence[str]) -> list[Mapping[str, Any]]:
        """See :meth:`ServiceDeployments.revisions`."""
        return await self._deployments.revisions(arns)

    async def stop_deployment(self, arn: str, *, rollback: bool = True) -> None:
        """See :meth:`ServiceDeployments.stop`."""
        await self._deployments.stop(arn, rollback=rollback)

    def _no_cluster(self, cluster: str, error: CloudError) -> CloudError:
        """``error`` in plain words, if it is that there is no such cluster."""
        if error_code(error.__cause__ or error) != "ClusterNotFoundException":
            return error
        where = f" in {self._aws.region}" if self._aws.region else ""
        return CloudError(
            f"no cluster {cluster}{where}",
            "ECS knows none of that name",
            "correct names.cluster in the catalog, --env, --region or --profile",
        )

    def _register_parameters(self) -> frozenset[str]:
        model = self._aws.client("ecs").meta.service_model.operation_model("RegisterTaskDefinition")
        return frozenset(model.input_shape.members)


def _service(raw: Mapping[str, Any]) -> EcsService:
    return EcsService(
        name=raw["serviceName"],
        arn=raw["serviceArn"],
        status=raw.get("status", ""),
        task_definition=raw.get("taskDefinition", ""),
        desired=raw.get("desiredCount") or 0,
        running=raw.get("runningCount") or 0,
        pending=raw.get("pendingCount") or 0,
        deployments=tuple(raw.get("deployments", ())),
        events=tuple(raw.get("events", ())),
        target_groups=tuple(
            lb["targetGroupArn"] for lb in raw.get("loadBalancers", ()) if lb.get("targetGroupArn")
        ),
    )


def _batches(items: Sequence[str], size: int) -> list[Sequence[str]]:
    return [items[i : i + size] for i in range(0, len(items), size)]
