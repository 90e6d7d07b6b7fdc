"""ECS's service deployments: what became of each roll-out of a service, for ninety days."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code, no_such_call
from sdt_console.errors import CloudError, NotAllowedError

_A_CALL = 20  # DescribeServiceDeployments' and DescribeServiceRevisions' limit
_A_PAGE = 100  # ListServiceDeployments'
_STOPPED = {
    "ROLLBACK": {"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"},
    "ABORT": {"STOP_REQUESTED", "STOPPED"},
}
"""By kind of stop, the states of a deployment that was stopped so."""


class ServiceDeployments:
    """ListServiceDeployments and its kin; whether the endpoint has them for us is found out once."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._available = True
        self.unavailable = ""
        """Why they are not asked although AWS has them; empty if they are, or if there are none."""

    async def newest(
        self, cluster: str, service: str, since: float | None = None
    ) -> list[Mapping[str, Any]] | None:
        """Deployments as DescribeServiceDeployments tells them, newest first.

        :param since: only those created then or later, seconds since the epoch.
        :returns: ``None`` if the endpoint has no such calls, or we may not make them.
        :raises CloudError: there is no such service, or AWS did not answer.
        """
        if not self._available:
            return None
        created = {"createdAt": {"after": datetime.fromtimestamp(since, UTC)}} if since is not None else {}
        try:
            listed = await self._aws.pages(
                "ecs", "list_service_deployments", "serviceDeployments",
                cluster=cluster, service=service, maxResults=_A_PAGE, **created,
            )  # fmt: skip
            found = await self._described([str(brief["serviceDeploymentArn"]) for brief in listed])
        except CloudError as error:
            if not _not_there(error):
                raise
            self._available = False
            if isinstance(error, NotAllowedError):
                self.unavailable = f"{error.right or 'ecs:ListServiceDeployments'} is not allowed"
            return None
        return sorted(found, key=lambda deployment: deployment["createdAt"], reverse=True)

    async def stop(self, arn: str, *, rollback: bool) -> None:
        """StopServiceDeployment: go back to the last successful revision, or leave things as they are.

        One that was stopped in this way already is as it should be.

        :raises CloudError: it has ended, or cannot be stopped.
        """
        kind = "ROLLBACK" if rollback else "ABORT"
        try:
            await self._aws.change("ecs", "stop_service_deployment", serviceDeploymentArn=arn, stopType=kind)
        except CloudError as error:
            if error_code(error.__cause__ or error) != "ConflictException":
                raise
            if not any(d.get("status") in _STOPPED[kind] for d in await self._described([arn])):
                raise

    async def revisions(self, arns: Sequence[str]) -> list[Mapping[str, Any]]:
        """Service revisions: task definition, and under ``containerImages`` the digest of each container."""
        answers = await asyncio.gather(
            *(
                self._aws.read("ecs", "describe_service_revisions", serviceRevisionArns=list(part))
                for part in _batches(arns)
            )
        )
        return [revision for answer in answers for revision in answer["serviceRevisions"]]

    async def _described(self, arns: Sequence[str]) -> list[Mapping[str, Any]]:
        answers = await asyncio.gather(
            *(
                self._aws.read("ecs", "describe_service_deployments", serviceDeploymentArns=list(part))
                for part in _batches(arns)
            )
        )
        return [deployment for answer in answers for deployment in answer["serviceDeployments"]]


def _not_there(error: CloudError) -> bool:
    cause = error.__cause__ or error
    unsupported = error_code(cause) == "UnsupportedFeatureException"
    return unsupported or no_such_call(cause) or isinstance(error, NotAllowedError)


def _batches(arns: Sequence[str]) -> list[Sequence[str]]:
    unique = list(dict.fromkeys(arns))
    return [unique[i : i + _A_CALL] for i in range(0, len(unique), _A_CALL)]
