"""Lines for somebody who must not be waited for, such as a screen: bounded, and what is dropped is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from sdt_console.model import LogBatch, LogLine, LogNotice
from sdt_console.text import plural

MOST = 50_000


class Backlog:
    """Takes batches without ever waiting; of too many lines the oldest go, and their number is told.

    :param most: lines that may wait.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lines: deque[LogLine] = deque()
        self._notices: list[LogNotice] = []
        self._dropped = 0
        self._ended = False
        self._came = asyncio.Event()

    async def fill(self, batches: AsyncIterator[LogBatch]) -> None:
        """Take all batches; when they end, those waiting are told so."""
        try:
            async for batch in batches:
                self.put(batch)
        finally:
            self._ended = True
            self._came.set()

    def put(self, batch: LogBatch) -> None:
        self._lines.extend(batch.lines)
        self._notices += batch.notices
        while len(self._lines) > self._most:
            self._lines.popleft()
            self._dropped += 1
        self._came.set()

    async def take(self, most: int = 1000) -> LogBatch | None:
        """What waits, up to ``most`` lines of it; ``None`` at the end."""
        while not (self._lines or self._notices):
            if self._ended:
                return None
            self._came.clear()
            await self._came.wait()
        notices, self._notices = self._notices, []
        if self._dropped:
            notices.insert(
                0, LogNotice("dropped", f"{plural(self._dropped, 'line')} dropped", count=self._dropped)
            )
            self._dropped = 0
        count = min(most, len(self._lines))
        return LogBatch(tuple(self._lines.popleft() for _ in range(count)), tuple(notices))
