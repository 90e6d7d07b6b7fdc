"""A run in a real terminal: what is under way below, noteworthy lines scrolling away above it.

The picture is drawn by a thread of its own, a few times a second: neither a burst of events nor a
blocked terminal holds the run up, and the clock goes on while nothing happens.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from threading import Event as Flag
from threading import Thread
from types import TracebackType
from typing import TextIO

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.text import Text

from sdt_console.errors import SdtError
from sdt_console.events import Event, RunFinished, RunResumed, RunStarted
from sdt_console.reports.aside import Aside
from sdt_console.reports.lines import Line, Teller
from sdt_console.reports.picture import picture
from sdt_console.reports.terminal import Report, TerminalReport
from sdt_console.reports.view import View, seen
from sdt_console.runs.expected import Key
from sdt_console.text import visible

_PAINTS_PER_SECOND = 8
_DUMB = ("dumb", "unknown")

Expected = Callable[[str], Mapping[Key, float]]
"""Environment → how long its stages and services took; see :mod:`sdt_console.runs.expected`."""


def live_report(
    stream: TextIO, *, colour: bool, now: Callable[[], float], expected: Expected, environ: Mapping[str, str]
) -> Report:
    """The report that ``stream`` can show: a live picture in a terminal, else a line for each thing.

    :param colour: whether colours are wanted, and the stream is a terminal that takes them.
    :param now: seconds since the epoch, by the clock that dates the events.
    :param expected: asked once, when the run begins.
    """
    dumb = environ.get("TERM", "") in _DUMB
    if not colour or dumb or not stream.isatty():
        return TerminalReport(stream, colour=colour and not dumb)
    console = Console(file=stream, force_terminal=True, markup=False, highlight=False, emoji=False)
    return LiveReport(console, now=now, expected=expected)


class LiveReport:
    """Shows a run while it goes on, and leaves the terminal clean when it is closed.

    :param paced: paint by itself; else only when :meth:`paint` is called.
    """

    def __init__(
        self, console: Console, *, now: Callable[[], float], expected: Expected, paced: bool = True
    ) -> None:
        self._console = console
        self._now = now
        self._ask = expected
        self._expected: Mapping[Key, float] = {}
        self._teller = Teller()
        self._view = View()
        self._lines: deque[RenderableType] = deque()
        self._aside = Aside(lambda line: self._lines.append(Text(visible(line), overflow="fold")))
        self._stderr: TextIO | None = None
        """The process's own, while the picture stands where others write."""
        self._painted: tuple[View, int] | None = None
        self._paced = paced
        self._ended = Flag()
        self._painter: Thread | None = None
        self._live: Live | None = None

    def __call__(self, event: Event) -> None:
        line = self._take(event)
        if self._ended.is_set():
            return
        if line is not None and not line.minor:
            self._lines.append(line.rich)
        if isinstance(event.body, RunFinished):
            self.close()
        elif self._live is None:
            self._open()

    def recall(self, events: Iterable[Event]) -> None:
        for event in events:
            self._take(event)

    def paint(self) -> None:
        """Bring the terminal up to date, if anything has changed since the last time."""
        view, second = self._view, int(self._now() - self._view.run.started_at)
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if self._live is None or not (lines or self._painted != (view, second)):
            return
        self._painted = (view, second)
        if lines:
            self._console.print(Group(*lines))
        else:
            self._live.refresh()

    def close(self) -> None:
        self._ended.set()
        if self._painter is not None:
            self._painter.join(timeout=2)
            self._painter = None
        if self._stderr is not None:
            sys.stderr, self._stderr = self._stderr, None
            self._aside.finish()
        if self._live is not None:
            with suppress(OSError, ValueError):  # the terminal is gone: nothing to leave clean
                self.paint()
            with suppress(OSError, ValueError):
                self._live.stop()
            self._live = None

    def __enter__(self) -> LiveReport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = console.size.height
        # The lines above keep a third: what went wrong is told there.
        room = max(min(height - 3, height * 2 // 3 - 1), 1)
        yield Text()
        yield picture(self._view, self._expected, self._now(), options.max_width, room)

    def _take(self, event: Event) -> Line | None:
        before, self._view = self._view, seen(self._view, event)
        if isinstance(event.body, RunStarted):
            with suppress(SdtError):  # without a history there are no figures, and the run goes on
                self._expected = self._ask(event.body.environment)
        elif isinstance(event.body, RunResumed):
            self._ended.clear()
        elif self._view.run.run == "":
            self._view = before  # nothing is known of a run whose begin was not told
        return self._teller.line(event)

    def _open(self) -> None:
        self._live = Live(
            get_renderable=lambda: self,
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        shared = self._console.file is sys.stderr
        if shared:
            self._stderr, sys.stderr = sys.stderr, self._aside
        if self._paced:
            self._painter = Thread(target=self._pace, name="report", daemon=True)
            self._painter.start()

    def _pace(self) -> None:
        with suppress(OSError, ValueError):  # the terminal is gone; the run is not
            while not self._ended.wait(1 / _PAINTS_PER_SECOND):
                self.paint()
