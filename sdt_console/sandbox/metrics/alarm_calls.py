"""DescribeAlarms by kind and in pages, DescribeAlarmHistory, PutCompositeAlarm: what moto does not know.

Composite alarms are kept and shown, and have the state that SetAlarmState gives them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

_A_PAGE, _MOST = 50, 100
_METRIC, _COMPOSITE = "MetricAlarm", "CompositeAlarm"
Wire = dict[str, Any]


def install() -> Callable[[], None]:
    """Put the calls in front of moto's CloudWatch; returns what undoes it."""
    before = {"describe_alarms": CloudWatchResponse.describe_alarms}

    def describe_alarms(self: Any) -> ActionResult:
        parameters = self._get_params()
        found: Any = before["describe_alarms"](self).result
        kinds = parameters.get("AlarmTypes") or [_METRIC]
        alarms = [
            *(found["MetricAlarms"] if _METRIC in kinds else []),
            *(found["CompositeAlarms"] if _COMPOSITE in kinds else []),
        ]
        state = parameters.get("StateValue")
        shown, token = _page([a for a in alarms if state in (None, a.state_value)], parameters, _A_PAGE)
        answer = {
            "MetricAlarms": [a for a in shown if a.rule is None],
            "CompositeAlarms": [a for a in shown if a.rule is not None],
        }
        return ActionResult(answer | token)

    def describe_alarm_history(self: Any) -> ActionResult:
        parameters = self._get_params()
        kinds = parameters.get("AlarmTypes") or [_METRIC]
        name, begin, end = (parameters.get(key) for key in ("AlarmName", "StartDate", "EndDate"))
        wanted = parameters.get("HistoryItemType") in (None, "StateUpdate")  # the others are not kept
        items = [
            item
            for alarm in self.cloudwatch_backend.alarms.values()
            if wanted and name in (None, alarm.name) and (_COMPOSITE if alarm.rule else _METRIC) in kinds
            for item in _history(alarm)
            if (begin is None or item["Timestamp"] >= _aware(begin))
            and (end is None or item["Timestamp"] <= _aware(end))
        ]
        oldest_first = parameters.get("ScanBy") == "TimestampAscending"
        items.sort(key=lambda item: item["Timestamp"], reverse=not oldest_first)
        shown, token = _page(items, parameters, _MOST)
        return ActionResult({"AlarmHistoryItems": shown} | token)

    # moto's own method knows rules; only the call is missing.
    replacements: dict[str, Any] = {
        "describe_alarms": describe_alarms,
        "describe_alarm_history": describe_alarm_history,
        "put_composite_alarm": CloudWatchResponse.put_metric_alarm,
    }
    for called, function in replacements.items():
        setattr(CloudWatchResponse, called, function)

    def undo() -> None:
        for called in replacements:
            if called in before:
                setattr(CloudWatchResponse, called, before[called])
            else:
                delattr(CloudWatchResponse, called)

    return undo


def _history(alarm: Any) -> Iterator[Wire]:
    """Each change of state, made of the states that it had."""
    states = [(state, reason, at) for _, reason, _, state, at in alarm.history]
    states.append((alarm.state_value, alarm.state_reason, alarm.state_updated_timestamp))
    for (old, why_old, _), (new, why_new, at) in pairwise(states):
        if old == new:
            continue
        data = {
            "version": "1.0",
            "oldState": {"stateValue": old, "stateReason": why_old},
            "newState": {"stateValue": new, "stateReason": why_new},
        }
        yield {
            "AlarmName": alarm.name,
            "AlarmType": _COMPOSITE if alarm.rule else _METRIC,
            "Timestamp": _aware(at),
            "HistoryItemType": "StateUpdate",
            "HistorySummary": f"Alarm updated from {old} to {new}",
            "HistoryData": json.dumps(data),
        }


def _page(items: Sequence[Any], parameters: Wire, default: int) -> tuple[list[Any], Wire]:
    size = int(parameters.get("MaxRecords") or default)
    if not 1 <= size <= _MOST:
        raise ValidationError(f"MaxRecords must be between 1 and {_MOST}.")
    token = str(parameters.get("NextToken") or "0")
    if not token.isdecimal():
        raise ValidationError("The value for parameter NextToken is not valid.")
    start = int(token)
    left = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return list(items[start : start + size]), left


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
