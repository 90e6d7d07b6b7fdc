"""A run in progress, on every screen: this console's own, or one that others hold services for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.widget import Widget

from sdt_console.reports.glyphs import UNDER_WAY, clock, word
from sdt_console.text import visible

if TYPE_CHECKING:
    from screens.app import Console


class Banner(Widget):
    """One line; away while nothing runs."""

    def on_mount(self) -> None:
        self.set_interval(0.5, self._look)
        self._look()

    def on_click(self) -> None:
        self._open()

    def _look(self) -> None:
        text = self._text()
        self.display = bool(text)
        self.refresh()

    def _open(self) -> None:
        from screens.run import RunScreen

        console = cast("Console", self.app)
        if console.run_task is not None:
            console.push_screen(RunScreen(console.run_task))

    def render(self) -> Text:
        return self._text()

    def _text(self) -> Text:
        console = cast("Console", self.app)
        task, now = console.run_task, console.door.clock.now()
        if task is not None and task.active:
            view = task.view
            doing = next((s.name for s in reversed(view.run.stages) if s.outcome is None), "")
            since = clock(now - view.run.started_at) if view.run.started_at else ""
            return Text.assemble(
                (f" {UNDER_WAY[0]} ", UNDER_WAY[1]), f"{visible(task.title)}  {doing}  {since}"
            )
        others = console.feed.holds
        if others:
            first = others[0]
            names = ", ".join(visible(hold.key.partition("/")[2]) for hold in others[:3])
            who = f"{visible(first.owner)} on {visible(first.host)}"
            return Text(f" {UNDER_WAY[0]} run {visible(first.run)} by {who}: {names}", style="yellow")
        if task is not None and task.state is not None and now - (task.view.at or now) < 60:
            return Text.assemble(" ", word(task.state.outcome), f"  {visible(task.title)}")
        return Text()
