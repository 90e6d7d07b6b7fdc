"""Work in a thread that tells how far it is, and that a cancelled run stops instead of leaving it behind."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")

EVERY_S = 0.2
"""Seconds between two notes of progress: every one is recorded durably."""

GRACE_S = 5.0
"""How long to wait for the end of what was stopped; longer takes only what does not answer at all."""

Progress = Callable[[str, int, int], None]
"""``(note, done, total)``, ``total`` 0 if unknown; called from the thread that works."""


async def stoppable(work: Coroutine[Any, Any, T], stop: Callable[[], None]) -> T:
    """Await ``work``; when cancelled, call ``stop`` and wait until the work has really ended.

    :param work: ends soon after ``stop`` was called, with any result or error; both are dropped then.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop()
        await asyncio.wait([task], timeout=GRACE_S)
        if task.done():
            with contextlib.suppress(BaseException):
                task.result()
        raise


class Paced:
    """Progress at a pace that can be recorded: at most one note every ``EVERY_S`` seconds, and the newest.

    What is left out is only what a newer note overtook; the note before a silence comes, a moment later, from
    a thread of its own. To be closed, as by ``with``: the last note comes then, and none after it.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._waiting: tuple[str, int, int] | None = None
        self._told: tuple[str, int, int] | None = None
        self._last = time.monotonic() - EVERY_S
        self._timer: threading.Timer | None = None

    def __call__(self, note: str, done: int, total: int) -> None:
        with self._lock:
            self._waiting = (note, done, total)
            wait = self._last + EVERY_S - time.monotonic()
            if wait <= 0:
                self._tell()
            elif self._timer is None:
                self._timer = threading.Timer(wait, self._late)
                self._timer.daemon = True
                self._timer.start()

    def _late(self) -> None:
        with self._lock:
            if self._timer is not None:  # else it was closed meanwhile
                with contextlib.suppress(RuntimeError):  # the run's event loop has ended: nobody listens
                    self._tell()

    def _tell(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting is not None and self._waiting != self._told:
            self._last = time.monotonic()
            self._progress(*self._waiting)
            self._told = self._waiting
        self._waiting = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._tell()
