"""A region's log groups as CloudWatch keeps them, in virtual time: what has come in can be read, by pages."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from sdt_console.errors import NotAllowedError, UnreachableError
from sdt_console.model import LiveUpdate, LogEvent, LogGroup
from tests.virtual_time import LoopClock


@dataclass
class Cloud:
    """Implements ``LogReader``.

    :param arrivals: per group when each event can be read (milliseconds), and the event.
    :param kills: share of pages at which the connection breaks; never more than ``PATIENCE`` times in a row.
    """

    clock: LoopClock
    random: Random
    arrivals: dict[str, list[tuple[int, LogEvent]]]
    page: int = 500
    kills: float = 0.0
    live_denied: bool = False
    most_live: int = 500
    kept: dict[str, list[tuple[tuple[int, int, str], LogEvent]]] = field(default_factory=dict)
    searches: int = 0
    sessions: list[Session] = field(default_factory=list)
    _next: dict[str, int] = field(default_factory=dict)
    _broken: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for events in self.arrivals.values():
            events.sort(key=lambda arrival: arrival[0])

    def now(self) -> int:
        return int(self.clock.now() * 1000)

    def catch_up(self, group: str) -> list[tuple[tuple[int, int, str], LogEvent]]:
        kept, at = self.kept.setdefault(group, []), self._next.get(group, 0)
        arrivals = self.arrivals[group]
        while at < len(arrivals) and arrivals[at][0] <= self.now():
            event = arrivals[at][1]
            insort(kept, ((event.at, event.ingested, event.id), event))
            at += 1
        self._next[group] = at
        return kept

    async def pages(
        self, group: str, start: int, end: int | None = None, streams: Sequence[str] = ()
    ) -> AsyncIterator[Sequence[LogEvent]]:
        after = (start, -1, "")
        while True:
            self.searches += 1
            await asyncio.sleep(self.random.uniform(0.005, 0.05))
            if group in self.kept and self._broken.get(group, 0) < 2 and self.random.random() < self.kills:
                self._broken[group] = self._broken.get(group, 0) + 1
                raise UnreachableError("logs:FilterLogEvents was not answered", "connection reset by peer")
            kept = self.catch_up(group)
            found = [(key, event) for key, event in kept if key > after and (end is None or event.at <= end)][
                : self.page
            ]
            yield [event for _, event in found]
            if len(found) < self.page:
                self._broken[group] = 0
                return
            after = found[-1][0]

    async def described(self, names: Sequence[str]) -> Mapping[str, LogGroup]:
        return {name: LogGroup(name, name, 7) for name in names}

    async def live(self, arns: Sequence[str]) -> Session:
        await asyncio.sleep(0.2)
        if self.live_denied:
            raise NotAllowedError("logs:StartLiveTail", "no")
        session = Session(self, list(arns))
        self.sessions.append(session)
        return session


class Session:
    """Tells once a second what has come in, without ids; samples floods; breaks now and then."""

    def __init__(self, cloud: Cloud, groups: list[str]) -> None:
        self._cloud, self._groups = cloud, groups
        self._told = {
            group: len([a for a in cloud.arrivals[group] if a[0] <= cloud.now()]) for group in groups
        }
        self.closed = False

    async def update(self) -> LiveUpdate | None:
        await asyncio.sleep(1.0)
        cloud = self._cloud
        if self.closed:
            return None
        if cloud.random.random() < cloud.kills:
            self.closed = True
            raise UnreachableError("Live Tail broke off", "connection reset by peer")
        events: dict[str, tuple[LogEvent, ...]] = {}
        sampled = False
        for group in self._groups:
            arrivals, at = cloud.arrivals[group], self._told[group]
            fresh = []
            while at < len(arrivals) and arrivals[at][0] <= cloud.now():
                fresh.append(arrivals[at][1]._replace(id=""))
                at += 1
            self._told[group] = at
            if len(fresh) > cloud.most_live:
                fresh, sampled = sorted(cloud.random.sample(fresh, cloud.most_live)), True
            events[group] = tuple(fresh)
        return LiveUpdate(events, sampled)

    def close(self) -> None:
        self.closed = True
