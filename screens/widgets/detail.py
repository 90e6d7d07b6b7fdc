"""All there is to say about one service: why it ails and what to do first, then what was seen."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from sdt_console.model import ServiceSight
from sdt_console.reports.status import LOOKS
from sdt_console.text import visible

_EVENTS = 8
_TASKS = 8


def detail(sight: ServiceSight) -> Text:
    """Lines for a pane."""
    glyph, style = LOOKS[sight.state]
    lines = [
        Text.assemble(
            (visible(sight.name), "bold"),
            "  ",
            (f"{glyph} {str(sight.state).upper()} {sight.running}/{sight.desired}", f"bold {style}"),
        )
    ]
    if sight.since is not None:
        lines.append(Text(f"since {_time(sight.since)}", style="dim"))
    if sight.revision:
        lines.append(Text(f"revision {sight.revision}  {visible(sight.tag[:12])}  {visible(sight.subject)}"))
    if sight.why:
        lines += [Text(), Text.assemble(("Why   ", "bold red"), visible(sight.why))]
    if sight.next:
        lines.append(Text.assemble(("Next  ", "bold cyan"), visible(sight.next)))
    lines += _deployments(sight) + _tasks(sight) + _targets(sight) + _events(sight)
    return Text("\n").join(lines)


def _deployments(sight: ServiceSight) -> list[Text]:
    if len(sight.deployments) < 2 and not sight.state.moves:
        return []
    lines = [Text(), Text("Deployments", style="bold")]
    for deployment in sight.deployments:
        revision = deployment.task_definition.rpartition(":")[2]
        told = f"{deployment.status:<8} rev {revision}  {deployment.running}/{deployment.desired}"
        failed = f"  {deployment.failed_tasks} failed" if deployment.failed_tasks else ""
        lines.append(Text(visible(f"{told}  {deployment.rollout_state.lower()}{failed}")))
        if deployment.reason:
            lines.append(Text(f"  {visible(deployment.reason)}", style="dim"))
    return lines


def _tasks(sight: ServiceSight) -> list[Text]:
    if not sight.tasks:
        return []
    lines = [Text(), Text("Tasks", style="bold")]
    for task in sight.tasks[:_TASKS]:
        exit_code = f"  exit {task.exit_code}" if task.exit_code is not None else ""
        when = task.stopped_at or task.started_at or task.created_at
        told = f"{task.id[:6]}  {task.status:<12} rev {task.revision}{exit_code}  {_time(when)}"
        lines.append(Text(visible(told), style="" if task.stopped_at is None else "red"))
        if task.cause or task.reason:
            lines.append(Text(f"  {visible(task.cause or task.reason)}", style="dim"))
    return lines


def _targets(sight: ServiceSight) -> list[Text]:
    ill = [target for target in sight.targets if target.state != "healthy"]
    if not ill:
        return []
    lines = [Text(), Text("Targets", style="bold")]
    lines += [Text(visible(f"{t.id}:{t.port}  {t.state}  {t.reason}")) for t in ill]
    return lines


def _events(sight: ServiceSight) -> list[Text]:
    if not sight.events:
        return []
    lines = [Text(), Text("Events", style="bold")]
    for event in sight.events[:_EVENTS]:
        lines.append(Text.assemble((f"{_time(event.at)}  ", "dim"), visible(event.message)))
    return lines


def _time(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
