"""CloudWatch alarms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.model import Alarm, AlarmEvent, AlarmMetric, AlarmState

_A_PAGE = 100  # DescribeAlarms' and DescribeAlarmHistory's limit
_KINDS = ["MetricAlarm", "CompositeAlarm"]  # without it AWS leaves the composite ones out
_STATES = {"ALARM": AlarmState.ALARM, "OK": AlarmState.OK, "INSUFFICIENT_DATA": AlarmState.INSUFFICIENT}
_COMPARISONS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "<=",
}


class AlarmsClient:
    """Alarms of one account and region, of whatever they are about."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def alarms(self) -> list[Alarm]:
        """All of them, metric alarms first; whose they are is not known here.

        :raises CloudError: AWS refused.
        """
        metric: list[Alarm] = []
        composite: list[Alarm] = []
        pages = self._aws.each_page("cloudwatch", "describe_alarms", AlarmTypes=_KINDS, MaxRecords=_A_PAGE)
        async for page in pages:
            metric += [_alarm(raw) for raw in page.get("MetricAlarms", [])]
            composite += [_alarm(raw) for raw in page.get("CompositeAlarms", [])]
        return [*metric, *composite]

    async def history(self, since: float, alarm: str = "") -> list[AlarmEvent]:
        """Changes of state since then (seconds since the epoch), newest first; AWS keeps 30 days of them.

        :param alarm: the name of one; else of all.
        :raises CloudError: AWS refused.
        """
        one = {"AlarmName": alarm} if alarm else {}
        found = await self._aws.pages(
            "cloudwatch",
            "describe_alarm_history",
            "AlarmHistoryItems",
            AlarmTypes=_KINDS,
            HistoryItemType="StateUpdate",
            StartDate=datetime.fromtimestamp(since, UTC),
            ScanBy="TimestampDescending",
            MaxRecords=_A_PAGE,
            **one,
        )
        return sorted(map(_event, found), key=lambda event: -event.at)


def _alarm(raw: Mapping[str, Any]) -> Alarm:
    changed = raw.get("StateTransitionedTimestamp") or raw.get("StateUpdatedTimestamp")
    expression = bool(raw.get("Metrics"))
    comparison = str(raw.get("ComparisonOperator", ""))
    return Alarm(
        name=str(raw["AlarmName"]),
        kind="composite" if raw.get("AlarmRule") else "metric",
        state=_STATES.get(str(raw.get("StateValue")), AlarmState.INSUFFICIENT),
        since=changed.timestamp() if changed else 0.0,
        reason=str(raw.get("StateReason") or ""),
        metrics=_metrics(raw),
        expression=expression,
        statistic=str(raw.get("Statistic") or raw.get("ExtendedStatistic") or ""),
        comparison=_COMPARISONS.get(comparison, comparison),
        threshold=None if raw.get("Threshold") is None else float(raw["Threshold"]),
        period=int(raw.get("Period") or 0),
        periods=int(raw.get("EvaluationPeriods") or 0),
        rule=str(raw.get("AlarmRule") or ""),
        actions=tuple(map(str, raw.get("AlarmActions", ()))),
        armed=bool(raw.get("ActionsEnabled", True)),
        arn=str(raw.get("AlarmArn", "")),
        description=str(raw.get("AlarmDescription") or ""),
    )


def _metrics(raw: Mapping[str, Any]) -> tuple[AlarmMetric, ...]:
    given = [query["MetricStat"]["Metric"] for query in raw.get("Metrics", ()) if query.get("MetricStat")]
    if raw.get("MetricName"):
        given.append(raw)
    return tuple(
        AlarmMetric(
            str(metric.get("Namespace", "")),
            str(metric.get("MetricName", "")),
            tuple((str(d["Name"]), str(d["Value"])) for d in metric.get("Dimensions", ())),
        )
        for metric in given
    )


def _event(raw: Mapping[str, Any]) -> AlarmEvent:
    try:
        new = json.loads(raw.get("HistoryData") or "{}")["newState"]
        state, reason = _STATES.get(new["stateValue"]), str(new.get("stateReason", ""))
    except (ValueError, KeyError, TypeError, AttributeError):  # a form of data that we do not know
        state, reason = None, ""
    return AlarmEvent(
        at=raw["Timestamp"].timestamp(),
        alarm=str(raw.get("AlarmName", "")),
        state=state,
        summary=str(raw.get("HistorySummary", "")),
        reason=reason,
    )
