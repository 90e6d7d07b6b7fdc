"""A run as it goes on, or as it was: its picture, what happened, and its verdict with the way on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from screens.confirm import Confirm
from screens.task import Task
from screens.widgets.header import Header
from sdt_console.reports.glyphs import word
from sdt_console.reports.picture import picture
from sdt_console.reports.summary import summary
from sdt_console.reports.view import View
from sdt_console.text import visible

if TYPE_CHECKING:
    from screens.app import Console

_EXPECTED_ROOM = 2


class RunScreen(Screen[None]):
    """One run.

    :param task: of this console; ``None`` for one of the past, whose ``view`` is shown.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", tooltip="Back; the run goes on"),
        Binding("k", "stop", "Stop", tooltip="Stop the run at its next safe point"),
    ]

    def __init__(self, task: Task | None, view: View | None = None) -> None:
        super().__init__()
        self._of = task
        self._past = view
        self._expected: Mapping[tuple[str, str], float] = {}

    @property
    def _view(self) -> View:
        return self._of.view if self._of is not None else self._past or View()

    def compose(self) -> ComposeResult:
        yield Header()
        with VerticalScroll(id="story"):
            yield Static(id="picture")
        yield Footer()

    def on_mount(self) -> None:
        self.set_interval(1 / 8, self._draw, pause=self._of is None)
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "stop":
            return True if self._of is not None and self._of.active else None
        return True

    def run_ended(self, task: Task) -> None:
        if task is self._of:
            self.refresh_bindings()
            self._draw()

    def _draw(self) -> None:
        self.query_one("#picture", Static).update(self._drawn())

    def _drawn(self) -> RenderableType:
        console = cast("Console", self.app)
        view, task = self._view, self._of
        if task is not None and task.error is not None:
            error = task.error
            return _refused(error.what, error.cause, error.next, error.evidence)
        if view.run.outcome is not None:
            return Group(word(view.run.outcome), summary(view.run, view))
        if task is not None and not view.run.run:
            return Text(f"{visible(task.title)} …")
        now = console.door.clock.now() if task is not None else view.at
        room = max(self.size.height - _EXPECTED_ROOM, 8)
        return picture(view, self._expected, now, max(self.size.width - 2, 40), room)

    def action_stop(self) -> None:
        question = Confirm(
            "Stop this run?",
            [
                "It stops at its next safe point. What ECS has begun goes on there.",
                "`sdt resume` goes on with it.",
            ],
            yes="Stop",
        )
        self.app.push_screen(question, self._stop)

    def _stop(self, sure: bool | None) -> None:
        if sure and self._of is not None:
            self._of.stop()


def _refused(what: str, cause: str, cure: str, evidence: tuple[str, ...]) -> Text:
    """What, why, what next: nothing was begun."""
    lines = [Text(visible(what), style="bold red")]
    lines += [Text(f"  why   {visible(cause)}")] if cause else []
    lines += [Text(f"        {visible(line)}", style="dim") for line in evidence]
    lines += [Text(f"  next  {visible(cure)}", style="cyan")] if cure else []
    return Text("\n").join(lines)
