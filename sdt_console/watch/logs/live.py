"""Live Tail: lines as they come in, for as many log groups as are asked for, without a gap.

What Live Tail leaves out (most of a flood, what comes while a connection is broken or renewed) is told as a
gap: whoever follows searches those groups then.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sdt_console.errors import NotAllowedError, SdtError
from sdt_console.model import LiveUpdate, LogEvent
from sdt_console.watch.log_ports import Clock, LiveSession, LogReader
from sdt_console.watch.logs.seen import recent, session_counter

GROUPS = 10
"""Log groups in one session, at most (StartLiveTail's limit)."""

LIFE_S = 3 * 3600 - 300.0
"""A session ends after three hours; before that another one takes its place."""

_WAITING = 64
_FORGET_S = 60.0
_AGAIN_S = 5.0
_TRIES = 5
_LASTED_S = 60.0
"""Sessions that break one after the other before it is left alone."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """Something that came: new events of one source, or a gap in some.

    :param gaps: numbers of the sources to be searched now.
    :param lost: Live Tail is not to be had for them any more; why.
    """

    events: Mapping[int, Sequence[LogEvent]] = field(default_factory=dict)
    gaps: tuple[int, ...] = ()
    sampled: bool = False
    lost: SdtError | None = None
    session: Counter[tuple[str, int, int, str]] = field(default_factory=Counter)


class Live:
    """Sessions for all of ``arns``; iterate :meth:`next`, and :meth:`close` it.

    :param arns: number of the source → ARN of its log group.
    """

    def __init__(self, reader: LogReader, clock: Clock, arns: dict[int, str]) -> None:
        self._reader, self._clock = reader, clock
        self._queue: asyncio.Queue[Streamed] = asyncio.Queue(_WAITING)
        numbers = list(arns)
        self._parts = [
            {arns[number]: number for number in numbers[at : at + GROUPS]}
            for at in range(0, len(numbers), GROUPS)
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._sessions: set[LiveSession] = set()

    @property
    def sessions(self) -> int:
        return len(self._parts)

    async def open(self) -> None:
        """:raises SdtError: Live Tail cannot be used here."""
        opened: list[LiveSession] = []
        try:
            for part in self._parts:
                opened.append(await self._open(part))
        except BaseException:
            for session in opened:
                self._end(session)
            raise
        for part, session in zip(self._parts, opened, strict=True):
            self._tasks.append(asyncio.create_task(self._keep(part, session)))

    async def next(self) -> Streamed:
        return await self._queue.get()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for session in tuple(self._sessions):
            self._end(session)

    async def _open(self, part: dict[str, int]) -> LiveSession:
        session = await self._reader.live(list(part))
        self._sessions.add(session)
        return session

    def _end(self, session: LiveSession) -> None:
        self._sessions.discard(session)
        session.close()

    async def _keep(self, part: dict[str, int], session: LiveSession | None) -> None:
        """Keep one session open: renew it before it ends, and open another one where it breaks."""
        numbers, failures, opened = tuple(part.values()), 0, self._clock.now()
        while True:
            try:
                if session is None:
                    session, opened = await self._open(part), self._clock.now()
                    await self._queue.put(Streamed(gaps=numbers))
                session = await self._read(part, session)
            except SdtError as error:
                failures = 1 if self._clock.now() - opened > _LASTED_S else failures + 1
                if session is not None:
                    self._end(session)
                    session = None
                if failures > _TRIES or isinstance(error, NotAllowedError):
                    await self._queue.put(Streamed(gaps=numbers, lost=error))
                    return
                await self._queue.put(Streamed(gaps=numbers))
                await self._clock.sleep(_AGAIN_S)

    async def _read(self, part: dict[str, int], session: LiveSession) -> LiveSession | None:
        """Read until it is time for another session; that one."""
        told, born, forgot = session_counter(), self._clock.now(), self._clock.now()
        while True:
            update = await session.update()
            if update is None:
                self._end(session)
                return None
            await self._queue.put(_streamed(part, update, told))
            now = self._clock.now()
            if now - born > LIFE_S:
                following = await self._open(part)  # first the new one, then the end of the old one
                self._end(session)
                await self._queue.put(Streamed(gaps=tuple(part.values())))
                return following
            if now - forgot > _FORGET_S:
                recent(told, int((now - 2 * _FORGET_S) * 1000))
                forgot = now


def _streamed(part: dict[str, int], update: LiveUpdate, told: Counter[tuple[str, int, int, str]]) -> Streamed:
    events = {part[arn]: found for arn, found in update.events.items() if arn in part}
    gaps = tuple(part.values()) if update.sampled else ()
    return Streamed(events, gaps, update.sampled, session=told)
