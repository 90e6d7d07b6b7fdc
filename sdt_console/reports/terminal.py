"""A run in the terminal: a line for each thing that happens, and the report at its end."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Protocol, TextIO

from rich.console import Console

from sdt_console.events import Event
from sdt_console.reports.glyphs import GLYPHS, seconds
from sdt_console.reports.lines import Teller
from sdt_console.reports.summary import summary

__all__ = ["GLYPHS", "Report", "TerminalReport", "seconds", "summary", "terminal_console"]


class Report(Protocol):
    """Tells a run's story as it happens: a subscriber, to be closed when the run has ended."""

    def __call__(self, event: Event) -> None: ...

    def recall(self, events: Iterable[Event]) -> None:
        """Take in what was told before, such as by the process that began the run, and tell nothing of it."""

    def close(self) -> None:
        """Leave the terminal as it was; safe to call more than once."""

    def __enter__(self) -> Report: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class TerminalReport:
    """Writes a line for each thing that happens.

    :param stream: where the lines go; narration belongs on stderr.
    :param colour: whether the stream understands colours.
    """

    def __init__(self, stream: TextIO, *, colour: bool) -> None:
        self._console = terminal_console(stream, colour=colour)
        self._colour = colour
        self._teller = Teller()

    def __call__(self, event: Event) -> None:
        line = self._teller.line(event)
        if line is not None:
            self._console.print(line.rich if self._colour else line.plain)

    def recall(self, events: Iterable[Event]) -> None:
        for event in events:
            self._teller.line(event)

    def close(self) -> None:
        pass

    def __enter__(self) -> TerminalReport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def terminal_console(stream: TextIO, *, colour: bool) -> Console:
    """A console that takes every text as it is."""
    return Console(
        file=stream,
        force_terminal=colour,
        no_color=not colour,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
    )
