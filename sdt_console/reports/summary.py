"""The report at the end of a run: on failure its cause first, then stages and services."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sdt_console.model import Failure, Outcome, RunState, ServiceResult
from sdt_console.reports.glyphs import GLYPHS, glyph, seconds, word
from sdt_console.reports.view import Step, View
from sdt_console.text import visible


def summary(state: RunState, view: View | None = None) -> RenderableType:
    """What a person wants to know of a run.

    :param view: the same run with what is under way: tells what it was about, and where it stands if it
        has not finished.
    """
    parts: list[RenderableType] = [Text(), _title(state)]
    if view is not None and (about := _about(view)):
        parts.append(about)
    if state.failure is not None:
        parts.append(_failure(state.failure))
    if state.outcome is None and view is not None:
        parts.append(_standing(view))
    if state.stages:
        parts += [Text(), _stages(state)]
    if state.services:
        parts += [Text(), _services(state)]
    return Group(*parts)


def _title(state: RunState) -> Text:
    if state.outcome is None:
        sign, style = glyph(None)
        return Text.assemble(
            (f"{sign} unfinished", f"bold {style}"),
            f"  run {visible(state.run)}  {visible(state.environment)}",
        )
    title = word(state.outcome)
    title.stylize("bold")
    rest = f"  run {visible(state.run)}  {visible(state.environment)}  {seconds(state.duration_s)}"
    title.append(f"{rest}  exit {state.exit_code}", style="not bold")
    return title


def _about(view: View) -> Text | None:
    started = view.started
    if started is None:
        return None
    by = f"by {started.by}" if started.by else ""
    said = "  ".join(visible(part) for part in (started.title, by, started.url) if part)
    return Text(f"  {said}", style="dim", overflow="fold") if said else None


def _failure(failure: Failure) -> Table:
    rows = [("what", failure.what, "bold"), ("why", failure.cause, "")]
    rows += [("", line, "dim") for line in failure.evidence]
    rows.append(("next", failure.next, "cyan"))
    return _rows(rows)


def _standing(view: View) -> Table:
    """Where a run stands that has not finished: it is under way, or was cut off."""
    stage = next((s.name for s in reversed(view.run.stages) if s.outcome is None), "")
    where = f"in {stage}" if stage else f"after {view.run.stages[-1].name}" if view.run.stages else "begun"
    after = seconds(view.at - view.run.started_at)
    rows = [("stands", f"{where}, last heard of {after} after it began", "bold")]
    rows += [("", _under_way(step), "dim") for step in view.under_way]
    rows.append(("next", f"if it does not run any more, go on with it: `sdt resume {view.run.run}`", "cyan"))
    return _rows(rows)


def _under_way(step: Step) -> str:
    return f"{step.stage} {step.service}" + (f": {step.note}" if step.note else "")


def _rows(rows: list[tuple[str, str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for label, text, style in rows:
        if text:
            # folded, not cut: the end of an image reference is what tells
            table.add_row(Text(f"  {label}"), Text(visible(text), style=style, overflow="fold"))
    return table


def _stages(state: RunState) -> Table:
    table = _table("STAGE", "OUTCOME", "TIME", "NOTE")
    for stage in state.stages:
        note = visible(stage.failure.what if stage.failure else stage.note)
        took = seconds(stage.duration_s)
        table.add_row(Text(visible(stage.name)), word(stage.outcome), Text(took), Text(note))
    return table


def _services(state: RunState) -> RenderableType:
    """What was reached; what was not is one line, so that fourteen do not hide the one."""
    waiting = [s for s in state.services if s.outcome is Outcome.SKIPPED and not s.task_definition]
    reached = [s for s in state.services if s not in waiting]
    table = _table("SERVICE", "OUTCOME", "REVISION", "TAG", "DIGEST")
    for service in reached:
        table.add_row(
            _name(service),
            word(service.outcome),
            Text(_revision(service)),
            Text(visible(_tag(service)[:12])),
            Text(visible(service.digest.removeprefix("sha256:")[:12])),
        )
    if not waiting:
        return table
    names = ", ".join(visible(service.name) for service in waiting)
    line = Text(f"{GLYPHS[Outcome.SKIPPED][0]} not deployed: {names}", style="dim")
    return Group(table, line) if reached else line


def _name(service: ServiceResult) -> Text:
    """Of ten that were rolled back, the one that failed is marked."""
    name = Text(visible(service.name))
    if service.failure is not None and service.outcome is Outcome.ROLLED_BACK:
        sign, style = GLYPHS[Outcome.FAILED]
        name.append(f" {sign}", style=style)
    return name


def _revision(service: ServiceResult) -> str:
    """``41 → 42``; ``41 ← 42`` where it went back."""
    before, now, tried = map(number, (service.previous, service.task_definition, service.tried))
    if service.outcome is Outcome.ROLLED_BACK:
        return f"{now or before} ← {tried}" if tried not in ("", now) else now or before
    now = now or tried
    return before if now in ("", before) else f"{before} → {now}"


def number(arn: str) -> str:
    """``42`` of a task definition's ARN."""
    return visible(arn.rpartition(":")[2])


def _tag(service: ServiceResult) -> str:
    return service.image.rpartition(":")[2] if "@" not in service.image else ""


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=column != "NOTE", justify="right" if column == "TIME" else "left")
    return table
