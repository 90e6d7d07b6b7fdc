"""The look of states: glyph, word and style; and durations as a person reads them."""

from __future__ import annotations

from rich.text import Text

from sdt_console.model import Failure, Outcome
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
UNDER_WAY = ("◐", "cyan")
TO_COME = ("·", "dim")


def glyph(outcome: Outcome | None) -> tuple[str, str]:
    """Glyph and style; ``None`` is under way."""
    return UNDER_WAY if outcome is None else GLYPHS[outcome]


def word(outcome: Outcome | None, unfinished: str = "…") -> Text:
    """``✔ succeeded``; ``unfinished`` stands for no outcome."""
    if outcome is None:
        return Text(unfinished)
    sign, style = GLYPHS[outcome]
    return Text(f"{sign} {outcome}", style=style)


def told(outcome: Outcome, text: str) -> str:
    """``✔ text``, with the outcome's word where it is not plain success."""
    said = "" if outcome is Outcome.SUCCEEDED else f"{outcome} "
    return f"{GLYPHS[outcome][0]} {said}{visible(text)}".rstrip()


def cause(failure: Failure) -> str:
    """What failed and why, in one sentence."""
    return f"{failure.what}: {failure.cause}" if failure.cause else failure.what


def seconds(duration: float | None) -> str:
    """``12:30`` or ``1:02:30``; tenths below a minute: ``4.2 s``."""
    if duration is None:
        return "…"
    return f"{duration:.1f} s" if duration < 60 else clock(duration)


def clock(duration: float) -> str:
    """``0:04``, ``12:30`` or ``1:02:30``."""
    minutes, rest = divmod(max(0, int(duration)), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
