"""Elastic Load Balancing v2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code
from sdt_console.errors import CloudError

_TARGET_GROUPS_A_CALL = 20


class LoadBalancerClient:
    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def host(self, name: str) -> str | None:
        """DNS name of the load balancer; ``None`` if there is none of that name."""
        try:
            answer = await self._aws.read("elbv2", "describe_load_balancers", Names=[name])
        except CloudError as error:
            if error_code(error.__cause__ or error) in (
                "LoadBalancerNotFound",
                "LoadBalancerNotFoundException",
            ):
                return None
            raise
        found = answer["LoadBalancers"]
        return str(found[0]["DNSName"]) if found else None

    async def target_health(self, target_group: str) -> list[Mapping[str, Any]]:
        """The targets of a group (its ARN) with their health, as ``DescribeTargetHealth`` answers."""
        answer = await self._aws.read("elbv2", "describe_target_health", TargetGroupArn=target_group)
        return list(answer["TargetHealthDescriptions"])

    async def names_of(self, target_groups: Sequence[str]) -> dict[str, str]:
        """Target group ARN → name of the load balancer that it belongs to, for those that have one."""
        found: dict[str, str] = {}
        for start in range(0, len(target_groups), _TARGET_GROUPS_A_CALL):
            part = list(target_groups[start : start + _TARGET_GROUPS_A_CALL])
            answer = await self._aws.read("elbv2", "describe_target_groups", TargetGroupArns=part)
            for group in answer["TargetGroups"]:
                for arn in group.get("LoadBalancerArns", [])[:1]:
                    # arn:…:loadbalancer/app/NAME/ID
                    found[group["TargetGroupArn"]] = arn.split("/")[2]
        return found
