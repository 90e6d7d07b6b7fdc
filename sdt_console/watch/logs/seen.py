"""Which events of a log group have been told already, in a bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sdt_console.model import LogEvent

MOST = 100_000
"""Events that are remembered for one group."""

_Key = tuple[str, int, int, str]


class Seen:
    """Admits each event once, whether it comes by search, by Live Tail, or by both.

    A search tells the id of an event. Live Tail does not: there an event is known by its stream, times and
    text, and of those that agree in all of them as many are admitted as either of the two has told.

    :param most: how many events are remembered.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._ids: dict[str, LogEvent] = {}
        self._told: Counter[_Key] = Counter()
        self._found: Counter[_Key] = Counter()
        self._live = False

    def __len__(self) -> int:
        return len(self._ids)

    def searched(self, events: Iterable[LogEvent]) -> list[LogEvent]:
        """Those of ``events`` that are new; they came by search."""
        ids = self._ids
        fresh = []
        for event in events:
            if event.id not in ids:
                ids[event.id] = event
                fresh.append(event)
        if not self._live:
            return fresh
        kept = []
        for event in fresh:
            key = _key(event)
            self._found[key] += 1
            if self._found[key] > self._told[key]:
                self._told[key] += 1
                kept.append(event)
        return kept

    def going_live(self) -> None:
        """From now on events come by Live Tail, too."""
        if not self._live:
            self._live = True
            for event in self._ids.values():
                self._told[_key(event)] += 1
            self._found = self._told.copy()

    def streamed(self, events: Iterable[LogEvent], session: Counter[_Key]) -> list[LogEvent]:
        """Those of ``events`` that are new; they came by Live Tail.

        :param session: a counter of the session's own; see :func:`session_counter`.
        """
        kept = []
        for event in events:
            key = _key(event)
            session[key] += 1
            if session[key] > self._told[key]:
                self._told[key] += 1
                kept.append(event)
        return kept

    def forget(self, before: int) -> None:
        """Let go of events older than ``before`` (milliseconds): nobody asks for them again."""
        for key in [key for key, event in self._ids.items() if event.at < before]:
            del self._ids[key]
        for counter in (self._told, self._found):
            for old in [key for key in counter if key[1] < before]:
                del counter[old]

    def bound(self) -> int | None:
        """Keep within the memory.

        :returns: the time from which on all are remembered, if some had to be let go; else ``None``.
        """
        if len(self._ids) <= self._most:
            return None
        times = sorted(event.at for event in self._ids.values())
        floor = times[len(times) - self._most // 2] + 1
        self.forget(floor)
        return floor


def session_counter() -> Counter[_Key]:
    """What one Live Tail session has told."""
    return Counter()


def recent(counter: Counter[_Key], before: int) -> None:
    """Forget what a session told of times before ``before``."""
    for key in [key for key in counter if key[1] < before]:
        del counter[key]


def _key(event: LogEvent) -> _Key:
    return event.stream, event.at, event.ingested, event.message
