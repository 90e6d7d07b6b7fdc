"""Money, ages and bars as text."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from rich.table import Table
from rich.text import Text

from sdt_console.model.cost_live import Span
from sdt_console.text import clipped, visible

UNTAGGED = "(untagged)"
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
_EIGHTHS = " ▏▎▍▌▋▊▉"


def money(amount: Decimal, currency: str, places: int = 2, *, signed: bool = False) -> str:
    """``$1,234.56``, ``-$5.00``, ``12.00 CNY``; rounded half to even."""
    rounded = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    sign = "-" if rounded < 0 else "+" if signed and rounded > 0 else ""
    text = f"{abs(rounded):,.{places}f}"
    known = _SIGNS.get(currency)
    return f"{sign}{known}{text}" if known else f"{sign}{text} {visible(currency)}"


def span(amount: Span, currency: str, places: int = 2) -> str:
    """One amount, or the two that it lies between."""
    low, high = money(amount.low, currency, places), money(amount.high, currency, places)
    return high if low == high else f"{low}–{high}"


def percent(share: Decimal | None, *, signed: bool = False) -> str:
    return "" if share is None else f"{share * 100:{'+' if signed else ''}.0f} %"


def ago(seconds: float) -> str:
    """``just now``, ``12 min ago``, ``3 h ago``, ``2 days ago``."""
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min ago"
    return f"{seconds / 3600:.0f} h ago" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days ago"


def moment(at: float) -> str:
    """``2026-06-15 15:06 UTC``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def named(name: str, width: int = 400) -> str:
    """A group's name, cut to ``width``; what has no tag is said to have none."""
    return clipped(visible(name), width) or UNTAGGED


def bar(amount: Decimal, most: Decimal, width: int) -> Text:
    """A bar as long as ``amount`` is of ``most``, in eighths of a cell; nothing for what is below zero."""
    share = min(max(amount / most, Decimal(0)), Decimal(1)) if most > 0 else Decimal(0)
    full, rest = divmod(round(share * width * 8), 8)
    return Text("█" * full + (_EIGHTHS[rest] if rest else ""), style="cyan")


def sheet(*columns: str) -> Table:
    """A table whose columns are right-aligned if their name begins with ``>``."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        if column.startswith(">"):
            table.add_column(column[1:], justify="right", no_wrap=True)
        else:
            table.add_column(column, overflow="ellipsis", no_wrap=True)
    return table


def row(table: Table, *cells: str | Text, style: str = "") -> None:
    table.add_row(*(cell if isinstance(cell, Text) else Text(cell, style=style) for cell in cells))
