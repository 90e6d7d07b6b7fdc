"""Secrets Manager and the Parameter Store, described only: no call here answers with a value."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code
from sdt_console.errors import CloudError
from sdt_console.model import SecretState

_NAMES_A_CALL = 50  # values of one filter of DescribeParameters
_GONE = ("ResourceNotFoundException", "InvalidRequestException")


class SecretsClient:
    """What there is, and nothing of what is in it."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def secret(self, arn: str) -> SecretState | None:
        """A secret of Secrets Manager; ``None`` if there is none.

        :param arn: its ARN, with or without the six characters that AWS adds, or its name.
        :raises CloudError: AWS refused.
        """
        try:
            answer = await self._aws.read("secretsmanager", "describe_secret", SecretId=arn)
        except CloudError as error:
            if error_code(error.__cause__ or error) in _GONE:
                return None
            raise
        versions = answer.get("VersionIdsToStages") or {}
        return SecretState(
            name=str(answer.get("Name", "")),
            deleted="DeletedDate" in answer,
            versions=frozenset(versions),
            stages=frozenset(stage for stages in versions.values() for stage in stages),
            created_at=_seconds(answer.get("CreatedDate")),
            changed_at=_seconds(answer.get("LastChangedDate")),
            rotated_at=_seconds(answer.get("LastRotatedDate")),
            next_rotation_at=_seconds(answer.get("NextRotationDate")),
            rotates=bool(answer.get("RotationEnabled")),
        )

    async def parameters(self, names: Sequence[str]) -> frozenset[str]:
        """Those of ``names`` that the Parameter Store has.

        :raises CloudError: AWS refused.
        """
        return frozenset(await self.parameter_changes(names))

    async def parameter_changes(self, names: Sequence[str]) -> dict[str, float | None]:
        """Parameter → when it was last changed (seconds since the epoch), for those of ``names`` that exist.

        :raises CloudError: AWS refused.
        """
        unique = sorted(set(names))
        found = await asyncio.gather(
            *(
                self._aws.pages(
                    "ssm",
                    "describe_parameters",
                    "Parameters",
                    ParameterFilters=[
                        {"Key": "Name", "Option": "Equals", "Values": unique[i : i + _NAMES_A_CALL]}
                    ],
                )
                for i in range(0, len(unique), _NAMES_A_CALL)
            )
        )
        return {str(p["Name"]): _seconds(p.get("LastModifiedDate")) for page in found for p in page}


def _seconds(moment: Any) -> float | None:
    return float(moment.timestamp()) if moment is not None else None
