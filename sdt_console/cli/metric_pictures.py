"""Metrics as tables: all services side by side, or a few with every metric."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sdt_console.model import MetricSheet, Series
from sdt_console.text import plural, size, sparkline, visible

_COLUMNS = (
    ("cpu", "CPU"),
    ("memory", "MEMORY"),
    ("requests", "REQUESTS"),
    ("p50", "P50"),
    ("p99", "P99"),
    ("4xx", "4XX"),
    ("5xx", "5XX"),
)
_DRAWN = ("cpu", "memory", "requests")
_SHORT, _LONG = 10, 48
_NONE = "–"
_LATE_S = 300
_FULL = {"%": 100.0}
"""What the highest bar stands for where it is no matter of what was seen."""
_WORDS = {
    "cpu": "CPU",
    "p50": "latency p50",
    "p99": "latency p99",
    "healthy": "healthy targets",
    "received": "network in",
    "sent": "network out",
    "storage": "free storage",
}


def all_services(sheet: MetricSheet) -> RenderableType:
    """A row a service; below it what they stand on."""
    table = _table("SERVICE", *(title for _, title in _COLUMNS))
    for name in dict.fromkeys(s.service for s in sheet.series if s.service):
        found = {s.name: s for s in sheet.of(name)}
        table.add_row(
            Text(visible(name)), *(_cell(sheet, found.get(column), column) for column, _ in _COLUMNS)
        )
    parts: list[RenderableType] = [table]
    if sheet.resources:
        parts += [Text(), _resources(sheet)]
    return Group(*parts, Text(), *_footer(sheet))


def some_services(sheet: MetricSheet, names: Sequence[str]) -> RenderableType:
    """A table a service, a row a metric."""
    parts: list[RenderableType] = []
    for name in names:
        series = sheet.of(name)
        if not series:
            parts += [Text(f"{visible(name)}: not in ECS", style="yellow"), Text()]
            continue
        table = _table(visible(name), "COURSE", "NOW", "MIN", "MAX")
        for one in series:
            table.add_row(*_row(sheet, one))
        parts += [table, Text()]
    return Group(*parts, *_footer(sheet))


def _resources(sheet: MetricSheet) -> Table:
    table = _table("WHAT IT STANDS ON", "METRIC", "COURSE", "NOW", "MIN", "MAX")
    for name, series in sheet.resources.items():
        for number, one in enumerate(series):
            table.add_row(Text("" if number else visible(name)), *_row(sheet, one, 24))
    return table


def _row(sheet: MetricSheet, series: Series, width: int = _LONG) -> list[Text]:
    word = Text(_WORDS.get(series.name, series.name))
    known = series.known
    if not known:
        return [word, Text(visible(series.note or "no data"), style="dim"), *(Text(_NONE) for _ in range(3))]
    now = Text(_latest(sheet, series))
    if series.note:
        word.append(f" ({visible(series.note)})", style="yellow")
    least, most = (Text(_value(f(known), series.unit)) for f in (min, max))
    return [word, Text(_course(series, width), style="cyan"), now, least, most]


def _cell(sheet: MetricSheet, series: Series | None, column: str) -> Text:
    if series is None or not series.known:
        return Text(_NONE, style="dim")
    drawn = Text(f"{_course(series, _SHORT)} " if column in _DRAWN else "", style="cyan")
    bad = column == "5xx" and series.latest is not None and series.latest[1] > 0
    return drawn.append(_latest(sheet, series), style="red" if bad else "default")


def _course(series: Series, width: int) -> str:
    return sparkline(series.values, width, _FULL.get(series.unit))


def _latest(sheet: MetricSheet, series: Series) -> str:
    """The newest value; with its age if it is not of now."""
    if series.latest is None:
        return _NONE
    time, value = series.latest
    late = sheet.end - (time + sheet.period)
    shown = _value(value, series.unit)
    return f"{shown} {late / 60:.0f} min ago" if late >= max(_LATE_S, sheet.period) else shown


def _value(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
    if unit in ("B", "B/s"):
        return size(round(value)) + unit[1:]
    if unit == "%":
        return f"{value:.0f} %"
    digits = 0 if unit == "" or value >= 100 or value == round(value) else 1
    return f"{value:.{digits}f}{unit}"


def _footer(sheet: MetricSheet) -> list[Text]:
    span = f"{round((sheet.end - sheet.start) / sheet.period)} × {_period(sheet.period)}"
    told = f"{sheet.environment}: {span}; {plural(sheet.asked, 'metric')} asked for, a gap is no data"
    return [*(Text(visible(note), style="yellow") for note in sheet.notes), Text(visible(told), style="dim")]


def _period(seconds: int) -> str:
    if seconds < 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in columns:
        right = title in ("NOW", "MIN", "MAX", "P50", "P99", "4XX", "5XX")
        table.add_column(title, no_wrap=True, justify="right" if right else "left")
    return table
