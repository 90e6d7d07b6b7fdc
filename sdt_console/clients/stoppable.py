"""Work in a thread that tells how far it is, and that a cancelled run stops instead of leaving it behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

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
