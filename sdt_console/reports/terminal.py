"""A run in the terminal: a line for each thing that happens, and the report at its end."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from sdt_console import events as ev
from sdt_console.model import Failure, Outcome, RunState
from sdt_console.text import visible

GLYPHS = {
    Outcome.SUCCEEDED: ("✔", "green"),
    Outcome.NOTHING_TO_DO: ("✔", "green"),
    Outcome.SKIPPED: ("○", "dim"),
    Outcome.ROLLED_BACK: ("↩", "yellow"),
    Outcome.REFUSED: ("✖", "yellow"),
    Outcome.INTERRUPTED: ("✖", "yellow"),
    Outcome.FAILED: ("✖", "red"),
    Outcome.TIMED_OUT: ("✖", "red"),
    Outcome.ROLLBACK_FAILED: ("✖", "bold red"),
}


class TerminalReport:
    """Writes a run's story as it happens; a subscriber.

    :param stream: where the lines go; narration belongs on stderr.
    :param colour: whether the stream understands colours.
    """

    def __init__(self, stream: TextIO, *, colour: bool) -> None:
        self._console = Console(
            file=stream,
            force_terminal=colour,
            no_color=not colour,
            markup=False,
            highlight=False,
            emoji=False,
            soft_wrap=True,
        )
        self._colour = colour
        self._began = 0.0
        self._width = 0
        """Of the longest service name in the plan."""

    def __call__(self, event: ev.Event) -> None:
        body = event.body
        if isinstance(body, ev.RunStarted):
            self._began = event.at
            base, head = body.base[:12] or "nothing", body.head[:12]
            about = f"  {visible(body.title)}" if body.title else ""
            self._line(event, "run", f"{event.run}  {body.environment}  {base} → {head}{about}", "bold")
        elif isinstance(body, ev.Planned):
            self._width = max((len(name) for name in body.plan.get("builds", ())), default=0)
        elif isinstance(body, ev.StepProgressed):
            if body.stage in ("deploy", "health"):
                self._line(event, body.stage, self._named(body.service, visible(body.note)), "dim")
        elif isinstance(body, ev.StepFinished):
            told = _told(body.outcome, _cause(body.failure) if body.failure else body.note)
            self._line(event, body.stage, self._named(body.service, told), GLYPHS[body.outcome][1])
        elif isinstance(body, ev.StageFinished):
            # the cause stands in the line of the step before it, and in the report after it
            told = _told(body.outcome, body.failure.what if body.failure else body.note)
            self._line(event, body.stage, told, f"bold {GLYPHS[body.outcome][1]}")
        elif isinstance(body, ev.Noted):
            style = "yellow" if body.level == "warning" else ""
            text = visible(body.text)
            told = self._named(body.service, text) if body.service else text
            self._line(event, body.stage or "note", told, style)

    def _named(self, service: str, text: str) -> str:
        return f"{service:<{self._width}}  {text}"

    def _line(self, event: ev.Event, stage: str, text: str, style: str) -> None:
        """One line; in a terminal that is too narrow the rest goes below its beginning."""
        elapsed = event.at - self._began
        time = Text(f"{int(elapsed) // 60:3d}:{elapsed % 60:04.1f} ", style="dim")
        if not self._colour:
            self._console.print(Text.assemble(time, f" {stage:<9} {text}"))
            return
        grid = Table.grid(padding=(0, 1))
        grid.add_row(time, Text(f"{stage:<9}"), Text(text, style=style, overflow="fold"))
        self._console.print(grid)


def _told(outcome: Outcome, text: str) -> str:
    """``✔ text``, with the outcome's word where it is not plain success."""
    word = "" if outcome is Outcome.SUCCEEDED else f"{outcome} "
    return f"{GLYPHS[outcome][0]} {word}{visible(text)}".rstrip()


def _cause(failure: Failure) -> str:
    return f"{failure.what}: {failure.cause}" if failure.cause else failure.what


def summary(state: RunState) -> RenderableType:
    """The report at the end of a run: on failure its cause first, then stages and services."""
    title = _word(state.outcome)
    title.append(
        f"  run {state.run}  {state.environment}  {seconds(state.duration_s)}  exit {state.exit_code}",
        style="not bold",
    )
    parts: list[RenderableType] = [Text(), title]
    if state.failure is not None:
        parts.append(_failure(state.failure))
    if state.stages:
        parts += [Text(), _stages(state)]
    if state.services:
        parts += [Text(), _services(state)]
    return Group(*parts)


def _failure(failure: Failure) -> Table:
    rows = [("what", failure.what, "bold"), ("why", failure.cause, "")]
    rows += [("", line, "dim") for line in failure.evidence]
    rows.append(("next", failure.next, "cyan"))
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
        table.add_row(Text(stage.name), _word(stage.outcome), Text(seconds(stage.duration_s)), Text(note))
    return table


def _services(state: RunState) -> Table:
    table = _table("SERVICE", "OUTCOME", "REVISION", "TAG", "DIGEST")
    for service in state.services:
        before, now = service.previous.rpartition(":")[2], service.task_definition.rpartition(":")[2]
        tag = service.image.rpartition(":")[2] if "@" not in service.image else ""
        table.add_row(
            Text(service.name),
            _word(service.outcome),
            Text(before if before == now or not now else f"{before} → {now}"),
            Text(visible(tag[:12])),
            Text(service.digest[:19]),
        )
    return table


def _word(outcome: Outcome | None) -> Text:
    if outcome is None:
        return Text("…")
    glyph, style = GLYPHS[outcome]
    return Text(f"{glyph} {outcome}", style=style)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=column != "NOTE")
    return table


def seconds(duration: float | None) -> str:
    """``0:04`` or ``12:30``; tenths below a minute: ``4.2 s``."""
    if duration is None:
        return "…"
    return f"{duration:.1f} s" if duration < 60 else f"{int(duration) // 60}:{int(duration) % 60:02d}"
