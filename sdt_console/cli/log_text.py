"""Lines of logs as text and as JSON: what ``sdt logs`` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sdt_console.model import LogLine
from sdt_console.text import visible

_SERVICES = (36, 33, 35, 34, 32, 96, 93, 95, 94, 92)
_LEVELS = {"trace": "2", "debug": "2", "info": "32", "warn": "33", "error": "31", "fatal": "1;31"}


class LogText:
    """Writes ``time service LEVEL text``; rows of a stack trace keep the service's name, for ``grep``.

    :param services: for the width of their column, and a colour each.
    :param date: tell the date, too, as for lines of other days.
    """

    def __init__(self, services: Sequence[str], *, colour: bool, utc: bool, date: bool = False) -> None:
        names = list(dict.fromkeys(services))
        width = max(map(len, names), default=0)
        self._names = {
            name: _coloured(name.ljust(width), str(_SERVICES[at % len(_SERVICES)]), colour)
            for at, name in enumerate(names)
        }
        self._levels = {
            level: _coloured(level.upper().ljust(5), _LEVELS.get(level, ""), colour and bool(level))
            for level in ("", *_LEVELS)
        }
        self._colour, self._zone = colour, UTC if utc else None
        self._format = "%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S"
        self._second, self._shown = -1, ""
        self._blank = " " * (len(datetime(2026, 1, 1, tzinfo=UTC).strftime(self._format)) + 4)

    def rows(self, line: LogLine) -> Iterator[str]:
        """The rows of one line; nothing in them is obeyed by a terminal."""
        name = self._names[line.service]
        time = self._time(line.at)
        yield f"{time} {name} {self._levels[line.level]} {visible(line.text)}"
        for row in line.rest:
            yield f"{self._blank} {name}       {_row(row)}"

    def _time(self, at: int) -> str:
        second, millis = divmod(at, 1000)
        if second != self._second:
            moment = datetime.fromtimestamp(second, UTC).astimezone(self._zone)
            self._second, self._shown = second, moment.strftime(self._format)
        time = f"{self._shown}.{millis:03d}"
        return _coloured(time, "2", self._colour)


def document(line: LogLine) -> dict[str, Any]:
    """The JSON object of one line, version 1."""
    return {
        "version": 1,
        "type": "line",
        "at": _iso(line.at),
        "service": line.service,
        "level": line.level or None,
        "message": line.message,
        "group": line.group,
        "stream": line.stream,
        "task": line.task,
        "id": line.id or None,
        "ingested_at": _iso(line.ingested),
        "events": line.events,
        "continued": line.continued,
        "fields": dict(line.fields),
    }


def json_row(found: dict[str, Any]) -> str:
    """One line of JSON, ASCII only, so that nothing in it reaches a terminal as a command."""
    return json.dumps(found, separators=(",", ":"))


def _iso(at: int) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def _row(row: str) -> str:
    """A tab at its beginning is only an indent."""
    return visible(row.expandtabs(4) if row[:1] == "\t" else row)


def _coloured(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code else text
