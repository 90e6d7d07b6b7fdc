"""What the keys do on the screen that was left for this."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static


class HelpScreen(ModalScreen[None]):
    """:param screen: whose keys are told."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q", "dismiss", "Back")]

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self._of = screen

    def compose(self) -> ComposeResult:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        told: set[str] = set()
        for active in self._of.active_bindings.values():
            binding = active.binding
            if binding.action in told or not (binding.show or binding.tooltip):
                continue
            told.add(binding.action)
            key = self.app.get_key_display(binding)
            table.add_row(Text(key, style="bold"), Text(binding.tooltip or binding.description))
        with VerticalScroll(classes="sheet"):
            yield Static(Text("Keys here", style="bold"), classes="heading")
            yield Static(table)
