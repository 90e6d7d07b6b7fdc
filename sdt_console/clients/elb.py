"""Elastic Load Balancing v2."""

from __future__ import annotations

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code
from sdt_console.errors import CloudError


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
