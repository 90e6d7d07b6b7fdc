"""What an alarm tells when its state changes: a message to each topic among its actions, as CloudWatch's."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from moto.backends import get_backend
from moto.core.exceptions import ServiceException

_ACTIONS = {"ALARM": "alarm_actions", "OK": "ok_actions", "INSUFFICIENT_DATA": "insufficient_data_actions"}
_REGIONS = {"eu-west-1": "EU (Ireland)", "eu-central-1": "EU (Frankfurt)"}
_logger = logging.getLogger(__name__)


def notify(alarm: Any, before: str) -> None:
    """Publish the change of one of moto's alarms; actions that are no topics are passed over.

    :param before: the state that it had.
    """
    if not alarm.actions_enabled:
        return
    for action in getattr(alarm, _ACTIONS[alarm.state_value]) or ():
        service, region, account = action.split(":")[2:5]
        if service != "sns":
            continue
        place = _REGIONS.get(region, region)
        sns: Any = get_backend("sns")[account][region]
        try:
            sns.publish(
                message=json.dumps(_message(alarm, before, account, place)),
                arn=action,
                subject=f'{alarm.state_value}: "{alarm.name}" in {place}'[:100],
            )
        except (ServiceException, OSError) as error:  # a topic or an endpoint that is gone is no one's fault
            _logger.info("%s could not be told: %s", action, error)


def _message(alarm: Any, before: str, account: str, place: str) -> dict[str, Any]:
    statistic = alarm.statistic or alarm.extended_statistic
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description or None,
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": _stamp(alarm.configuration_updated_timestamp),
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": _stamp(alarm.state_updated_timestamp),
        "Region": place,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
        "OKActions": list(alarm.ok_actions or ()),
        "AlarmActions": list(alarm.alarm_actions or ()),
        "InsufficientDataActions": list(alarm.insufficient_data_actions or ()),
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "StatisticType": "Statistic" if alarm.statistic else "ExtendedStatistic",
            "Statistic": str(statistic).upper() if alarm.statistic else statistic,
            "Unit": alarm.unit,
            "Dimensions": [{"value": d.value, "name": d.name} for d in alarm.dimensions],
            "Period": int(alarm.period),
            "EvaluationPeriods": int(alarm.evaluation_periods),
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": float(alarm.threshold),
            "TreatMissingData": alarm.treat_missing_data or "",
            "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
        },
    }


def _stamp(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.isoformat(timespec="milliseconds").replace("+00:00", "+0000")
