"""All about one service, on a screen of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from screens.feed import Seen
from screens.widgets.detail import detail
from screens.widgets.header import Header

if TYPE_CHECKING:
    from screens.app import Console


class ServiceScreen(Screen[None]):
    """:param service: the catalog's name."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.pop_screen", "Back")]

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def compose(self) -> ComposeResult:
        yield Header()
        with VerticalScroll(id="story"):
            yield Static(id="detail")
        yield Footer()

    def on_mount(self) -> None:
        snapshot = cast("Console", self.app).feed.snapshot
        if snapshot is not None:
            self.take_snapshot(Seen(snapshot))

    def take_snapshot(self, seen: Seen) -> None:
        sight = seen.snapshot.services.get(self._service)
        if sight is not None:
            self.query_one("#detail", Static).update(detail(sight))
