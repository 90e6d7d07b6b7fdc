"""Which metrics there are of a service and of what it stands on, and which figures are made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sdt_console.model import Anchor, Dimensions, Ground

ECS, ALB, INSIGHTS = "AWS/ECS", "AWS/ApplicationELB", "ECS/ContainerInsights"
RDS, NAT = "AWS/RDS", "AWS/NATGateway"


@dataclass(frozen=True)
class Measure:
    """One figure.

    :param per: seconds that a sum is told for (60: a minute); 0 for what is no sum.
    :param counted: AWS publishes nothing while it is zero, so that no data next to other data means zero.
    """

    name: str
    namespace: str
    metric: str
    statistic: str
    unit: str
    per: int = 0
    counted: bool = False


@dataclass(frozen=True)
class Line:
    """A figure of one service or resource: what is asked for, and for whom.

    :param group: lines of one group are published together, see :attr:`Measure.counted`.
    """

    measure: Measure
    dimensions: Dimensions
    service: str = ""
    resource: str = ""
    group: str = ""


OF_TASKS = (
    Measure("cpu", ECS, "CPUUtilization", "Average", "%"),
    Measure("memory", ECS, "MemoryUtilization", "Average", "%"),
)
OF_TARGETS = (
    Measure("requests", ALB, "RequestCount", "Sum", "/s", per=1, counted=True),
    Measure("p50", ALB, "TargetResponseTime", "p50", "s"),
    Measure("p99", ALB, "TargetResponseTime", "p99", "s"),
    Measure("4xx", ALB, "HTTPCode_Target_4XX_Count", "Sum", "/min", per=60, counted=True),
    Measure("5xx", ALB, "HTTPCode_Target_5XX_Count", "Sum", "/min", per=60, counted=True),
    Measure("healthy", ALB, "HealthyHostCount", "Minimum", ""),
)
OF_NETWORK = (  # a task's mean
    Measure("received", INSIGHTS, "NetworkRxBytes", "Average", "B/s"),
    Measure("sent", INSIGHTS, "NetworkTxBytes", "Average", "B/s"),
)
OF_BALANCER = (
    Measure("requests", ALB, "RequestCount", "Sum", "/s", per=1, counted=True),
    Measure("p50", ALB, "TargetResponseTime", "p50", "s"),
    Measure("p99", ALB, "TargetResponseTime", "p99", "s"),
    Measure("5xx", ALB, "HTTPCode_ELB_5XX_Count", "Sum", "/min", per=60, counted=True),
)
OF_DATABASE = (
    Measure("cpu", RDS, "CPUUtilization", "Average", "%"),
    Measure("storage", RDS, "FreeStorageSpace", "Minimum", "B"),
    Measure("connections", RDS, "DatabaseConnections", "Maximum", ""),
)
OF_GATEWAY = (
    Measure("received", NAT, "BytesInFromDestination", "Sum", "B/s", per=1),
    Measure("sent", NAT, "BytesOutToDestination", "Sum", "B/s", per=1),
)


def lines(ground: Ground, names: frozenset[str] | None = None) -> list[Line]:
    """Every figure of the environment, services first, in catalog order.

    :param names: of the services wanted; ``None`` for all of them and for what they stand on.
    """
    found: list[Line] = []
    for anchor in ground.services:
        if names is None or anchor.name in names:
            found += _of_service(ground, anchor)
    if names is None:
        found += _of_environment(ground)
    return found


def _of_service(ground: Ground, anchor: Anchor) -> Iterator[Line]:
    own = (("ClusterName", ground.cluster), ("ServiceName", anchor.service))
    for measure in OF_TASKS:
        yield Line(measure, own, service=anchor.name)
    if anchor.target_group:
        targets = (("LoadBalancer", anchor.balancer), ("TargetGroup", anchor.target_group))
        for measure in OF_TARGETS:
            yield Line(measure, targets, service=anchor.name, group=anchor.target_group)
    if ground.insights is not False:
        for measure in OF_NETWORK:
            yield Line(measure, own, service=anchor.name)


def _of_environment(ground: Ground) -> Iterator[Line]:
    if ground.balancer:
        resource = f"load balancer {balancer_name(ground.balancer)}"
        for measure in OF_BALANCER:
            # What its targets publish shows that it is up; see `counted`.
            yield Line(
                measure, (("LoadBalancer", ground.balancer),), resource=resource, group=ground.balancer
            )
    if ground.database:
        for measure in OF_DATABASE:
            where = (("DBInstanceIdentifier", ground.database),)
            yield Line(measure, where, resource=f"database {ground.database}")
    for gateway in ground.gateways:
        for measure in OF_GATEWAY:
            yield Line(measure, (("NatGatewayId", gateway),), resource=f"NAT gateway {gateway}")


def balancer_name(part: str) -> str:
    """The name in ``app/NAME/ID``."""
    return part.split("/")[1] if part.count("/") == 2 else part
