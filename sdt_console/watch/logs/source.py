"""One log group, searched again and again: nothing lost, nothing twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sdt_console.errors import SdtError
from sdt_console.model import LogEvent
from sdt_console.watch.log_ports import LogReader
from sdt_console.watch.logs.seen import Seen

QUICK_MS = 10_000
"""How far back each look goes: the awslogs driver sends what a task writes within five seconds."""

DEEP_MS = 300_000
"""How far back a look now and then goes; what is ingested later than that after its time is not shown."""

_SHORTEST_MS = 2_000
_MANY = 5_000
_FORGET_AT = 20_000


@dataclass(frozen=True, slots=True)
class Step:
    """A page of a walk: what is new in it, and up to when all pages so far go (milliseconds)."""

    fresh: Sequence[LogEvent]
    progress: int


class Source:
    """What is known of a log group while it is followed.

    :param since: milliseconds since the epoch; nothing older is asked for.
    :param streams: only these; all if empty.
    """

    def __init__(
        self, reader: LogReader, service: str, group: str, since: int, streams: Sequence[str] = ()
    ) -> None:
        self.service = service
        self.group = group
        self.streams = tuple(streams)
        self.seen = Seen()
        self.trouble: SdtError | None = None
        self.failures = 0
        """Looks that failed, one after the other."""
        self.hopeless = False
        """There is no use in asking again."""
        self._reader = reader
        self._floor = since
        self._newest = since
        self.deep_due = False
        """The next look that is not broken off goes far back."""
        self.begun = False
        """It has told something once, or that there is nothing."""
        self._quick = QUICK_MS
        self._forget_at = _FORGET_AT
        self.forgot: int | None = None
        """Lines before then may be missing if they come late: there were too many to remember."""

    def start(self, now: int) -> int:
        """Where the next look begins (milliseconds).

        Counted from the newest event rather than from now: a group may have been silent for some minutes when
        a late line comes.
        """
        if not self.begun:
            return self._floor
        back = DEEP_MS if self.deep_due else self._quick
        return max(self._floor, min(max(self._newest, now - DEEP_MS), now) - back)

    async def walk(self, now: int, end: int | None = None) -> AsyncIterator[Step]:
        """Every page from :meth:`start` on. Broken off, the next walk begins where this one surely was.

        :param now: milliseconds since the epoch.
        :raises CloudError: AWS refused, or did not answer.
        """
        deep = self.deep_due
        start = progress = self.start(now)
        ordered, told, new = True, 0, 0
        async for page in self._reader.pages(self.group, start, end, self.streams):
            fresh = self.seen.searched(page)
            if page:
                told, new = told + len(page), new + len(fresh)
                # CloudWatch tells a group in the order of time; who tells stream by stream is read to the end
                # before anything is concluded.
                ordered = ordered and page[0].at >= progress and page[-1].at >= page[0].at
                progress = max(progress, *(event.at for event in page))
                if ordered:
                    self._reached(progress, now)
            yield Step(fresh, progress if ordered else start)
        self._reached(progress, now)
        if deep:
            self.deep_due = False
            self.forget()
        else:
            self._adapt(told, new)
        self._bound()

    def forget(self) -> None:
        """Let go of what no look can tell again."""
        before = self._newest - DEEP_MS - QUICK_MS
        if before > self._floor:
            self._floor = before
            self.seen.forget(before)

    def _reached(self, until: int, now: int) -> None:
        self.begun = True
        self._newest = max(self._newest, min(until, now))
        if len(self.seen) > self._forget_at:
            self.forget()
            self._forget_at = max(_FORGET_AT, 2 * len(self.seen))

    def _adapt(self, told: int, new: int) -> None:
        """Where thousands of lines come again with every look, look less far back: deep looks go on."""
        if told > _MANY and new < told // 2:
            self._quick = max(_SHORTEST_MS, self._quick // 2)
        elif told < _MANY // 4:
            self._quick = min(QUICK_MS, self._quick * 2)

    def _bound(self) -> None:
        floor = self.seen.bound()
        if floor is not None:
            self._floor = max(self._floor, floor)
            self.forgot = self._floor
