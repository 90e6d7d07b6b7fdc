"""Alarms, what changed, and what the audit found, for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sdt_console.cli.output import show
from sdt_console.model import Alarm, AlarmSheet, AlarmState, AuditFinding
from sdt_console.text import plural, visible

_LOOK = {
    AlarmState.ALARM: ("✖ alarm", "red"),
    AlarmState.INSUFFICIENT: ("? no data", "yellow"),
    AlarmState.OK: ("✔ ok", "green"),
}
_KINDS = {"missing": "✖ missing", "different": "✖ different", "silent": "! silent", "unjudged": "? unjudged"}


def show_alarms(sheet: AlarmSheet, states: Sequence[str], *, history: bool) -> None:
    """What is not as it should be, or the ``states`` asked for; then what else was asked for."""
    wanted = set(states) or {AlarmState.ALARM, AlarmState.INSUFFICIENT}
    shown = [alarm for alarm in sheet.alarms if alarm.state in wanted]
    parts: list[RenderableType] = [_table(shown, sheet.at), Text()] if shown else []
    if history:
        parts += [_events(sheet), Text()]
    show(Group(*parts, Text(visible(_summary(sheet, bool(states))), style="dim")))
    if sheet.audit is not None:
        click.echo("\n" + "\n".join(_audited(sheet.audit, sheet.expected)))
    for note in sheet.notes:
        click.echo(visible(note))


def _table(alarms: Sequence[Alarm], now: float) -> Table:
    table = _columns("STATE", "SINCE", "ALARM", "CONCERNS", "WHY")
    for alarm in alarms:
        word, style = _LOOK[alarm.state]
        table.add_row(
            Text(word, style=style),
            Text(_ago(now - alarm.since)),
            Text(visible(alarm.name)),
            Text(visible(alarm.service or alarm.resource)),
            Text(visible(alarm.reason)),
        )
    return table


def _events(sheet: AlarmSheet) -> RenderableType:
    if not sheet.events:
        return Text("no change of state in that time")
    table = _columns("AT", "STATE", "ALARM", "CONCERNS", "WHY")
    for event in sheet.events:
        word, style = _LOOK[event.state] if event.state else ("–", "dim")
        at = datetime.fromtimestamp(event.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(
            Text(at),
            Text(word, style=style),
            Text(visible(event.alarm)),
            Text(visible(event.service or event.resource)),
            Text(visible(event.reason or event.summary)),
        )
    return table


def _summary(sheet: AlarmSheet, chosen: bool) -> str:
    count = Counter(alarm.state for alarm in sheet.alarms)
    ok = f"{count[AlarmState.OK]} ok" + ("" if chosen else " (--state ok lists them)")
    silent = count[AlarmState.INSUFFICIENT]
    told = f"{sheet.environment}: {count[AlarmState.ALARM]} in alarm, {silent} without data, {ok}"
    if not sheet.elsewhere:
        return told
    others = f"{plural(sheet.elsewhere, 'alarm')} of other things ({sheet.elsewhere_alarm} in alarm): --all"
    return f"{told}; {others}"


def _audited(findings: Sequence[AuditFinding], expected: int) -> list[str]:
    """Plain lines: what cures is a command, which must survive being copied."""
    lines = [f"audit: {expected - len(findings)} of {expected} expected alarms are as they should be"]
    width = max((len(visible(_whom(f))) for f in findings), default=0)
    for finding in findings:
        told = "; ".join(finding.differences)
        whom = visible(_whom(finding)).ljust(width)
        head = f"{_KINDS[finding.kind]:<12}{finding.rule:<18}{whom}  {visible(finding.expected)}"
        lines.append(head)
        if finding.alarm:
            lines.append(f"            {visible(finding.alarm)}: {visible(told)}")
        lines.append(f"            → {visible(finding.cure)}")
    return lines


def _whom(finding: AuditFinding) -> str:
    return finding.service or finding.resource


def _columns(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in titles:
        table.add_column(title, no_wrap=title in ("STATE", "SINCE", "AT"), overflow="fold")
    return table


def _ago(seconds: float) -> str:
    if seconds < 90:
        return f"{max(0, seconds):.0f} s ago"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min ago"
    return f"{seconds / 3600:.0f} h ago" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days ago"
