"""What services stand on, as far as CloudWatch files metrics under it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code
from sdt_console.errors import CloudError

_GROUPS_A_CALL = 20  # DescribeTargetGroups' limit of ARNs
_NO_BALANCER = ("LoadBalancerNotFound", "LoadBalancerNotFoundException")


class SurroundingsClient:
    """Load balancers, NAT gateways, and whether a cluster has Container Insights."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def balancers(self, target_groups: Sequence[str]) -> dict[str, str]:
        """Target group ARN → ARN of its load balancer, for those that have one."""
        unique = sorted(set(target_groups))
        answers = await asyncio.gather(
            *(
                self._aws.read(
                    "elbv2", "describe_target_groups", TargetGroupArns=unique[i : i + _GROUPS_A_CALL]
                )
                for i in range(0, len(unique), _GROUPS_A_CALL)
            )
        )
        return {
            str(group["TargetGroupArn"]): str(group["LoadBalancerArns"][0])
            for answer in answers
            for group in answer["TargetGroups"]
            if group.get("LoadBalancerArns")
        }

    async def balancer(self, name: str) -> tuple[str, str] | None:
        """ARN and VPC of a load balancer; ``None`` if there is none of that name."""
        try:
            answer = await self._aws.read("elbv2", "describe_load_balancers", Names=[name])
        except CloudError as error:
            if error_code(error.__cause__ or error) in _NO_BALANCER:
                return None
            raise
        found = answer["LoadBalancers"]
        return (str(found[0]["LoadBalancerArn"]), str(found[0].get("VpcId", ""))) if found else None

    async def gateways(self, vpc: str) -> list[str]:
        """Ids of the NAT gateways of a VPC that carry traffic, sorted."""
        found = await self._aws.pages(
            "ec2",
            "describe_nat_gateways",
            "NatGateways",
            Filter=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "state", "Values": ["available"]}],
        )
        return sorted(str(gateway["NatGatewayId"]) for gateway in found)

    async def insights(self, cluster: str) -> bool | None:
        """Whether the cluster has Container Insights; ``None`` if ECS does not say."""
        answer = await self._aws.read("ecs", "describe_clusters", clusters=[cluster], include=["SETTINGS"])
        for found in answer["clusters"]:
            settings: Mapping[str, str] = {s["name"]: s["value"] for s in found.get("settings", [])}
            if "containerInsights" in settings:
                return settings["containerInsights"] in ("enabled", "enhanced")
        return None
