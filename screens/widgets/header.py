"""The one line above every screen: where we are, who we are, how old what is shown is, who deploys."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.widget import Widget

from sdt_console.reports.glyphs import clock
from sdt_console.text import plural, visible

if TYPE_CHECKING:
    from screens.app import Console

_STYLES = {"production": "bold white on red", "staging": "bold black on yellow"}
_OTHER = "bold black on green"


class Header(Widget):
    """Redrawn each second."""

    def on_mount(self) -> None:
        self.set_interval(1.0, self.refresh)

    def render(self) -> Text:
        console = cast("Console", self.app)
        environment = console.door.environment
        left = Text.assemble(
            " sdt ", (f" {visible(environment).upper()} ", _STYLES.get(environment, _OTHER)), " "
        )
        parts = [*self._who(console), *self._state(console)]
        room = self.size.width - left.cell_len - 1
        while len(parts) > 1 and sum(len(text) + 3 for text, _ in parts) > room:
            parts.pop(0 if parts[0][1] == "dim" else 1)  # who we are goes first, then what can wait
        for index, (text, style) in enumerate(parts):
            left.append(" · " if index else " ", style="dim")
            left.append(text, style=style)
        left.truncate(self.size.width, overflow="ellipsis", pad=True)
        return left

    def _who(self, console: Console) -> list[tuple[str, str]]:
        feed = console.feed
        parts = [(console.scope.region or "", "dim")]
        if feed.identity is not None:
            account = feed.identity.account
            parts.append((f"{account[:4]}…{account[-4:]}", "dim"))
            parts.append((visible(feed.identity.arn.rpartition(":")[2]), "dim"))
        if feed.validity is not None and feed.validity.ends_at is not None:
            left = feed.validity.ends_at - console.door.clock.now()
            parts.append((f"creds {clock(left)}", "bold red" if left < 600 else "dim"))
        return [part for part in parts if part[0]]

    def _state(self, console: Console) -> list[tuple[str, str]]:
        feed, parts = console.feed, list[tuple[str, str]]()
        snapshot = feed.snapshot
        if snapshot is not None:
            style = "green" if snapshot.up == snapshot.expected else "yellow"
            parts.append((f"{snapshot.up}/{snapshot.expected} up", style))
            if snapshot.paused:
                parts.append((visible(snapshot.paused), "bold red"))
            age = max(0.0, console.door.clock.now() - snapshot.at)
            parts.append((f"{age:.0f} s old", "" if age < 30 else "bold yellow"))
        if feed.error is not None:
            parts.append((visible(feed.error.what), "bold red"))
        parts.append((f"{plural(console.calls_in_the_last_minute, 'call')}/min", "dim"))
        if feed.holds:
            holders = sorted({hold.owner for hold in feed.holds})
            parts.append((f"locked by {visible(', '.join(holders))}", "yellow"))
        else:
            parts.append(("lock free", "dim"))
        return parts
