"""A question before something is changed; saying no is the easiest answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static


class Confirm(ModalScreen[bool]):
    """Yes or no; ``True`` only if it was meant.

    :param lines: what will be changed, one thing a line.
    :param typed: what must be typed before yes is possible; empty for nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "no", "Cancel"),
        Binding("left,right", "other", show=False),
    ]

    def __init__(self, title: str, lines: Sequence[str], *, yes: str, typed: str = "") -> None:
        super().__init__()
        self._heading = title
        self._lines = lines
        self._yes = yes
        self._typed = typed

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet"):
            yield Static(Text(self._heading, style="bold"), classes="heading")
            yield Static(Text("\n".join(self._lines)), classes="lines")
            if self._typed:
                yield Static(Text(f"This environment is protected: type {self._typed} to go on."))
                yield Input(id="typed")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="no")
                yield Button(self._yes, id="yes", variant="warning", disabled=bool(self._typed))

    def on_mount(self) -> None:
        self.query_one("#typed" if self._typed else "#no").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = event.value.strip() != self._typed

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._typed:
            self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_no(self) -> None:
        self.dismiss(False)

    def action_other(self) -> None:
        self.focus_next()
