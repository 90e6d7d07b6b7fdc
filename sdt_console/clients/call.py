"""The one function through which blocking SDK calls run.

It alone refuses changes when read-only, keeps to the API budget, counts calls, sends again what failed in
passing, maps the SDK's errors to ours, and leaves no change behind in a thread when it is cancelled.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import copy
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any, ParamSpec, Self, TypeVar

from sdt_console.clients.budget import Budget
from sdt_console.clients.clock import Clock, MachineClock
from sdt_console.clients.retries import REPEATABLE, Attempts, Trouble
from sdt_console.errors import CloudError, ReadOnlyError, SdtError
from sdt_console.model import QuotaUse

P = ParamSpec("P")
T = TypeVar("T")

ENDING_S = 45.0
"""How long a change under way is waited for when its run is cancelled; the SDK's time-outs are shorter."""

_guard: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("guard", default=None)
# Of the task that asks, not of the caller: several runs of one process may share a caller.


@contextmanager
def guarded(check: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Ask ``check`` right before each attempt of every change that is asked for within the block.

    A change may have waited for its quota, or have been refused for a while, since it was decided on.

    :param check: raises an :class:`SdtError` if nothing may be changed any more: then that is the answer.
    """
    token = _guard.set(check)
    try:
        yield
    finally:
        _guard.reset(token)


@dataclass
class _Shared:
    """What a caller and its views have in common."""

    clock: Clock
    budget: Budget
    random: Random
    pause: Callable[[float], object]
    noted: Callable[[str], None] | None
    counts: Counter[str] = field(default_factory=Counter)
    changes: set[Future[Any]] = field(default_factory=set)


class Caller:
    """Runs blocking calls on threads of its own; used from one event loop at a time.

    :param read_only: refuse every call that changes something.
    :param threads: how many calls may be under way at once; who only watches has half as many besides.
    :param clock: what waiting for quotas and before another attempt goes by.
    :param budget: to share one with others of the same account and region.
    :param random: of the pauses between attempts.
    :param pause: the same waiting for calls that block, see :meth:`blocking`.
    :param noted: told in one sentence when a call is sent again; on the event loop's thread, but for blocking
        calls. It can be set later.
    :param pool: runs the calls instead of threads of its own.
    """

    def __init__(
        self,
        *,
        read_only: bool = False,
        threads: int = 16,
        clock: Clock | None = None,
        budget: Budget | None = None,
        random: Random | None = None,
        pause: Callable[[float], object] = time.sleep,
        noted: Callable[[str], None] | None = None,
        pool: Executor | None = None,
    ) -> None:
        self.read_only = read_only
        clock = clock or MachineClock()
        self._shared = _Shared(clock, budget or Budget(clock), random or SystemRandom(), pause, noted)
        self._pool = pool or ThreadPoolExecutor(threads, "sdt-call")
        self._watch_pool = pool or ThreadPoolExecutor(max(1, threads // 2), "sdt-watch")
        self._urgent = True

    @property
    def watching(self) -> Self:
        """The same caller for those who only watch: where a quota is short, the deploy goes first.

        Counts and budget are shared; the threads are others, so that a deploy never waits for one.
        """
        view = copy.copy(self)
        view._urgent, view._pool = False, self._watch_pool
        return view

    @property
    def counts(self) -> Counter[str]:
        """Calls sent since the start, by operation; each attempt is one."""
        return self._shared.counts

    @property
    def noted(self) -> Callable[[str], None] | None:
        return self._shared.noted

    @noted.setter
    def noted(self, value: Callable[[str], None] | None) -> None:
        self._shared.noted = value

    def usage(self) -> tuple[QuotaUse, ...]:
        """How much of each of AWS's quotas is used."""
        return self._shared.budget.usage()

    async def __call__(
        self, operation: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a call that only reads; one request, for the budget counts it as one. Cancelled, it is left.

        :param operation: its name for counts, quotas and errors, such as ``ecs:DescribeServices``.
        :raises SdtError: the call failed; never an SDK's own exception.
        """
        return await self._run(operation, lambda: function(*args, **kwargs), change=False, repeatable=True)

    async def change(
        self, operation: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a call that changes something.

        Cancelled before it was begun it never is; cancelled later, its end is waited for.

        :raises ReadOnlyError: this session may not change anything.
        :raises CloudError: the call failed; it may have been carried out all the same if ``unknown`` is set.
        :raises SdtError: likewise, for what is no call to AWS.
        """
        self.refuse_if_read_only(operation)
        work = lambda: function(*args, **kwargs)  # noqa: E731 -- a def would need the types again
        return await self._run(operation, work, change=True, repeatable=operation in REPEATABLE)

    async def change_once(
        self, operation: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As :meth:`change`, for a call that does something else when it is made twice, whatever its name."""
        self.refuse_if_read_only(operation)
        return await self._run(operation, lambda: function(*args, **kwargs), change=True, repeatable=False)

    def blocking(self, operation: str, function: Callable[[], T], *, changes: bool) -> T:
        """Run a call on the thread that asks for it, for stores that are used from threads of their own.

        :raises ReadOnlyError: it changes something, and this session may not.
        :raises SdtError: the call failed.
        """
        if changes:
            self.refuse_if_read_only(operation)
        attempts = self._attempts(
            operation, change=changes, repeatable=not changes or operation in REPEATABLE
        )
        while True:
            self.counts[operation] += 1
            try:
                return function()
            except SdtError:
                raise
            except Exception as error:
                wait = attempts.after(error)
                if wait is None:
                    failure = attempts.failure(error)
                    if failure is None:  # a defect of ours
                        raise
                    raise failure from error
            self._note(attempts.told(wait))
            self._shared.pause(wait)

    def refuse_if_read_only(self, operation: str) -> None:
        """:raises ReadOnlyError: this session may not change anything."""
        if self.read_only:
            raise ReadOnlyError(
                f"{operation} refused", "this session is read-only", "run again without --read-only"
            )

    async def _run(self, operation: str, work: Callable[[], T], *, change: bool, repeatable: bool) -> T:
        shared = self._shared
        ticket = shared.budget.ticket(urgent=self._urgent)
        await shared.budget.take(operation, ticket)
        attempts = self._attempts(operation, change=change, repeatable=repeatable)
        while True:
            await self._allowed(change)
            self.counts[operation] += 1
            try:
                return await self._send(operation, work, change=change)
            except SdtError:
                raise
            except Exception as error:
                wait = attempts.after(error)
                if wait is None:
                    failure = attempts.failure(error)
                    if failure is None:  # a defect of ours
                        raise
                    raise failure from error
            if attempts.last is Trouble.THROTTLED:
                shared.budget.refused(operation)
            self._note(attempts.told(wait))
            await shared.clock.sleep(wait)
            await shared.budget.take(operation, ticket)

    @staticmethod
    async def _allowed(change: bool) -> None:
        """Whether this attempt may be made; see :func:`guarded`."""
        check = _guard.get() if change else None
        if check is not None:
            await check()

    def _attempts(self, operation: str, *, change: bool, repeatable: bool) -> Attempts:
        random, now = self._shared.random, self._shared.clock.now
        return Attempts(operation, change=change, repeatable=repeatable, random=random, now=now)

    def _note(self, told: str) -> None:
        if self._shared.noted is not None:
            self._shared.noted(told)

    async def _send(self, operation: str, work: Callable[[], T], *, change: bool) -> T:
        try:
            future = self._pool.submit(work)
        except RuntimeError as error:  # the pool takes nothing more
            raise CloudError(f"{operation} was not sent", "the session has been closed") from error
        if change:
            self._shared.changes.add(future)
            future.add_done_callback(self._shared.changes.discard)
        answer = asyncio.wrap_future(future)
        try:
            await asyncio.wait([answer])
        except asyncio.CancelledError:
            await self._withdraw(future, answer, change=change)
            raise
        return answer.result()

    @staticmethod
    async def _withdraw(future: Future[T], answer: asyncio.Future[T], *, change: bool) -> None:
        """Nobody wants this call any more: it is not begun, or left, or if it changes something awaited."""
        try:
            if not future.cancel() and change:
                await asyncio.wait([answer], timeout=ENDING_S)
        finally:
            answer.cancel()
            if answer.done() and not answer.cancelled():
                answer.exception()  # looked at, so that asyncio does not complain that nobody did

    def close(self) -> None:
        """Stop taking calls; those not yet begun never are, and changes under way are waited for."""
        for pool in (self._pool, self._watch_pool):
            pool.shutdown(wait=False, cancel_futures=True)
        concurrent.futures.wait(tuple(self._shared.changes), timeout=ENDING_S)
