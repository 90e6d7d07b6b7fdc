"""The console: one application, its screens by number, and what they all share."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from screens.backstage import Backstage
from screens.confirm import Confirm
from screens.feed import Feed, Seen
from screens.help import HelpScreen
from screens.history import HistoryScreen
from screens.run import RunScreen
from screens.status import StatusScreen
from screens.task import Task
from sdt_console.model import Scope

if TYPE_CHECKING:
    from sdt_console.engine import Engine
    from sdt_console.model import RunState

_TICK_S = 1.0


class Console(App[int]):
    """The application.

    :param door: the engine of this session; whoever made it closes it.
    """

    CSS_PATH = "app.tcss"
    TITLE = "sdt"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "status": StatusScreen,
        "history": HistoryScreen,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "switch_mode('status')", "Status", id="status", tooltip="How all services stand"),
        Binding("5", "switch_mode('history')", "History", id="history", tooltip="The runs so far"),
        Binding("question_mark", "help", "Help", id="help", tooltip="What the keys do here"),
        Binding("q", "leave", "Quit", id="quit", tooltip="Leave the console"),
        Binding("ctrl+q", "leave", show=False, priority=True),
    ]

    class Arrived(Message):
        """Something of the environment has changed."""

        def __init__(self, seen: Seen) -> None:
            super().__init__()
            self.seen = seen

    class Ended(Message):
        """A run of this console has ended."""

        def __init__(self, task: Task) -> None:
            super().__init__()
            self.ended = task

    def __init__(self, door: Engine) -> None:
        super().__init__()
        self.door = door
        self.backstage = Backstage()
        self.feed = Feed(door, self._tell_arrived)
        self.run_task: Task | None = None
        """The run of this console, under way or the last one."""
        self._calls: deque[tuple[float, int]] = deque()
        self._scope: Scope | None = None

    @property
    def scope(self) -> Scope:
        """What is watched, by the catalog."""
        if self._scope is None:
            from sdt_console.watching.status import scope

            self._scope = scope(self.door)
        return self._scope

    def on_mount(self) -> None:
        self.switch_mode("status")
        self.backstage.begin(self.feed.run())
        self.backstage.begin(self.feed.look_around())
        self.set_interval(_TICK_S, self._tick)

    def on_unmount(self) -> None:
        self.backstage.close()

    # --- what is seen ----------------------------------------------------------

    def on_console_arrived(self, message: Arrived) -> None:
        for shown in self.screen_stack:
            take = getattr(shown, "take_snapshot", None)
            if take is not None:
                take(message.seen)

    def _tick(self) -> None:
        """Ages go on even when nothing changes."""
        now = time.monotonic()
        self._calls.append((now, self.feed.calls))
        while now - self._calls[0][0] > 60:
            self._calls.popleft()
        for shown in self.screen_stack:
            tick = getattr(shown, "tick", None)
            if tick is not None:
                tick()

    @property
    def calls_in_the_last_minute(self) -> int:
        return self._calls[-1][1] - (self._calls[0][1] if len(self._calls) > 50 else 0) if self._calls else 0

    def _tell_arrived(self, seen: Seen) -> None:
        self.post_message(self.Arrived(seen))

    def _tell_ended(self, task: Task) -> None:
        self.post_message(self.Ended(task))

    # --- what is done ------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a run of this console is under way."""
        return self.run_task is not None and self.run_task.active

    def begin(self, title: str, run: Callable[..., Awaitable[RunState]]) -> None:
        """Begin a run and show it; one at a time.

        :param run: takes ``subscribers``.
        """
        if self.busy:
            self.notify("a run is under way; stop it, or wait for its end", severity="warning", markup=False)
            return
        self.run_task = Task(title, run, self._tell_ended)
        self.backstage.begin(self.run_task.work())
        self.push_screen(RunScreen(self.run_task))

    def on_console_ended(self, message: Ended) -> None:
        self.feed.refresh()
        for shown in self.screen_stack:
            ended = getattr(shown, "run_ended", None)
            if ended is not None:
                ended(message.ended)

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_leave(self) -> None:
        """Quit, but not out of a run without a word."""
        if not self.busy:
            self.exit(0)
            return
        question = Confirm(
            "A run is under way",
            ["Leaving stops it at its next safe point; `sdt resume` goes on with it."],
            yes="Stop it and leave",
        )
        self.push_screen(question, self._leave_run)

    def _leave_run(self, sure: bool | None) -> None:
        if sure and self.run_task is not None:
            self.run_task.stop()
            self.exit(130)  # the run ends backstage before the application has
