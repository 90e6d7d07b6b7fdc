"""Metrics, minute by minute: a daily rhythm, chance that is the same in every run, and what happened."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .rhythm import noise, rhythm
from .shared import SHARED, database_of
from .stats import Minute
from .story import Moment, Story

Dimensions = Mapping[str, str]
MINUTE = 60.0


@dataclass(frozen=True)
class Place:
    """A service with what its metrics are filed under.

    :param target_group: last part of the target group's ARN, ``targetgroup/NAME/ID``; empty without one.
    :param balancer: the same of the load balancer, ``app/NAME/ID``.
    :param insights: whether its cluster has Container Insights.
    :param gateway: id of the NAT gateway of its VPC; empty if there is none.
    """

    cluster: str
    service: str
    target_group: str = ""
    balancer: str = ""
    insights: bool = False
    gateway: str = ""


class Series:
    """Makes minutes of metrics.

    :param places: the services that are there, asked at every call.
    """

    def __init__(self, story: Story, places: Callable[[], list[Place]]) -> None:
        self._story = story
        self._places = places
        self._indexed: list[Place] = []
        self._index: dict[tuple[str, frozenset[tuple[str, str]]], list[Place]] = {}

    def known(self) -> list[tuple[str, str, dict[str, str]]]:
        """Namespace, name and dimensions of every metric there is."""
        found: list[tuple[str, str, dict[str, str]]] = []
        places = self._places()
        for place in places:
            own = {"ClusterName": place.cluster, "ServiceName": place.service}
            found += [("AWS/ECS", name, own) for name in ("CPUUtilization", "MemoryUtilization")]
            if place.insights:
                found += [(_INSIGHTS, name, own) for name in _OF_NAMESPACE[_INSIGHTS]]
            if place.target_group:
                group = {"LoadBalancer": place.balancer, "TargetGroup": place.target_group}
                found += [("AWS/ApplicationELB", name, group) for name in _TARGET_METRICS]
        for balancer in dict.fromkeys(place.balancer for place in places if place.balancer):
            found += [("AWS/ApplicationELB", name, {"LoadBalancer": balancer}) for name in _BALANCER_METRICS]
        for namespace, (dimension, made) in SHARED.items():
            for value in self._shared(namespace):
                found += [(namespace, name, {dimension: value}) for name in made]
        return found

    def _shared(self, namespace: str) -> list[str]:
        """What the places stand on, by the name that metrics of ``namespace`` have for it."""
        places = self._places()
        names = (p.gateway if namespace == "AWS/NATGateway" else database_of(p.cluster) for p in places)
        return [name for name in dict.fromkeys(names) if name]

    def owns(self, namespace: str, name: str, dimensions: Dimensions) -> bool:
        """Whether this is a metric of the sandbox, with all of its dimensions or fewer."""
        if namespace in SHARED:
            dimension, made = SHARED[namespace]
            return name in made and dimensions.get(dimension) in self._shared(namespace)
        return name in _OF_NAMESPACE.get(namespace, ()) and bool(self._at(namespace, dimensions))

    def _at(self, namespace: str, dimensions: Dimensions) -> list[Place]:
        """The services that metrics with these dimensions are about."""
        places = self._places()
        if places is not self._indexed:
            self._index.clear()
            for place in places:
                for key in _filed_under(place):
                    self._index.setdefault(key, []).append(place)
            self._indexed = places
        return self._index.get((namespace, frozenset(dimensions.items())), [])

    def kind(self, name: str) -> str:
        """``gauge``, ``count`` or ``duration``."""
        if name == "TargetResponseTime":
            return "duration"
        return "count" if name.endswith("Count") and "Host" not in name else "gauge"

    def minutes(
        self, namespace: str, name: str, dimensions: Dimensions, start: float, end: float
    ) -> list[Minute]:
        """The minutes that begin in ``[start, end)``, seconds since the epoch; none of an unknown metric."""
        first = math.ceil(start / MINUTE)
        numbers = range(first, math.ceil(end / MINUTE))
        if not self.owns(namespace, name, dimensions):
            return []
        if namespace in SHARED:
            dimension, made = SHARED[namespace]
            return [made[name](dimensions[dimension], number) for number in numbers]
        places = self._at(namespace, dimensions)
        found = []
        for number in numbers:
            parts = [self._minute(name, place, number) for place in places]
            whole = [part for part in parts if part is not None]
            if whole:
                found.append(_merge(whole, count=self.kind(name) == "count"))
        return found

    def _minute(self, name: str, place: Place, number: int) -> Minute | None:
        start = number * MINUTE
        moments = self._story.between(place.cluster, place.service, start, start + MINUTE)
        state = moments[-1]
        crashes = moments[-1].crashes - moments[0].crashes
        starting = max(moment.starting for moment in moments)
        key = f"{place.cluster}/{place.service}"
        if name == "HealthyHostCount":
            return Minute(min(moment.running for moment in moments))
        if name == "UnHealthyHostCount":
            return Minute(max(moment.failing + moment.starting for moment in moments))
        if name in ("CPUUtilization", "MemoryUtilization"):
            if state.running + state.failing + starting == 0:
                return None
            return (
                _cpu(key, number, starting)
                if name == "CPUUtilization"
                else _memory(key, number, state, crashes)
            )
        if name in _OF_NAMESPACE[_INSIGHTS]:
            share = 1.0 if name == "NetworkRxBytes" else 1.7
            return Minute(60_000 * share * rhythm(number)) if state.running + state.failing else None
        return _traffic(name, key, number, state, starting, crashes)


def _cpu(key: str, number: int, starting: int) -> Minute:
    average = 14 + 22 * rhythm(number) + 8 * noise(key + "cpu", number) + (38 if starting else 0)
    return Minute(min(average, 98.0), spread=6 + 10 * noise(key + "spread", number))


def _memory(key: str, number: int, state: Moment, crashes: int) -> Minute:
    # A JVM grows for some hours after its start, and breathes with its collections.
    hours = max(0.0, number / 60 - state.started_at / 3600)
    average = 46 + min(14.0, 3 * hours) + 5 * noise(key + "memory", number // 7)
    return Minute(99.0 if crashes else average, spread=2)


def _traffic(name: str, key: str, number: int, state: Moment, starting: int, crashes: int) -> Minute | None:
    serving = state.running + state.failing
    wanted = (
        (30 + zlib.crc32(key.encode()) % 170) * rhythm(number) * (0.8 + 0.4 * noise(key + "rate", number))
    )
    # Nobody calls what has never run.
    requests = round(wanted) if state.at else 0
    refused = requests if serving == 0 else 0
    broken = round(requests * state.failing / serving) if serving else 0
    broken += round(requests * 0.05 * crashes) + (requests > 0 and noise(key + "5xx", number) > 0.9)
    not_found = round(requests * 0.02 * noise(key + "4xx", number))
    if name == "TargetResponseTime":
        if not serving or not requests:
            return None
        seconds = (
            0.03 + 0.05 * noise(key + "base", 0) + 0.03 * rhythm(number) + 0.02 * noise(key + "time", number)
        )
        return Minute(seconds * (3 if starting else 1), samples=requests)
    if name == "RequestCountPerTarget" and requests:
        return Minute(requests / max(serving, 1), samples=requests)
    values = {
        "RequestCount": requests,
        "RequestCountPerTarget": 0,
        "HTTPCode_Target_2XX_Count": max(requests - refused - broken - not_found, 0),
        "HTTPCode_Target_4XX_Count": not_found,
        "HTTPCode_Target_5XX_Count": 0 if refused else broken,
        "HTTPCode_ELB_5XX_Count": refused,
        "ActiveConnectionCount": -(-requests // 4),
    }
    # A load balancer publishes no zeros.
    return Minute(values[name], samples=values[name]) if values[name] else None


_TARGET_METRICS = (
    "RequestCount",
    "RequestCountPerTarget",
    "TargetResponseTime",
    "HTTPCode_Target_2XX_Count",
    "HTTPCode_Target_4XX_Count",
    "HTTPCode_Target_5XX_Count",
    "HealthyHostCount",
    "UnHealthyHostCount",
)
_BALANCER_METRICS = (
    "RequestCount",
    "TargetResponseTime",
    "HTTPCode_Target_2XX_Count",
    "HTTPCode_Target_4XX_Count",
    "HTTPCode_Target_5XX_Count",
    "HTTPCode_ELB_5XX_Count",
    "ActiveConnectionCount",
)
_INSIGHTS = "ECS/ContainerInsights"
_OF_NAMESPACE = {
    _INSIGHTS: ("NetworkRxBytes", "NetworkTxBytes"),
    "AWS/ECS": ("CPUUtilization", "MemoryUtilization"),
    "AWS/ApplicationELB": tuple(dict.fromkeys(_TARGET_METRICS + _BALANCER_METRICS)),
}


def _filed_under(place: Place) -> list[tuple[str, frozenset[tuple[str, str]]]]:
    """Namespaces and sets of dimensions under which CloudWatch knows the metrics of a service."""
    cluster, service = ("ClusterName", place.cluster), ("ServiceName", place.service)
    found = [("AWS/ECS", frozenset({cluster, service})), ("AWS/ECS", frozenset({cluster}))]
    if place.insights:
        found.append((_INSIGHTS, frozenset({cluster, service})))
    if place.balancer:
        balancer, group = ("LoadBalancer", place.balancer), ("TargetGroup", place.target_group)
        found += [("AWS/ApplicationELB", frozenset(s)) for s in ({balancer, group}, {balancer}, {group})]
    return found


def _merge(parts: list[Minute], *, count: bool) -> Minute:
    """The minutes of several services as one: counts add up, the rest is weighted by its samples."""
    samples = sum(part.samples for part in parts)
    if count:
        return Minute(sum(part.average for part in parts), samples)
    if not samples:
        return Minute(sum(part.average for part in parts) / len(parts), 0)
    average = sum(part.average * part.samples for part in parts) / samples
    return Minute(average, samples, max(part.spread for part in parts))
