"""Which of the alarms that the catalog expects are missing, or are not what it expects."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sdt_console.catalog.alarms import AlarmRule
from sdt_console.model import Alarm, AuditFinding, Dimensions, Ground
from sdt_console.watch.measures import balancer_name

_GB = (1e9, float(2**30))
"""What people take a gigabyte for; either is right."""
_WORDS = {
    ">": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "<": "LessThanThreshold",
    "<=": "LessThanOrEqualToThreshold",
}
_DEFAULT_PERIOD = 60


@dataclass(frozen=True)
class Expected:
    """One alarm that there should be.

    :param thresholds: in the metric's unit, any of them will do; empty if the limit is not known.
    :param words: the same for a person: ``CPUUtilization > 80 %``.
    """

    rule: AlarmRule
    dimensions: Dimensions
    thresholds: tuple[float, ...]
    words: str
    service: str = ""
    resource: str = ""


def expected(rules: Sequence[AlarmRule], ground: Ground, limits: Mapping[str, int]) -> list[Expected]:
    """The alarms that ``rules`` ask for, rule by rule; services whose code is not there yet need none.

    :param limits: setting of the environment → its value, for thresholds that are shares of it; 0: unknown.
    """
    return [
        Expected(rule, dimensions, _thresholds(rule, limits), _words(rule, limits), service, resource)
        for rule in rules
        for dimensions, service, resource in _subjects(rule, ground)
    ]


def audit(wanted: Sequence[Expected], alarms: Sequence[Alarm], region: str = "") -> list[AuditFinding]:
    """Where ``alarms`` and ``wanted`` disagree: nothing for those that are as they should be.

    :param region: for the commands that cure it; empty for the SDK's own choice.
    """
    told = Counter(action for alarm in alarms for action in alarm.actions if alarm.ours)
    topic = told.most_common(1)[0][0] if told else ""
    found = (_judged(one, alarms, region, topic) for one in wanted)
    return [finding for finding in found if finding is not None]


def _subjects(rule: AlarmRule, ground: Ground) -> Iterator[tuple[Dimensions, str, str]]:
    if rule.of == "load-balancer" and ground.balancer:
        name = f"load balancer {balancer_name(ground.balancer)}"
        yield (("LoadBalancer", ground.balancer),), "", name
    if rule.of == "database" and ground.database:
        yield (("DBInstanceIdentifier", ground.database),), "", f"database {ground.database}"
    for anchor in ground.services:
        if anchor.kind == "pending":
            continue
        if rule.of == "service":
            yield (("ClusterName", ground.cluster), ("ServiceName", anchor.service)), anchor.name, ""
        if rule.of == "target-group" and anchor.target_group:
            where = (("LoadBalancer", anchor.balancer), ("TargetGroup", anchor.target_group))
            yield where, anchor.name, ""


def _thresholds(rule: AlarmRule, limits: Mapping[str, int]) -> tuple[float, ...]:
    if rule.share_of:
        limit = limits.get(rule.share_of, 0)
        return (limit * rule.threshold / 100,) if limit else ()
    return tuple(rule.threshold * factor for factor in _GB) if rule.unit == "GB" else (rule.threshold,)


def _words(rule: AlarmRule, limits: Mapping[str, int]) -> str:
    text = f"{rule.metric} {rule.comparison} {rule.threshold:g}"
    text += f" {rule.unit}" if rule.unit else ""
    if rule.share_of:
        limit = limits.get(rule.share_of, 0)
        text += f" of {limit}" if limit else f" of {rule.share_of}"
    return text + (f" in {rule.period_seconds} s" if rule.period_seconds else "")


def _judged(one: Expected, alarms: Sequence[Alarm], region: str, topic: str) -> AuditFinding | None:
    rule = one.rule
    near = [alarm for alarm in alarms if _looks_at(alarm, one)]
    if not near:
        return _finding("missing", one, cure=_command(one, region, topic))
    plain = [a for a in near if not a.expression and a.threshold is not None and a.comparison in _WORDS]
    if not plain:
        alarm = near[0]
        cure = "see in its definition whether it is the same"
        return _finding("unjudged", one, alarm, ("it watches an expression or a band",), cure)
    if not one.thresholds:
        cure = f"set {rule.share_of} of the environment in the catalog"
        return _finding("unjudged", one, plain[0], (f"{rule.share_of} is not known",), cure)
    judged = sorted(((_differences(alarm, one), alarm) for alarm in plain), key=lambda pair: len(pair[0]))
    fitting = [alarm for differences, alarm in judged if not differences]
    if not fitting:
        differences, alarm = judged[0]
        cure = f"set what differs where {alarm.name} is defined, or change alarms.{rule.name} in the catalog"
        return _finding("different", one, alarm, tuple(differences), cure)
    if not any(alarm.armed and alarm.actions for alarm in fitting):
        alarm = fitting[0]
        off = "its actions are switched off" if alarm.actions else "it has no action"
        cure = "give it an action, such as an SNS topic" if not alarm.actions else _enable(alarm, region)
        return _finding("silent", one, alarm, (off,), cure)
    return None


def _looks_at(alarm: Alarm, one: Expected) -> bool:
    """Whether the alarm is of that metric of that subject; names of dimensions in any order."""
    target = dict(one.dimensions)
    return any(
        metric.namespace == one.rule.namespace
        and metric.metric == one.rule.metric
        and _same(dict(metric.dimensions), target)
        for metric in alarm.metrics
    )


def _same(given: Mapping[str, str], target: Mapping[str, str]) -> bool:
    if "TargetGroup" in target:  # CloudWatch files it with and without its load balancer
        return given.get("TargetGroup") == target["TargetGroup"] and "AvailabilityZone" not in given
    return given == target


def _differences(alarm: Alarm, one: Expected) -> list[str]:
    rule, found = one.rule, []
    if alarm.comparison != rule.comparison:
        found.append(f"it asks for {alarm.comparison}, not {rule.comparison}")
    if not any(_close(alarm.threshold or 0.0, threshold) for threshold in one.thresholds):
        found.append(f"threshold is {alarm.threshold:g}, not {' or '.join(_listed(one))}")
    if alarm.statistic != rule.statistic:
        found.append(f"statistic is {alarm.statistic or 'none'}, not {rule.statistic}")
    if rule.period_seconds is not None and alarm.period != rule.period_seconds:
        found.append(f"period is {alarm.period} s, not {rule.period_seconds} s")
    return found


def _listed(one: Expected) -> list[str]:
    return [f"{threshold:g}" for threshold in one.thresholds]


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-6 * max(1.0, abs(b))


def _finding(
    kind: str, one: Expected, alarm: Alarm | None = None, differences: tuple[str, ...] = (), cure: str = ""
) -> AuditFinding:
    found = ""
    if alarm is not None and alarm.threshold is not None and not alarm.expression:
        found = f"{alarm.statistic} {alarm.comparison} {alarm.threshold:g} in {alarm.period} s"
    return AuditFinding(
        kind=kind,
        rule=one.rule.name,
        service=one.service,
        resource=one.resource,
        expected=one.words,
        found=found,
        alarm=alarm.name if alarm is not None else "",
        differences=differences,
        cure=cure,
    )


def _enable(alarm: Alarm, region: str) -> str:
    return _shell("enable-alarm-actions", ["--alarm-names", alarm.name], region)


def _command(one: Expected, region: str, topic: str) -> str:
    """What makes the missing alarm, for AWS's own client; a sentence if its threshold is not known."""
    rule = one.rule
    if not one.thresholds:
        return f"set {rule.share_of} of the environment in the catalog, then look again"
    subject = one.dimensions[-1][1]
    subject = subject.split("/")[1] if subject.count("/") == 2 else subject
    words = ["--alarm-name", f"{subject}-{rule.name}"]
    words += ["--namespace", rule.namespace, "--metric-name", rule.metric, "--dimensions"]
    words += [f"Name={name},Value={value}" for name, value in one.dimensions]
    which = "--extended-statistic" if rule.statistic.startswith("p") else "--statistic"
    words += [which, rule.statistic, "--period", str(rule.period_seconds or _DEFAULT_PERIOD)]
    words += ["--evaluation-periods", str(rule.periods), "--comparison-operator", _WORDS[rule.comparison]]
    words += ["--threshold", f"{one.thresholds[-1]:.12g}", "--treat-missing-data", rule.missing_data]
    return _shell("put-metric-alarm", [*words, *(["--alarm-actions", topic] if topic else [])], region)


def _shell(call: str, words: Sequence[str], region: str) -> str:
    return shlex.join(["aws", "cloudwatch", call, *words, *(["--region", region] if region else [])])
