"""ECS's service deployments: what became of each roll-out of a service, for ninety days."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code
from sdt_console.errors import CloudError

_DEPLOYMENTS_A_CALL = 20  # DescribeServiceDeployments' and DescribeServiceRevisions' limit
_NOT_THERE = {
    "AccessDeniedException",
    "AccessDenied",
    "UnknownOperationException",
    "UnsupportedFeatureException",
    "InvalidAction",
    "NotImplemented",
    "404",
    "501",
}


class ServiceDeployments:
    """ListServiceDeployments and its kin; found out once whether the endpoint has them and we may call them."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._available = True

    async def newest(
        self, cluster: str, service: str, since: float | None = None
    ) -> list[Mapping[str, Any]] | None:
        """Deployments as DescribeServiceDeployments tells them, newest first; ``None`` if it cannot be asked.

        :param since: only those created later, seconds since the epoch.
        """
        if not self._available:
            return None
        created = {"createdAt": {"after": datetime.fromtimestamp(since, UTC)}} if since is not None else {}
        try:
            listed = await self._aws.all(
                "ecs", "list_service_deployments", "serviceDeployments",
                cluster=cluster, service=service, **created,
            )  # fmt: skip
            arns = [str(brief["serviceDeploymentArn"]) for brief in listed]
            answers = await asyncio.gather(
                *(
                    self._aws.read("ecs", "describe_service_deployments", serviceDeploymentArns=list(part))
                    for part in _batches(arns)
                )
            )
        except CloudError as error:
            if error_code(error.__cause__ or error) in _NOT_THERE:
                self._available = False
                return None
            raise
        found = [deployment for answer in answers for deployment in answer["serviceDeployments"]]
        return sorted(found, key=lambda d: d["createdAt"], reverse=True)

    async def stop(self, arn: str, *, rollback: bool) -> None:
        """StopServiceDeployment: go back to the last successful revision, or leave things as they are."""
        kind = "ROLLBACK" if rollback else "ABORT"
        await self._aws.change("ecs", "stop_service_deployment", serviceDeploymentArn=arn, stopType=kind)

    async def revisions(self, arns: Sequence[str]) -> list[Mapping[str, Any]]:
        """Service revisions: task definition, and under ``containerImages`` the digest of each container."""
        answers = await asyncio.gather(
            *(
                self._aws.read("ecs", "describe_service_revisions", serviceRevisionArns=list(part))
                for part in _batches(list(dict.fromkeys(arns)))
            )
        )
        return [revision for answer in answers for revision in answer["serviceRevisions"]]


def _batches(items: Sequence[str]) -> list[Sequence[str]]:
    return [items[i : i + _DEPLOYMENTS_A_CALL] for i in range(0, len(items), _DEPLOYMENTS_A_CALL)]
