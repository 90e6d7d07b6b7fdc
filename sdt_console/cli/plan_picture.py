"""The plan as a picture for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sdt_console.model import Plan, Selection
from sdt_console.text import plural


def picture(plan: Plan, groups: Mapping[str, str]) -> RenderableType:
    """Builds in order, waves with their services and reasons, then what is left out and why.

    :param groups: service → its group.
    """
    parts: list[RenderableType] = [_heading(plan)]
    parts += [Text(f"  {remark}", style="yellow") for remark in plan.remarks]
    if not plan.builds:
        parts.append(Text("\nNothing to build or deploy.", style="bold"))
    else:
        parts += [Text(), _builds(plan), *_waves(plan, groups)]
    skipped = [s for s in plan.selections if not s.selected]
    if skipped:
        parts += [Text(), Text(f"Not part of it: {plural(len(skipped), 'service')}", style="dim bold")]
        parts.append(_skipped(skipped))
    return Group(*parts)


def _heading(plan: Plan) -> Text:
    base = plan.base[:12] or "nothing"
    text = Text(f"Plan for {plan.environment}", style="bold")
    text.append(
        f"  {plan.cluster}  {base} → {plan.head[:12]}  rollback: {plan.rollback}", style="not bold dim"
    )
    if plan.offline:
        text.append("  offline", style="not bold yellow")
    return text


def _builds(plan: Plan) -> Text:
    text = Text("Build   ", style="bold")
    if plan.modules:
        text.append(" → ".join(plan.modules), style="not bold cyan")
        text.append(" → ", style="not bold dim")
    text.append(", ".join(plan.builds), style="not bold")
    return text


def _waves(plan: Plan, groups: Mapping[str, str]) -> list[RenderableType]:
    reasons = {s.name: s.reason for s in plan.selections}
    parts: list[RenderableType] = []
    for number, wave in enumerate(plan.waves, start=1):
        limit = f", {plan.parallel} at a time" if len(wave) > plan.parallel else ""
        title = Text(f"\nWave {number}", style="bold")
        title.append(f"  {plural(len(wave), 'service')}{limit}", style="not bold dim")
        table = Table.grid(padding=(0, 2))
        for _ in range(4):
            table.add_column(no_wrap=True)
        for i, name in enumerate(wave):
            branch = "└─" if i == len(wave) - 1 else "├─"
            table.add_row(
                Text(f"  {branch} "),
                Text(name, style="green"),
                Text(groups.get(name, ""), style="dim"),
                Text(_change(plan, name), style="cyan"),
                Text(reasons[name], overflow="fold"),
            )
        parts += [title, table]
    return parts


def _change(plan: Plan, name: str) -> str:
    """``revision 41 → 8d2e71b3c0de``: what runs now and the tag that will."""
    tag = plan.images[name].rpartition(":")[2][:12]
    if plan.offline:
        return f"→ {tag}"
    before = plan.before.get(name)
    return f"revision {before.rpartition(':')[2]} → {tag}" if before else f"no service → {tag}"


def _skipped(selections: list[Selection]) -> Table:
    """One line a reason, the services that share it together."""
    by_reason: dict[str, list[str]] = {}
    for selection in selections:
        by_reason.setdefault(selection.reason, []).append(selection.name)
    table = Table.grid(padding=(0, 2))
    for reason, names in by_reason.items():
        table.add_row(
            Text("  ○"), Text(", ".join(names), style="dim"), Text(reason, style="dim", overflow="fold")
        )
    return table
