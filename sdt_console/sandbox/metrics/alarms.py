"""Alarms: those that watch the seeded account, and the judgement that moto never makes."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from .api import Metrics
from .notices import notify
from .series import Place
from .shared import database_of

PERIOD = 60
_WORDS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than the threshold"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to the threshold"),
    "LessThanThreshold": (operator.lt, "less than the threshold"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to the threshold"),
}


def put_alarms(backend: Any, places: Iterable[Place]) -> None:
    """Put the alarms that an operator of such a system has.

    :param backend: moto's CloudWatch of one account and region.
    """

    def put(
        name: str, namespace: str, metric: str, stat: str, limit: float, less: bool, **where: str
    ) -> None:
        backend.put_metric_alarm(
            name=name,
            namespace=namespace,
            metric_name=metric,
            comparison_operator="LessThanThreshold" if less else "GreaterThanThreshold",
            evaluation_periods=2,
            period=PERIOD,
            threshold=limit,
            statistic=stat,
            description="",
            dimensions=[{"Name": key, "Value": value} for key, value in where.items()],
            alarm_actions=[],
            treat_missing_data="notBreaching",
        )

    seen: set[str] = set()
    for place in places:
        own = {"ClusterName": place.cluster, "ServiceName": place.service}
        put(f"{place.service}-cpu", "AWS/ECS", "CPUUtilization", "Average", 80, False, **own)
        put(f"{place.service}-memory", "AWS/ECS", "MemoryUtilization", "Average", 80, False, **own)
        if place.target_group:
            group = {"LoadBalancer": place.balancer, "TargetGroup": place.target_group}
            name = f"{place.service}-unhealthy-targets"
            put(name, "AWS/ApplicationELB", "UnHealthyHostCount", "Maximum", 0, False, **group)
        if place.balancer and place.balancer not in seen:
            seen.add(place.balancer)
            name = place.balancer.split("/")[1]
            alb = {"LoadBalancer": place.balancer}
            elb = "AWS/ApplicationELB"
            put(f"{name}-5xx", elb, "HTTPCode_ELB_5XX_Count", "Sum", 10, False, **alb)
            put(f"{name}-response-time", elb, "TargetResponseTime", "Average", 1, False, **alb)
        if place.cluster not in seen:
            seen.add(place.cluster)
            database = database_of(place.cluster)
            where = {"DBInstanceIdentifier": database}
            put(f"{database}-cpu", "AWS/RDS", "CPUUtilization", "Average", 80, False, **where)
            put(f"{database}-storage", "AWS/RDS", "FreeStorageSpace", "Minimum", 10 * 1024**3, True, **where)
            put(f"{database}-connections", "AWS/RDS", "DatabaseConnections", "Maximum", 64, False, **where)


class Judge:
    """Sets the state of alarms whose metric is the sandbox's own.

    :param alarms: moto's alarms, asked at each judgement.
    """

    def __init__(self, metrics: Metrics, alarms: Callable[[], Iterable[Any]]) -> None:
        self._metrics = metrics
        self._alarms = alarms

    def judge(self, now: float) -> None:
        """Judge every alarm by the whole periods up to ``now`` (seconds since the epoch)."""
        for alarm in self._alarms():
            dimensions = {d.name: d.value for d in alarm.dimensions}
            if not alarm.metric_name or not self._metrics.owns(
                alarm.namespace, alarm.metric_name, dimensions
            ):
                continue
            period, count = int(alarm.period), int(alarm.evaluation_periods)
            end = now - now % period
            stat = alarm.statistic or alarm.extended_statistic
            points = self._metrics.points(
                alarm.namespace, alarm.metric_name, dimensions, stat, period, end - period * count, end
            )
            self._decide(alarm, points, count, now)

    def _decide(self, alarm: Any, points: dict[float, float], count: int, now: float) -> None:
        test, words = _WORDS[alarm.comparison_operator]
        limit = float(alarm.threshold)
        breaching = {time: value for time, value in points.items() if test(value, limit)}
        needed = int(alarm.datapoints_to_alarm or count)
        if len(points) < count and alarm.treat_missing_data not in ("notBreaching", "ignore"):
            state, reason = "INSUFFICIENT_DATA", "Insufficient Data: missing data points"
        elif len(breaching) >= needed:
            state = "ALARM"
            listed = ", ".join(f"{value} ({_stamp(time)})" for time, value in breaching.items())
            reason = f"Threshold Crossed: {needed} datapoints [{listed}] were {words} ({limit})."
        else:
            state = "OK"
            fine = [value for time, value in points.items() if time not in breaching]
            listed = ", ".join(map(str, fine))
            reason = f"Threshold Crossed: {len(fine)} datapoints [{listed}] were not {words} ({limit})."
        before = alarm.state_value
        if state != before:
            alarm.update_state(reason, json.dumps({"version": "1.0", "threshold": limit}), state)
            alarm.state_updated_timestamp = datetime.fromtimestamp(now, UTC)
            notify(alarm, before)


def _stamp(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%d/%m/%y %H:%M:%S")
