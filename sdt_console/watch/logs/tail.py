"""History first, then live: the lines of many services, merged by time, each once.

Searching (FilterLogEvents) has the last word: every event has an id there, and whatever comes late, or was
missed while a connection was broken, is found by the next look. Live Tail makes it quicker where it can be
used, and spares calls: then the groups are searched only now and then, and at once where it has a gap.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from sdt_console.errors import CredentialsError, SdtError
from sdt_console.model import LogBatch, LogNotice
from sdt_console.watch.log_ports import Clock, LogReader
from sdt_console.watch.logs import troubles
from sdt_console.watch.logs.lines import lines
from sdt_console.watch.logs.live import Live, Streamed
from sdt_console.watch.logs.round import PATIENCE, Round
from sdt_console.watch.logs.sieve import Sieve
from sdt_console.watch.logs.source import Source
from sdt_console.watch.logs.window import JOIN_MS, Window

HOLD_S = 0.3
"""How long a line is held back, so that those which come a little later are told in their place."""

EVERY_S = 0.7
"""From the beginning of one look to that of the next; with ``HOLD_S`` no line waits longer than a second."""

LIVE_EVERY_S = 10.0
AGAIN_S = 5.0
"""Between two looks while nothing can be read."""

DEEP_EVERY_S = 15.0
_DEEP_SHARE = 10
"""A deep look that takes long is the rarer: at most a tenth of the time goes into them."""

_SAMPLED_EVERY_S = 10.0


class Tail:
    """Reads, and with ``follow`` goes on reading.

    :param sources: the log groups, in the order in which they are told of.
    :param until: milliseconds since the epoch; ``None`` for now.
    :param arns: log group → ARN, to follow with Live Tail; empty to search only.
    :param hold_s: the longer, the later a line may come and be told in its place; and the later all are told.
    :param renew: called while AWS does not take the credentials: look for new ones.
    """

    def __init__(
        self,
        reader: LogReader,
        clock: Clock,
        sources: Sequence[Source],
        *,
        sieve: Sieve | None = None,
        until: int | None = None,
        follow: bool = False,
        arns: Mapping[str, str] | None = None,
        hold_s: float = HOLD_S,
        every_s: float = EVERY_S,
        renew: Callable[[], object] = lambda: None,
    ) -> None:
        self.sources = sources
        self._reader, self._clock = reader, clock
        self._sieve = sieve or Sieve()
        self._until, self._follow = until, follow
        self._arns = dict(arns or {})
        self._hold_s = self._live_hold_s = hold_s
        self._every_s, self._renew = every_s, renew
        self._window = Window()
        self._notices: list[LogNotice] = []
        self._troubles = troubles.Told()
        self._live: Live | None = None
        self._streaming: asyncio.Task[Streamed] | None = None
        self._closing: list[asyncio.Future[None]] = []
        self._opening: tuple[Live, asyncio.Task[None]] | None = None
        self._sampled_at = -math.inf

    async def batches(self) -> AsyncGenerator[LogBatch, None]:
        """What was, and with ``follow`` what comes; the next look is taken when the next batch is asked for.

        :raises SdtError: no log group could be read.
        """
        try:
            async with contextlib.aclosing(self._round(last=not self._follow)) as history:
                async for batch in history:
                    yield batch
            failed = [source.trouble for source in self.sources if source.trouble is not None]
            if failed and not any(source.begun for source in self.sources):
                raise troubles.advised(failed[0])
            if self._follow:
                async with contextlib.aclosing(self._going_on()) as coming:
                    async for batch in coming:
                        yield batch
        finally:
            await self._leave_live()

    async def _going_on(self) -> AsyncGenerator[LogBatch, None]:
        clock = self._clock
        self._prepare_live()
        deep_at = clock.now() + DEEP_EVERY_S
        search_at = clock.now() + self._every_s
        while True:
            if self._went_live():
                search_at = clock.now()  # what came between the last look and the session's beginning
            streamed = await self._wait(search_at)
            if streamed is not None:
                if self._take(streamed):
                    search_at = clock.now()
                if batch := self._released((clock.now() - self._live_hold_s) * 1000):
                    yield batch
                continue
            begun = clock.now()
            deep = begun >= deep_at
            if deep:
                for source in self.sources:
                    source.deep_due = True
            async with contextlib.aclosing(self._round()) as found:
                async for batch in found:
                    yield batch
            if deep:
                deep_at = clock.now() + max(DEEP_EVERY_S, _DEEP_SHARE * (clock.now() - begun))
            search_at = begun + self._pause()

    def _pause(self) -> float:
        """Seconds from this look to the next.

        :raises CloudError: every group is denied: no look will tell anything.
        """
        if all(source.hopeless for source in self.sources):
            raise troubles.advised(self.sources[0].trouble or SdtError("nothing can be read"))
        if all(source.failures > PATIENCE for source in self.sources):
            if any(isinstance(source.trouble, CredentialsError) for source in self.sources):
                self._renew()  # somebody may have logged in meanwhile
            return AGAIN_S
        return LIVE_EVERY_S if self._live else self._every_s

    async def _round(self, *, last: bool = False) -> AsyncGenerator[LogBatch, None]:
        """One look at all groups; batches come page by page, and are complete up to their end.

        :param last: nothing comes after it, so that nothing is held back.
        """
        now = self._clock.now() * 1000
        held = math.inf if last else now - self._hold_s * 1000
        end = self._until if last else None
        around = Round(self.sources, self._window, self._clock, int(now), end, patient=not last)
        until = held
        async with contextlib.aclosing(around.watermarks()) as watermarks:
            async for mark in watermarks:
                # The last trace of a page may go on in the next one.
                until = held if mark == math.inf else min(mark - JOIN_MS, held)
                if batch := self._released(until):
                    yield batch
        self._notices += self._troubles.of(self.sources, patient=not last)
        if batch := self._released(until):
            yield batch

    def _released(self, until: float) -> LogBatch | None:
        groups = self._window.release(until)
        with self._sieve.in_time():
            told = tuple(lines(groups, self.sources, self._sieve)) if groups else ()
        notices, self._notices = tuple(self._notices), []
        return LogBatch(told, notices) if told or notices else None

    # --- Live Tail -----------------------------------------------------------

    def _prepare_live(self) -> None:
        """Begin to open the sessions; where that takes long it is searched meanwhile."""
        arns = {
            number: self._arns[source.group]
            for number, source in enumerate(self.sources)
            if source.group in self._arns and source.trouble is None
        }
        if arns:
            live = Live(self._reader, self._clock, arns)
            self._opening = (live, asyncio.create_task(live.open()))

    def _went_live(self) -> bool:
        """Whether the sessions have been opened since the last time."""
        if self._opening is None or not self._opening[1].done():
            return False
        live, opened = self._opening
        self._opening = None
        error = opened.exception()
        if isinstance(error, SdtError):
            self._notices.append(troubles.without_live(error))
            return False
        opened.result()
        for source in self.sources:
            source.seen.going_live()
        self._live = live
        # Sessions tell what they have once a second, each at a moment of its own.
        self._live_hold_s = self._hold_s + (1.0 if live.sessions > 1 else 0.0)
        return True

    async def _leave_live(self) -> None:
        if self._opening is not None:
            live, opened = self._opening
            opened.cancel()
            await asyncio.gather(opened, return_exceptions=True)
            await live.close()
        if self._streaming is not None:
            self._streaming.cancel()
            await asyncio.gather(self._streaming, return_exceptions=True)
        self._search_only()
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _wait(self, until: float) -> Streamed | None:
        """What Live Tail tells before ``until``; ``None`` when it is time to search."""
        seconds = max(0.0, until - self._clock.now())
        if self._live is None:
            await self._clock.sleep(seconds)
            return None
        if self._streaming is None:
            self._streaming = asyncio.create_task(self._live.next())
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait([self._streaming, sleeping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
        if not self._streaming.done():
            return None
        streaming, self._streaming = self._streaming, None
        return streaming.result()

    def _take(self, streamed: Streamed) -> bool:
        """Note what Live Tail told; whether the groups are to be searched at once."""
        now = self._clock.now()
        for number, events in streamed.events.items():
            fresh = self.sources[number].seen.streamed(events, streamed.session)
            self._window.add(number, fresh, int(now * 1000))
        if streamed.sampled and now - self._sampled_at > _SAMPLED_EVERY_S:
            self._sampled_at = now
            self._notices.append(troubles.SAMPLED)
        if streamed.lost is not None:
            self._notices.append(troubles.without_live(streamed.lost))
            self._search_only()
        return bool(streamed.gaps)

    def _search_only(self) -> None:
        """Go on without Live Tail, for all: one way of looking is enough."""
        if self._live is not None:
            self._closing.append(asyncio.ensure_future(self._live.close()))
            self._live = None
