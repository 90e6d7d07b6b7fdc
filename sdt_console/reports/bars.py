"""Pieces of a picture that have an exact width in cells."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from sdt_console.text import visible


def fitted(text: str, width: int) -> str:
    """``text`` made visible and exactly ``width`` cells wide, the cut shown as an ellipsis."""
    shown = visible(text)
    if cell_len(shown) <= width:
        return set_cell_size(shown, max(width, 0))
    return set_cell_size(shown, width - 1) + "…" if width > 0 else ""


def progress(share: float, width: int, style: str) -> Text:
    """How far: done heavy, the rest light; a line, since blocks of two rows run into each other."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2)
    full, half = divmod(halves, 2)
    done = "━" * full + "╸" * half
    return Text.assemble((done, style), ("─" * (width - len(done)), "dim"))


def waiting(share: float, width: int, style: str) -> Text:
    """How much of the time that this took before has passed: dashed, since it is no progress."""
    done = round(min(max(share, 0.0), 1.0) * width)
    return Text.assemble(("╍" * done, style), ("┄" * (width - done), "dim"))
