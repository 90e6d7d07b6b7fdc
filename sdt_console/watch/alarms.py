"""Alarms of one environment: whom each concerns, and which of the account's are ours at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sdt_console.model import Alarm, AlarmEvent, AlarmState, Ground
from sdt_console.watch.measures import balancer_name

_ORDER = {AlarmState.ALARM: 0, AlarmState.INSUFFICIENT: 1, AlarmState.OK: 2}
_CHILD = re.compile(
    r"""\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|'([^']+)'|([^)\s]+))\s*\)""", re.IGNORECASE
)
_PARTS = {
    "ClusterName": "cluster",
    "LoadBalancer": "load balancer",
    "TargetGroup": "target group",
    "DBInstanceIdentifier": "database",
    "NatGatewayId": "NAT gateway",
}


def placed(alarms: Iterable[Alarm], ground: Ground) -> list[Alarm]:
    """``alarms`` with whom they concern: by their dimensions, composite ones by what their rules name."""
    found = [_placed(alarm, ground) for alarm in alarms]
    known = {alarm.name: alarm for alarm in found}
    return [_composed(alarm, known) if alarm.kind == "composite" else alarm for alarm in found]


def ordered(alarms: Iterable[Alarm]) -> list[Alarm]:
    """Those that went off first, the newest of them first; then those that cannot tell."""
    return sorted(alarms, key=lambda alarm: (_ORDER[alarm.state], -alarm.since, alarm.name))


def told(events: Iterable[AlarmEvent], alarms: Iterable[Alarm]) -> list[AlarmEvent]:
    """Of ``events`` those of ``alarms``, with whom they concern; one that is gone belongs to nobody."""
    known = {alarm.name: alarm for alarm in alarms}
    return [
        replace(event, service=known[event.alarm].service, resource=known[event.alarm].resource)
        for event in events
        if event.alarm in known
    ]


def children(rule: str) -> list[str]:
    """Names of the alarms that a composite alarm's rule asks for; of an ARN its last part."""
    found = ["".join(match.groups("")) for match in _CHILD.finditer(rule)]
    return [name.partition(":alarm:")[2] or name if name.startswith("arn:") else name for name in found]


def _placed(alarm: Alarm, ground: Ground) -> Alarm:
    services, resources, ours = [], [], False
    for metric in alarm.metrics:
        where = dict(metric.dimensions)
        service = _service(where, ground)
        mine = bool(service) or _is_ours(where, ground)
        ours = ours or mine
        if service:
            services.append(service)
        resources.append(_resource(where) if where else metric.namespace)
    one = services[0] if len(set(services)) == 1 and len(services) == len(alarm.metrics) else ""
    return replace(alarm, service=one, resource="" if one else ", ".join(dict.fromkeys(resources)), ours=ours)


def _composed(alarm: Alarm, known: Mapping[str, Alarm]) -> Alarm:
    parts = [known[name] for name in children(alarm.rule) if name in known]
    services = {part.service for part in parts}
    one = services.pop() if len(services) == 1 else ""
    resource = "" if one else f"{len(parts)} alarms"
    return replace(alarm, service=one, resource=resource, ours=any(part.ours for part in parts))


def _service(where: Mapping[str, str], ground: Ground) -> str:
    """The catalog's name of the service that the dimensions are about; empty if it is none of ours."""
    for anchor in ground.services:
        by_name = where.get("ClusterName") == ground.cluster and where.get("ServiceName") == anchor.service
        if by_name or (anchor.target_group and where.get("TargetGroup") == anchor.target_group):
            return anchor.name
    return ""


def _is_ours(where: Mapping[str, str], ground: Ground) -> bool:
    """Whether the dimensions name something that the environment stands on."""
    return (
        where.get("ClusterName") == ground.cluster
        or (bool(ground.balancer) and where.get("LoadBalancer") == ground.balancer)
        or (bool(ground.database) and where.get("DBInstanceIdentifier") == ground.database)
        or where.get("NatGatewayId") in ground.gateways
    )


def _resource(where: Mapping[str, str]) -> str:
    for name in ("ServiceName", "TargetGroup", "LoadBalancer", *_PARTS):
        value = where.get(name)
        if value:
            return f"{_PARTS.get(name, 'service')} {_short(name, value)}"
    name, value = next(iter(where.items()))
    return f"{name} {value}"


def _short(name: str, value: str) -> str:
    if name == "LoadBalancer":
        return balancer_name(value)
    return value.split("/")[1] if name == "TargetGroup" and value.count("/") == 2 else value


def counts(alarms: Sequence[Alarm]) -> dict[AlarmState, int]:
    """How many are in each state."""
    return {state: sum(alarm.state is state for alarm in alarms) for state in AlarmState}
