"""Events of many groups in the order of time, and the lines of a stack trace together."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from sdt_console.model import LogEvent

JOIN_MS = 1000
"""Lines of one stream belong together only if they are no further apart."""

SKEW_MS = 2000
"""So far an event may be ahead of our clock and be told in its place: clocks differ."""

MOST_EVENTS = 1000
"""Events in one line, at most: whatever ends no trace must not eat the memory."""

_CONTINUES = re.compile(
    r"""
    \s*$                                            # nothing
    | [\t ]+ (?! (?:\x1b\[[\d;]*m)? (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b)  # indented, but by no layout
    | (?:Caused\ by|Suppressed|Wrapped\ by):
    | \.\.\.\ \d+\ (?:more|common)
    | Traceback\ \(most\ recent\ call\ last\):
    | (?:During\ handling\ of\ the\ above|The\ above\ exception\ was)\ exception
    | goroutine\ \d+\ \[
    | [)}\]]
    | (?:[\w$]+\.)*[\w$]*(?:Exception|Error|Throwable|Interrupt|Exit)\b(?::|$)   # the exception itself
    """,
    re.VERBOSE,
)
_Entry = tuple[int, int, int, int, int, LogEvent]
"""When it counts as written, its own time, when it was ingested, a number, its source, the event."""


def continues(text: str) -> bool:
    """Whether ``text`` looks like a further line of what was said before."""
    return _CONTINUES.match(text) is not None


@dataclass(slots=True)
class Group:
    """Events of one stream that are one line to a person; the first is its head."""

    source: int
    head: LogEvent
    tail: list[LogEvent] = field(default_factory=list)
    last: int = 0

    def takes(self, event: LogEvent) -> bool:
        return (
            event.at - self.last <= JOIN_MS
            and len(self.tail) < MOST_EVENTS - 1
            and _CONTINUES.match(event.message) is not None
        )

    def add(self, event: LogEvent) -> None:
        self.tail.append(event)
        self.last = event.at


class Window:
    """Holds events back for a moment, so that those which come a little late are told in their place.

    The order is that of the events' own times; of equal ones, that of ingestion, then of arrival. An event
    from a far future counts from when it came.
    """

    def __init__(self) -> None:
        self._pending: list[_Entry] = []
        self._number = 0
        self._told_until = -1
        self.late = 0
        """Events that came too late for their place."""

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, source: int, events: Iterable[LogEvent], seen: int) -> None:
        """Take ``events``, seen at ``seen`` (milliseconds); those of one stream as they follow each other."""
        number, append, latest = self._number, self._pending.append, seen + SKEW_MS
        for event in events:
            at = event.at
            number += 1
            append((at if at < latest else seen, at, event.ingested, number, source, event))
            if at < self._told_until:
                self.late += 1
        self._number = number

    def release(self, until: float) -> list[Group]:
        """All that was written until then, in order; further lines of the last traces come with them."""
        pending = self._pending
        if not pending:
            return []
        pending.sort()
        cut = len(pending) if until == math.inf else bisect_right(pending, (until, math.inf))
        if not cut:
            return []
        released: list[Group] = []
        open_: dict[tuple[int, str], Group] = {}
        for entry in pending[:cut]:
            source, event = entry[4], entry[5]
            key = (source, event.stream)
            group = open_.get(key)
            if group is not None and group.takes(event):
                group.add(event)
                continue
            open_[key] = group = Group(source, event, last=event.at)
            released.append(group)
        rest: list[_Entry] = []
        for entry in pending[cut:]:
            key = (entry[4], entry[5].stream)
            group = open_.get(key)
            if group is not None and group.takes(entry[5]):
                group.add(entry[5])
            else:
                open_.pop(key, None)
                rest.append(entry)
        self._pending = rest
        self._told_until = max(self._told_until, pending[cut - 1][0])
        return released
