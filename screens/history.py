"""History: the runs so far; enter shows one as it was."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from screens.confirm import Confirm
from screens.run import RunScreen
from screens.task import Task
from screens.widgets.banner import Banner
from screens.widgets.header import Header
from sdt_console.errors import SdtError
from sdt_console.model import Request
from sdt_console.reports.glyphs import seconds, word
from sdt_console.reports.past import footing
from sdt_console.reports.view import view_of
from sdt_console.text import visible

if TYPE_CHECKING:
    from screens.app import Console

_SHOWN = 200
_COLUMNS = ("WHEN", "RUN", "ENV", "OUTCOME", "TIME", "SERVICES", "ABOUT")


class HistoryScreen(Screen[None]):
    """Runs, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo", "Undo", tooltip="Roll back everything that this run changed"),
        Binding("ctrl+r", "reload", "Reload", show=False),
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    def compose(self) -> ComposeResult:
        yield Header()
        yield Banner()
        yield DataTable[Text](cursor_type="row", id="runs")
        yield Static(id="said")
        yield Footer()

    def on_mount(self) -> None:
        table = self.query_one("#runs", DataTable)
        for title in _COLUMNS:
            table.add_column(Text(title), key=title)
        table.focus()

    def on_screen_resume(self) -> None:
        self.action_reload()

    def run_ended(self, _: Task) -> None:
        self.action_reload()

    def action_reload(self) -> None:
        self.run_worker(self._read(), exclusive=True, exit_on_error=False)

    def action_down(self) -> None:
        self.query_one("#runs", DataTable).action_cursor_down()

    def action_up(self) -> None:
        self.query_one("#runs", DataTable).action_cursor_up()

    async def _read(self) -> None:
        console = cast("Console", self.app)
        said = self.query_one("#said", Static)
        try:
            past = await console.backstage.read(lambda: console.door.history.listed(_SHOWN))
        except SdtError as error:
            said.update(Text(visible(str(error)), style="red"))
            return
        table = self.query_one("#runs", DataTable)
        row = table.cursor_row
        table.clear()
        for one in past:
            run = one.state
            names = [service.name for service in run.services]
            more = f" and {len(names) - 2} more" if len(names) > 2 else ""
            table.add_row(
                Text(datetime.fromtimestamp(run.started_at).astimezone().strftime("%m-%d %H:%M")),
                Text(visible(run.run)),
                Text(visible(run.environment)),
                word(run.outcome, "unfinished"),
                Text(seconds(run.duration_s) if run.duration_s is not None else ""),
                Text(visible(", ".join(names[:2]) + more)),
                Text(visible(one.title), style="dim"),
                key=run.run,
            )
        table.move_cursor(row=min(row, max(len(past) - 1, 0)))
        said.update(Text(footing([one.state for one in past]) if past else "no run yet", style="dim"))

    async def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        console = cast("Console", self.app)
        run = str(event.row_key.value)
        if console.run_task is not None and console.run_task.active and console.run_task.view.run.run == run:
            console.push_screen(RunScreen(console.run_task))
            return
        try:
            events = await console.backstage.read(lambda: console.door.history.events(run))
        except SdtError as error:
            self.notify(visible(str(error)), severity="error", markup=False)
            return
        console.push_screen(RunScreen(None, view_of(events)))

    def action_undo(self) -> None:
        table = self.query_one("#runs", DataTable)
        if not table.row_count:
            return
        run = str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)
        console = cast("Console", self.app)
        typed = console.door.environment if console.door.protected else ""
        lines = [
            f"in  {console.door.environment}",
            "every service that it changed goes back to what it ran before",
        ]
        question = Confirm(f"Undo run {visible(run)}", lines, yes="Roll back", typed=typed)

        def sure(answer: bool | None) -> None:
            if answer:
                request = Request("rollback", undo=run)
                console.begin(f"undo run {run}", lambda **more: console.door.conduct(request, **more))

        self.app.push_screen(question, sure)
