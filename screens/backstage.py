"""Where the engine works while the screens are drawn: a thread with an event loop of its own.

Everything that may wait, be it AWS, Git or a disk, happens here; the application only draws. What has
happened comes back as messages, which Textual takes from any thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Backstage:
    """Starts with the application; ``close`` cancels what is under way and waits for its end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="backstage", daemon=True)
        self._thread.start()

    def begin(self, work: Coroutine[Any, Any, Any]) -> Callable[[], None]:
        """Start ``work`` there, which tells its own end; calling the result cancels it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).cancel  # type: ignore[return-value]

    async def ask(self, work: Coroutine[Any, Any, T]) -> T:
        """Have ``work`` done there; its result or error here."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def read(self, function: Callable[[], T]) -> T:
        """Have a function that may wait called there."""

        async def work() -> T:
            return await asyncio.to_thread(function)

        return await self.ask(work())

    def close(self) -> None:
        async def end() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
