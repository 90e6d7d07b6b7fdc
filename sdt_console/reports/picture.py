"""The picture of a run under way: its stages, its waves, and a bar for each service that moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.cells import cell_len
from rich.text import Text

from sdt_console.model import Outcome
from sdt_console.reports.bars import fitted, progress, waiting
from sdt_console.reports.estimate import run_time, stage_time
from sdt_console.reports.glyphs import TO_COME, UNDER_WAY, cause, clock, glyph, seconds
from sdt_console.reports.view import BAD, Step, View
from sdt_console.runs.expected import Key
from sdt_console.text import size, visible

_NAME = 24
_BAR = 20
_TIME = 15
_LEAST = 5
"""Lines of head, stages, waves, a blank and one service."""
# What a step does before it says so itself.
_DOING = {
    "build": "building",
    "push": "pushing",
    "deploy": "starting",
    "health": "asking",
    "rollback": "going back",
}


def picture(view: View, expected: Mapping[Key, float], now: float, width: int, height: int) -> Text:
    """At most ``height`` lines (but for a very small height) of at most ``width`` cells.

    Failed services stand first and are left out last; how many are left out is said.

    :param now: seconds since the epoch.
    """
    lines = [_head(view, expected, now, width), *_stages(view, expected, now, width)]
    waves = _waves(view, width)
    if waves is not None:
        lines.append(waves)
    rows = _rows(view)
    if rows:
        room = max(height, _LEAST) - len(lines) - 1
        shown = rows if len(rows) <= room else rows[: max(room - 1, 1)]
        lines.append(Text())
        lines += [_row(step, expected, now, width) for step in shown]
        if len(shown) < len(rows):
            lines.append(_more(rows[len(shown) :]))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)


def _head(view: View, expected: Mapping[Key, float], now: float, width: int) -> Text:
    run, started = view.run, view.started
    left = f"run {visible(run.run)}  {visible(run.environment)}"
    if started is not None and started.head:
        left += f"  {visible(started.base[:7]) or 'nothing'} → {visible(started.head[:7])}"
    right = _times(now - run.started_at, run_time(view, expected, now))
    room = width - cell_len(right) - 2
    text = Text(fitted(left, min(cell_len(left), room)), style="bold")
    if started is not None and room - text.cell_len > 4:
        text.append(f"  {visible(started.title)}", style="not bold")
    text.truncate(room, overflow="ellipsis", pad=True)
    return Text.assemble(text, "  ", (right, "cyan"))


def _stages(view: View, expected: Mapping[Key, float], now: float, width: int) -> list[Text]:
    """Every stage with its state; those that are done lose their times where the line is too short."""
    for timed in (True, False):
        parts: list[Text] = []
        sign = ""
        for mark, part in _marked(view, expected, now, timed=timed):
            # stages of one state follow one glyph
            parts.append(part if mark[0] == sign else Text.assemble(mark, " ", part))
            sign = mark[0]
        if sum(part.cell_len + 2 for part in parts) <= width:
            break
    lines = [Text()]
    for part in parts:
        if lines[-1].cell_len and lines[-1].cell_len + 2 + part.cell_len > width:
            lines.append(Text())
        lines[-1] = Text.assemble(lines[-1], "  " if lines[-1].cell_len else "", part)
    return lines


def _marked(
    view: View, expected: Mapping[Key, float], now: float, *, timed: bool
) -> Iterator[tuple[tuple[str, str], Text]]:
    for stage in view.run.stages:
        mark, name = glyph(stage.outcome), visible(stage.name)
        if stage.outcome is None:
            times = _times(now - stage.started_at, stage_time(stage.name, view.names, expected))
            yield mark, Text.assemble((name, f"bold {mark[1]}"), f" {times}")
        else:
            took = f" {seconds(stage.duration_s)}" if timed and (stage.duration_s or 0) >= 1 else ""
            yield mark, Text.assemble(name, (took, "dim"))
    for name in view.to_come:
        yield TO_COME, Text(visible(name), style=TO_COME[1])


def _waves(view: View, width: int) -> Text | None:
    """A sign for each service, the waves' borders between; counted where the line is too short."""
    waves = view.waves
    if sum(map(len, waves)) < 2:
        return None
    latest = {step.service: step for step in view.latest}
    signs = [[_sign(latest.get(name)) for name in wave] for wave in waves]
    border = Text.assemble((" │ ", "dim"))  # not as a base style: that would dim what it joins
    line = border.join(Text.assemble(*wave) for wave in signs)
    if line.cell_len + len("waves  ") > width:
        line = border.join(map(_counted, signs))
    if line.cell_len + len("waves  ") > width:
        current = next((n for n, wave in enumerate(signs, 1) if any(s != "✔" for s, _ in wave)), len(signs))
        everything = _counted([sign for wave in signs for sign in wave])
        line = border.join([Text(f"{current} of {len(signs)}"), everything])
    return Text.assemble("waves  ", line)


def _counted(wave: list[tuple[str, str]]) -> Text:
    """The wave's worst sign, and how many services are done."""
    done = sum(sign == "✔" for sign, _ in wave)
    worst = next((pair for mark in "✖↩◐·○✔" for pair in wave if pair[0] == mark), TO_COME)
    return Text.assemble(worst, f" {done}/{len(wave)}")


def _sign(step: Step | None) -> tuple[str, str]:
    """What a service's last step says of its rollout: an image that is built has not rolled out."""
    if step is None or (step.stage in ("build", "push") and step.outcome not in BAD):
        return TO_COME
    if step.stage == "deploy" and step.outcome is Outcome.SUCCEEDED:
        return glyph(Outcome.SUCCEEDED)
    return UNDER_WAY if step.outcome is None else glyph(step.outcome)


def _rows(view: View) -> list[Step]:
    """What failed, then what is under way; what has succeeded is in the lines of its stage."""
    return [*view.failed, *view.under_way]


def _row(step: Step, expected: Mapping[Key, float], now: float, width: int) -> Text:
    sign, style = glyph(step.outcome)
    name = min(_NAME, max(width // 4, 12))
    head = Text.assemble((f" {sign} ", style), fitted(step.service, name), "  ")
    if step.outcome is not None:
        said = cause(step.failure).removeprefix(step.service).lstrip(": ") if step.failure else step.note
        return head.append(fitted(said, width - head.cell_len).rstrip(), style=style)
    before = expected.get((step.stage, step.service))
    times = _times(now - step.began, before)
    bar = _BAR if width >= 100 else _BAR // 2 if width >= 60 else 0
    room = width - head.cell_len - bar - _TIME - 2
    head.append(fitted(_doing(step), room) + " ")
    if step.total > 0:
        head.append_text(progress(step.done / step.total, bar, style))
    elif before:
        head.append_text(waiting((now - step.began) / before, bar, style))
    else:
        head.append(" " * bar)
    return head.append(f" {times:>{_TIME}}")


def _doing(step: Step) -> str:
    note = step.note or _DOING.get(step.stage, step.stage)
    if step.total <= 0 or step.stage not in ("build", "push"):
        return note
    far = f"{size(step.done)} of {size(step.total)}" if step.stage == "push" else f"{step.done}/{step.total}"
    return f"{far} {note}"


def _more(rest: list[Step]) -> Text:
    failed = sum(step.outcome in BAD for step in rest)
    return Text(f"   … and {len(rest)} more" + (f", {failed} of them failed" if failed else ""), style="dim")


def _times(elapsed: float, whole: float | None) -> str:
    """``0:48 of ~2:10``; nothing of what is not known, or over in a moment."""
    return clock(elapsed) + (f" of ~{clock(whole)}" if whole and whole >= 1 else "")
