"""The services as rows: the cursor stays on its service whatever happens to the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable

from sdt_console.model import Scope, ServiceSight, ServiceState
from sdt_console.reports.glyphs import clock
from sdt_console.reports.status import LOOKS
from sdt_console.text import visible

# Column, its least width of the table; those that ask for more room go first.
COLUMNS = (
    ("SERVICE", 0),
    ("TASKS", 0),
    ("ROLLOUT", 0),
    ("IMAGE", 56),
    ("AGE", 64),
    ("HEALTH", 96),
    ("ABOUT", 120),
)
_TAG = 8
_GROUP = "group:"


class ServiceTable(DataTable[Text]):
    """Rows by the catalog's names, under their groups."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("g", "scroll_top", show=False),
        Binding("G", "scroll_bottom", show=False),
    ]

    class Looked(Message):
        """The cursor is on another service."""

        def __init__(self, service: str) -> None:
            super().__init__()
            self.service = service

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False)
        self._sights: dict[str, ServiceSight] = {}
        self._order: list[str] = []
        self._shown: tuple[str, ...] = ()
        self._told = ""
        self._filling = False

    @property
    def service(self) -> str:
        """The service under the cursor, as it is this very moment; empty if there is none."""
        row = self.cursor_row
        key = self._order[row] if 0 <= row < len(self._order) else ""
        return "" if key.startswith(_GROUP) else key

    def lay_out(self, names: Sequence[str], scope: Scope, *, grouped: bool, width: int) -> None:
        """Which services are shown, in which order; cursor and scroll stay where they are."""
        columns = tuple(title for title, least in COLUMNS if width >= least)
        order: list[str] = []
        group = None
        of = {watched.name: watched.group for watched in scope.services}
        if grouped:
            names = sorted(names, key=lambda name: scope.groups.index(of[name]))
        for name in names:
            if grouped and of.get(name) != group:
                group = of.get(name)
                order.append(f"{_GROUP}{group}")
            order.append(name)
        if order == self._order and columns == self._shown:
            return
        keep, top = self.service, self.scroll_y
        self._filling = True
        self.clear(columns=True)
        self._order, self._shown = order, columns
        for title in columns:
            self.add_column(Text(title), key=title)
        for key in order:
            self.add_row(*self._cells(key), key=key)
        self._filling = False
        self._go_to(keep if keep in order else next((k for k in order if not k.startswith(_GROUP)), ""))
        self.scroll_to(y=top, animate=False)

    def take(self, sights: dict[str, ServiceSight], now: float) -> None:
        """What is known of some services."""
        self._sights |= sights
        for name in sights:
            if name in self._order:
                self._update(name, now)

    def age(self, now: float) -> None:
        """Ages go on."""
        if "AGE" in self._shown:
            for key in self._order:
                if key in self._sights:
                    self.update_cell(key, "AGE", _age(self._sights[key], now))

    def _update(self, name: str, now: float) -> None:
        for title, cell in zip(self._shown, self._cells(name, now), strict=True):
            self.update_cell(name, title, cell, update_width=True)

    def _cells(self, key: str, now: float | None = None) -> list[Text]:
        if key.startswith(_GROUP):
            return [
                Text(visible(key.removeprefix(_GROUP)), style="bold dim"),
                *[Text()] * (len(self._shown) - 1),
            ]
        sight = self._sights.get(key)
        if sight is None:
            return [Text(f"… {visible(key)}", style="dim"), *[Text()] * (len(self._shown) - 1)]
        when = now if now is not None else sight.seen_at
        cells = _cells(sight, when)
        return [cells[title] for title in self._shown]

    def _go_to(self, name: str) -> None:
        if name in self._order:
            self.move_cursor(row=self._order.index(name), animate=False)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        if self._filling or event.row_key.value is None:
            return
        if self.service and self.service != self._told:
            self._told = self.service
            self.post_message(self.Looked(self.service))

    def action_cursor_down(self) -> None:
        self._step(1)

    def action_cursor_up(self) -> None:
        self._step(-1)

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        event.stop()

    def _step(self, by: int) -> None:
        """To the next service in one go: a heading is no place for the cursor."""
        row = self.cursor_row + by
        while 0 <= row < len(self._order) and self._order[row].startswith(_GROUP):
            row += by
        if 0 <= row < len(self._order):
            self.move_cursor(row=row)


def _cells(sight: ServiceSight, now: float) -> dict[str, Text]:
    glyph, style = LOOKS[sight.state]
    dim = "dim" if sight.state is ServiceState.PENDING else ""
    tasks = "" if sight.state is ServiceState.PENDING else f"{sight.running}/{sight.desired}"
    return {
        "SERVICE": Text.assemble((f"{glyph} ", style), (visible(sight.name), dim)),
        "TASKS": Text(tasks, style="red" if sight.state.ails else "", justify="right"),
        "ROLLOUT": Text(visible(sight.rollout or str(sight.state)), style=dim or style),
        "IMAGE": Text(visible(sight.tag[:_TAG])),
        "AGE": _age(sight, now),
        "HEALTH": Text(visible(sight.health), style="red" if sight.health == "unhealthy" else ""),
        "ABOUT": Text(visible(sight.subject), style="dim"),
    }


def _age(sight: ServiceSight, now: float) -> Text:
    if sight.deployed_at is None:
        return Text()
    return Text(short_age(max(0.0, now - sight.deployed_at)), justify="right")


def short_age(seconds: float) -> str:
    """``now``, ``4m``, ``3h``, ``2d``."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return "now" if seconds < 10 else clock(seconds)
