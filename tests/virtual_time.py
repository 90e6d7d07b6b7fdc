"""An event loop in which time passes only when nothing else is left to do: hours in milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

EPOCH = 1_750_000_000.0


class _Selector(selectors.DefaultSelector):
    moved: Callable[[float], None]

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("all wait, and nothing will ever happen")
        if not ready and timeout:
            self.moved(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._now = 0.0
        selector = _Selector()
        selector.moved = self._move
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def _move(self, seconds: float) -> None:
        self._now += seconds


class LoopClock:
    """The running loop's time, as seconds since an epoch; the last time, where none runs."""

    def __init__(self) -> None:
        self._last = EPOCH

    def now(self) -> float:
        with suppress(RuntimeError):
            self._last = EPOCH + asyncio.get_running_loop().time()
        return self._last

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Inline(Executor):
    """Runs what it is given at once, without a thread: the loop's time does not run on meanwhile."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 -- whoever waits for it gets it
            future.set_exception(error)
        return future


def run(main: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run`` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
