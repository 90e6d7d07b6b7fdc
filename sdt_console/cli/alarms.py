"""``sdt alarms``: what went off, since when and why; which alarms are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import command, given
from sdt_console.cli.running import running

if TYPE_CHECKING:
    from sdt_console.model import Alarm, AlarmEvent, AlarmSheet, AuditFinding

_STATES = ("alarm", "ok", "insufficient")


@command(
    "alarms",
    short="What went off, since when and why; which alarms are missing.",
    example="sdt alarms\nsdt alarms --audit\nsdt alarms --history --since 24h\n"
    "sdt alarms --json | jq '.alarms[] | select(.state == \"alarm\")'",
)
@click.option(
    "--state", "states", type=click.Choice(_STATES), multiple=True, help="Only those in this state."
)
@click.option("--all", "everything", is_flag=True, help="With those of other environments and systems.")
@click.option("--audit", "check", is_flag=True, help="Compare with the alarms that the catalog expects.")
@click.option("--history", is_flag=True, help="Tell what changed, newest first.")
@click.option("--since", default="24h", show_default=True, metavar="TIME", help="Of the history.")
def alarms(states: tuple[str, ...], everything: bool, check: bool, history: bool, since: str) -> int:
    """The CloudWatch alarms of the environment: those that went off, and those that cannot tell.

    Alarms belong to it by their dimensions: its cluster and services, target groups, load balancer, database,
    NAT gateways. --audit tells which of those in the catalog's [[alarms]] are missing, differ
    or tell nobody, each with its cure. Changes nothing; exit code 0 whatever the alarms say.
    """
    import asyncio

    from sdt_console.cli.alarm_pictures import show_alarms
    from sdt_console.cli.output import write_json
    from sdt_console.watching.alarms import Alarms
    from sdt_console.watching.metrics import span_of

    with running(None) as door:
        now = door.clock.now()
        start = now - span_of(since, now) if history else None
        sheet = asyncio.run(Alarms(door).read(check=check, since=start, everything=everything))
    if given().json:
        write_json(_document(sheet, states))
    else:
        show_alarms(sheet, states, history=history)
    return 0


def _document(sheet: AlarmSheet, states: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "version": 1,
        "environment": sheet.environment,
        "at": sheet.at,
        "counts": {state: sum(a.state == state for a in sheet.alarms) for state in _STATES},
        "alarms": [_alarm(a) for a in sheet.alarms if not states or a.state in states],
        "elsewhere": {"count": sheet.elsewhere, "alarm": sheet.elsewhere_alarm},
        "events": [_event(event) for event in sheet.events],
        "notes": list(sheet.notes),
    }
    if sheet.audit is not None:
        made["expected"] = sheet.expected
        made["audit"] = [_finding(finding) for finding in sheet.audit]
    return made


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "name": alarm.name,
        "kind": alarm.kind,
        "state": alarm.state.value,
        "since": alarm.since,
        "reason": alarm.reason,
        "service": alarm.service or None,
        "resource": alarm.resource or None,
        "metrics": [
            {"namespace": m.namespace, "name": m.metric, "dimensions": dict(m.dimensions)}
            for m in alarm.metrics
        ],
        "statistic": alarm.statistic or None,
        "comparison": alarm.comparison or None,
        "threshold": alarm.threshold,
        "period_s": alarm.period or None,
        "periods": alarm.periods or None,
        "rule": alarm.rule or None,
        "actions": list(alarm.actions),
        "armed": alarm.armed,
        "arn": alarm.arn,
    }


def _event(event: AlarmEvent) -> dict[str, Any]:
    return {
        "at": event.at,
        "alarm": event.alarm,
        "state": event.state.value if event.state else None,
        "summary": event.summary,
        "reason": event.reason,
        "service": event.service or None,
        "resource": event.resource or None,
    }


def _finding(finding: AuditFinding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "rule": finding.rule,
        "service": finding.service or None,
        "resource": finding.resource or None,
        "expected": finding.expected,
        "found": finding.found or None,
        "alarm": finding.alarm or None,
        "differences": list(finding.differences),
        "cure": finding.cure,
    }
