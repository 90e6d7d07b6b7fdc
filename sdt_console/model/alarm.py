"""CloudWatch alarms.

Names, reasons and descriptions are untrusted text; times are seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sdt_console.model.metric import Dimensions


class AlarmState(StrEnum):
    """Part of the JSON contract of ``sdt alarms``."""

    ALARM = "alarm"
    INSUFFICIENT = "insufficient"
    OK = "ok"


@dataclass(frozen=True)
class AlarmMetric:
    """One metric that an alarm looks at."""

    namespace: str
    metric: str
    dimensions: Dimensions = ()


@dataclass(frozen=True)
class Alarm:
    """One alarm.

    :param kind: ``metric`` or ``composite``.
    :param since: when it came into this state.
    :param reason: why, in CloudWatch's words.
    :param service: the catalog's name of the service that it concerns; empty if it is no one service.
    :param resource: else what it concerns: ``database NAME``, ``load balancer NAME``, ``cluster NAME``, …
    :param ours: whether it is about this environment at all.
    :param comparison: ``>``, ``>=``, ``<`` or ``<=``; AWS's own word for any other, such as anomaly bands.
    :param threshold: ``None`` where it is a band or a rule.
    :param metrics: one, or those of its expression.
    :param rule: of a composite alarm.
    :param actions: whom it tells when it goes off, ARNs; ``armed`` is false while that is switched off.
    """

    name: str
    state: AlarmState
    since: float
    reason: str = ""
    kind: str = "metric"
    service: str = ""
    resource: str = ""
    ours: bool = False
    metrics: tuple[AlarmMetric, ...] = ()
    expression: bool = False
    statistic: str = ""
    comparison: str = ""
    threshold: float | None = None
    period: int = 0
    periods: int = 0
    rule: str = ""
    actions: tuple[str, ...] = ()
    armed: bool = True
    arn: str = ""
    description: str = ""


@dataclass(frozen=True)
class AlarmEvent:
    """A change of an alarm's state.

    :param state: the one it went to; ``None`` if AWS does not say.
    """

    at: float
    alarm: str
    state: AlarmState | None
    summary: str
    reason: str = ""
    service: str = ""
    resource: str = ""


@dataclass(frozen=True)
class AuditFinding:
    """Where the alarms that there are and those that the catalog expects disagree.

    :param kind: ``missing``; ``different``; ``silent`` (as expected, but it tells nobody); ``unjudged``
        (an expression or a band, whose threshold says nothing by itself, or a limit that is not known).
    :param rule: the catalog's name of what is expected; ``expected`` and ``found`` say it in words.
    :param alarm: the one that comes nearest; empty if there is none.
    :param differences: each in words: ``threshold is 90, not 80``.
    :param cure: what to do: a sentence, or a command of AWS's own client.
    """

    kind: str
    rule: str
    service: str
    resource: str
    expected: str
    found: str = ""
    alarm: str = ""
    differences: tuple[str, ...] = field(default=())
    cure: str = ""


@dataclass(frozen=True)
class AlarmSheet:
    """The alarms of one environment, those that went off first.

    :param elsewhere: how many others there are in the account's region; ``elsewhere_alarm``: in alarm.
    :param audit: ``None`` if it was not asked for; ``expected``: how many alarms the catalog expects.
    :param events: changes of state, newest first.
    """

    environment: str
    at: float
    alarms: tuple[Alarm, ...]
    elsewhere: int = 0
    elsewhere_alarm: int = 0
    audit: tuple[AuditFinding, ...] | None = None
    expected: int = 0
    events: tuple[AlarmEvent, ...] = ()
    notes: tuple[str, ...] = ()
