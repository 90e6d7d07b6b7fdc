"""Metrics: what is asked of CloudWatch, and what it told of the services and of what they stand on.

Times are seconds since the epoch, of the start of a period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Dimensions = tuple[tuple[str, str], ...]
"""Name and value of each dimension; together with namespace and name they are what makes a metric."""


@dataclass(frozen=True)
class MetricQuery:
    """One statistic of one metric, a value for each ``period`` (seconds)."""

    namespace: str
    metric: str
    dimensions: Dimensions
    statistic: str
    period: int


@dataclass(frozen=True)
class MetricPoints:
    """What AWS published: time → value; periods without data are not in it.

    :param note: why it is not all of it; empty if it is.
    """

    points: Mapping[float, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Anchor:
    """One service as CloudWatch files it.

    :param name: the catalog's; ``service`` is its name in ECS.
    :param target_group: the end of its target group's ARN, ``targetgroup/NAME/ID``; empty without one.
    :param balancer: that of its application load balancer, ``app/NAME/ID``.
    :param kind: ``active``, ``pending`` or ``data``.
    """

    name: str
    service: str
    target_group: str = ""
    balancer: str = ""
    kind: str = "active"


@dataclass(frozen=True)
class Ground:
    """What the services of one environment stand on.

    :param services: those that are in ECS.
    :param balancer: of the environment, ``app/NAME/ID``; empty if there is none.
    :param database: identifier of the RDS instance; empty if the catalog names none.
    :param gateways: ids of the NAT gateways of its VPC.
    :param insights: whether the cluster has Container Insights; ``None`` if that is not known.
    :param notes: what could not be found out, a sentence each.
    """

    environment: str
    cluster: str
    services: tuple[Anchor, ...] = ()
    balancer: str = ""
    database: str = ""
    gateways: tuple[str, ...] = ()
    insights: bool | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Series:
    """One metric over time, on a grid without holes: a period without data is ``None``, never zero.

    :param name: ``cpu``, ``memory``, ``requests``, ``p50``, ``p99``, ``4xx``, ``5xx``, ``healthy``,
        ``received``, ``sent``; of what the environment stands on also ``storage``, ``connections``.
    :param service: the catalog's name; empty if it is of no one service.
    :param resource: what it is of otherwise: ``database NAME``, ``load balancer NAME``, ``NAT gateway ID``.
    :param unit: ``%``, ``/s``, ``/min``, ``s``, ``B``, ``B/s`` or empty for a count.
    :param note: why there are no values, or what to know of them; empty if nothing.
    """

    name: str
    service: str
    unit: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]
    resource: str = ""
    note: str = ""

    @property
    def latest(self) -> tuple[float, float] | None:
        """Time and value of the newest point; ``None`` if there is none."""
        for time, value in zip(reversed(self.times), reversed(self.values), strict=True):
            if value is not None:
                return time, value
        return None

    @property
    def known(self) -> tuple[float, ...]:
        """The values that there are."""
        return tuple(value for value in self.values if value is not None)


@dataclass(frozen=True)
class MetricSheet:
    """The metrics of one environment.

    :param at: when they were read; ``start``, ``end`` and ``period`` (seconds) are of the grid.
    :param asked: how many metrics AWS was asked for; it charges for each.
    """

    environment: str
    at: float
    start: float
    end: float
    period: int
    series: tuple[Series, ...]
    asked: int = 0
    notes: tuple[str, ...] = ()

    def of(self, service: str) -> tuple[Series, ...]:
        return tuple(s for s in self.series if s.service == service)

    @property
    def resources(self) -> Mapping[str, tuple[Series, ...]]:
        """The metrics of what the environment stands on, by resource."""
        names = dict.fromkeys(s.resource for s in self.series if s.resource)
        return {name: tuple(s for s in self.series if s.resource == name) for name in names}
