"""Status: a row a service, and beside them all about the one under the cursor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from screens.confirm import Confirm
from screens.feed import Seen
from screens.images import ImageSheet, Picked
from screens.widgets.banner import Banner
from screens.widgets.detail import detail
from screens.widgets.header import Header
from screens.widgets.services import ServiceTable
from sdt_console.model import Request, ServiceSight
from sdt_console.reports.status import SORTS, chosen
from sdt_console.text import visible

if TYPE_CHECKING:
    from screens.app import Console

_WIDE = 100


class StatusScreen(Screen[None]):
    """The first screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "deploy", "Redeploy", id="deploy", tooltip="Deploy another image of this service"),
        Binding(
            "r", "rollback", "Roll back", id="rollback", tooltip="Back to the last revision known to be good"
        ),
        Binding("x", "restart", "Restart", id="restart", tooltip="The same revision again, with new tasks"),
        Binding("slash", "filter", "Filter", id="filter", tooltip="Only services whose name has this"),
        Binding("s", "sort", "Sort", id="sort", tooltip="By group, name, state, age, image"),
        Binding("enter", "detail", "Detail", id="detail", tooltip="All about this service", priority=False),
        Binding("escape", "clear", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sort = "group"
        self._wanted = ""

    @property
    def console_app(self) -> Console:
        return cast("Console", self.app)

    def compose(self) -> ComposeResult:
        yield Header()
        yield Banner()
        with Horizontal(id="body"):
            yield ServiceTable()
            with VerticalScroll(id="pane"):
                yield Static(id="detail")
        yield Input(placeholder="only names with …", id="filter")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#filter").display = False
        self._lay_out()
        self.query_one(ServiceTable).focus()
        snapshot = self.console_app.feed.snapshot
        if snapshot is not None:
            self.take_snapshot(Seen(snapshot, dict(snapshot.services)))

    def on_resize(self, event: events.Resize) -> None:
        self.query_one("#pane").display = event.size.width >= _WIDE
        self._lay_out()

    def on_screen_resume(self) -> None:
        snapshot = self.console_app.feed.snapshot
        if snapshot is not None and self.is_mounted:
            self.take_snapshot(Seen(snapshot, dict(snapshot.services)))

    # --- what is seen ----------------------------------------------------------

    def take_snapshot(self, seen: Seen) -> None:
        if not self.query(ServiceTable):
            return  # not there yet; it asks when it is
        table = self.query_one(ServiceTable)
        table.take(seen.services, self.console_app.door.clock.now())
        if self._sort != "group":
            self._lay_out()
        if table.service in seen.services:
            self._show(table.service)

    def tick(self) -> None:
        for table in self.query(ServiceTable):  # none before the screen is there
            table.age(self.console_app.door.clock.now())

    def on_service_table_looked(self, message: ServiceTable.Looked) -> None:
        self.console_app.feed.focus(message.service)
        self._show(message.service)

    def _sight(self, name: str) -> ServiceSight | None:
        snapshot = self.console_app.feed.snapshot
        return snapshot.services.get(name) if snapshot is not None else None

    def _show(self, name: str) -> None:
        sight = self._sight(name)
        self.query_one("#detail", Static).update(
            detail(sight) if sight else Text(f"{visible(name)} …", "dim")
        )

    def _lay_out(self) -> None:
        scope, snapshot = self.console_app.scope, self.console_app.feed.snapshot
        names = [watched.name for watched in scope.services]
        if self._sort != "group" and snapshot is not None:
            names = [sight.name for sight in chosen(snapshot, (), "", self._sort)]
        names = [name for name in names if self._wanted in name]
        width = self.size.width - (self.size.width // 3 if self.size.width >= _WIDE else 0)
        self.query_one(ServiceTable).lay_out(names, scope, grouped=self._sort == "group", width=width)

    # --- looking ---------------------------------------------------------------

    def action_sort(self) -> None:
        self._sort = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)]
        self._lay_out()
        self.notify(f"sorted by {self._sort}", timeout=2, markup=False)

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def action_clear(self) -> None:
        field = self.query_one("#filter", Input)
        field.value = ""
        field.display = False
        self.query_one(ServiceTable).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._wanted = event.value.strip().lower()
        self._lay_out()

    def on_input_submitted(self) -> None:
        self.query_one(ServiceTable).focus()

    def on_data_table_row_selected(self) -> None:
        self.action_detail()

    def action_detail(self) -> None:
        """In a narrow terminal the pane takes the place of the rows; escape brings them back."""
        from screens.service import ServiceScreen

        name = self.query_one(ServiceTable).service
        if name:
            self.app.push_screen(ServiceScreen(name))

    # --- changing --------------------------------------------------------------

    def action_deploy(self) -> None:
        name = self.query_one(ServiceTable).service
        if name:
            self.app.push_screen(ImageSheet(name), partial(self._picked, name))

    def _picked(self, name: str, picked: Picked | None) -> None:
        if picked is None:
            return
        now = self._sight(name)
        lines = [
            f"service  {visible(name)}",
            f"image    {visible(now.tag[:12]) if now else '?'} → {visible(picked.tag[:12])}",
        ]
        if picked.older:
            lines.append("         which was pushed before the one that runs")
        request = Request("deploy", services=(name,), tag=picked.tag, allow_older=picked.older)
        self._ask(f"Deploy {visible(name)}", lines, "Deploy", name, request)

    def action_restart(self) -> None:
        name = self.query_one(ServiceTable).service
        sight = self._sight(name)
        if sight is None:
            return
        data = sight.group == "data"
        request = Request(
            "deploy", services=(name,), tag="" if data else sight.tag, force=True, allow_older=True
        )
        self._ask(f"Restart {visible(name)}", ["the same revision, with new tasks"], "Restart", name, request)

    def action_rollback(self) -> None:
        name = self.query_one(ServiceTable).service
        if name:
            lines = [f"service  {visible(name)}", "back to the last revision known to be good"]
            request = Request("rollback", services=(name,))
            self._ask(f"Roll back {visible(name)}", lines, "Roll back", name, request)

    def _ask(self, title: str, lines: list[str], yes: str, name: str, request: Request) -> None:
        console = self.console_app
        where = f"in       {console.door.environment}  {console.scope.cluster}"
        if console.feed.identity is not None:
            where += f"  account {console.feed.identity.account}"
        typed = name if console.door.protected else ""
        self.app.push_screen(
            Confirm(title, [where, *lines], yes=yes, typed=typed), partial(self._sure, title, request)
        )

    def _sure(self, title: str, request: Request, sure: bool | None) -> None:
        if sure:
            self.console_app.begin(title, partial(self.console_app.door.conduct, request))
