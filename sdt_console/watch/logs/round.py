"""One look at every log group, all at the same time, and up to when everything is known."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence

from sdt_console.errors import SdtError, UnreachableError
from sdt_console.watch.log_ports import Clock
from sdt_console.watch.logs.source import Source, Step
from sdt_console.watch.logs.window import Window

AHEAD = 20_000
"""Events of groups that are ahead of the others, at most: those wait, then."""

PATIENCE = 3
"""So many times a group may fail to answer before the others go on without it."""


class Round:
    """Walks all sources; what is new goes into the window.

    :param now: milliseconds since the epoch, when the round begins.
    :param end: no event after this (milliseconds).
    :param patient: there is another round: what a group did not tell now, it may tell then.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        window: Window,
        clock: Clock,
        now: int,
        end: int | None = None,
        *,
        patient: bool = False,
    ) -> None:
        self._sources = sources
        self._window = window
        self._now, self._end = now, end
        self._patient, self._clock = patient, clock
        self._told: asyncio.Queue[tuple[int, Step | SdtError | None]] = asyncio.Queue(max(1, len(sources)))
        self._progress: dict[int, float] = {
            number: float(source.start(now)) for number, source in enumerate(sources)
        }
        self._moved = asyncio.Condition()

    async def watermarks(self) -> AsyncGenerator[float, None]:
        """After each page the moment up to which every source has been read; ``inf`` is the end.

        A source that keeps failing does not hold up the others; why it does is its ``trouble``.
        """
        walks = [asyncio.create_task(self._walk(number)) for number in self._progress]
        left = len(walks)
        try:
            while left:
                number, told = await self._told.get()
                if isinstance(told, Step):
                    self._window.add(number, told.fresh, int(self._clock.now() * 1000))
                    self._progress[number] = told.progress
                else:
                    if not self._waits(self._sources[number], told):
                        self._progress[number] = math.inf
                    left -= 1
                async with self._moved:
                    self._moved.notify_all()
                yield min(self._progress.values())
        finally:
            for walk in walks:
                walk.cancel()
            await asyncio.gather(*walks, return_exceptions=True)

    async def _walk(self, number: int) -> None:
        source = self._sources[number]
        ended: SdtError | None = source.trouble if source.hopeless else None
        if not source.hopeless:
            try:
                async for step in source.walk(self._now, self._end):
                    await self._told.put((number, step))
                    if self._ahead(number):
                        async with self._moved:
                            await self._moved.wait_for(lambda: not self._ahead(number))
            except SdtError as error:
                ended = error
        await self._told.put((number, ended))

    def _waits(self, source: Source, trouble: SdtError | None) -> bool:
        """Note how the walk ended; whether the others wait for the next one, so that the order is kept."""
        source.trouble = trouble
        source.failures = source.failures + 1 if trouble is not None else 0
        return self._patient and isinstance(trouble, UnreachableError) and source.failures <= PATIENCE

    def _ahead(self, number: int) -> bool:
        return len(self._window) > AHEAD and self._progress[number] > min(self._progress.values())
