"""What metrics and alarms need from the outside, as Protocols; ``clients/`` holds the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sdt_console.model import Alarm, AlarmEvent, MetricPoints, MetricQuery


class Services(Protocol):
    async def described(self, cluster: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """As ``DescribeServices`` answers, by name; what is not there is left out. Ten a call."""


class Surroundings(Protocol):
    """What services stand on; all raise :class:`~sdt_console.errors.CloudError`."""

    async def balancers(self, target_groups: Sequence[str]) -> dict[str, str]:
        """Target group ARN → load balancer ARN, for those that have one."""

    async def balancer(self, name: str) -> tuple[str, str] | None:
        """ARN and VPC of a load balancer; ``None`` if there is none of that name."""

    async def gateways(self, vpc: str) -> list[str]:
        """Ids of the NAT gateways of a VPC."""

    async def insights(self, cluster: str) -> bool | None:
        """Whether the cluster has Container Insights; ``None`` if that is not said."""


class MetricReader(Protocol):
    async def data(self, queries: Sequence[MetricQuery], start: float, end: float) -> list[MetricPoints]:
        """What was published from ``start`` to ``end``, an answer for each query."""


class AlarmReader(Protocol):
    async def alarms(self) -> list[Alarm]:
        """Every alarm of the account's region."""

    async def history(self, since: float, alarm: str = "") -> list[AlarmEvent]:
        """Changes of state since then, newest first."""
