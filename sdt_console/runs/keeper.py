"""Keeps a run's leases while it works: acquired on entry, renewed, asked before each change, released."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import ParamSpec, Protocol, Self, TypeVar

from sdt_console.errors import LeaseLostError, SdtError, moment
from sdt_console.model import Hold, Holder
from sdt_console.runs.lease import Leases

P = ParamSpec("P")
T = TypeVar("T")


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""


class Keeper:
    """The right to change the services of one run, for as long as the ``async with`` block.

    Heartbeats go on beside the run; without one, ``check`` renews what is older than ``every``, so that a
    run is never on a lease that somebody else could have had since, and looks whether a younger one is still
    there: it may be broken by hand at any moment. Without services nothing is acquired.

    :param keys: each ``{environment}/{service}``.
    :param ttl: seconds from a heartbeat until others may take over.
    :param every: seconds between two heartbeats.
    :param pause: waits that long. Real time even where ``clock`` is not: a heartbeat says that this
        process lives, and must not make time pass on a clock that waiting moves.
    :raises LeaseHeldError: on entry: others hold some of ``keys``; nothing was acquired.
    """

    def __init__(
        self,
        leases: Leases,
        keys: Sequence[str],
        holder: Holder,
        clock: Clock,
        ttl: float = 60,
        every: float = 20,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.taken_over: tuple[str, ...] = ()
        """A sentence for each hold that was taken over, and from whom; untrusted text."""
        self._leases = leases
        self._keys = tuple(keys)
        self._holder = holder
        self._clock = clock
        self._ttl = ttl
        self._every = every
        self._pause = pause
        self._holds: tuple[Hold, ...] = ()
        self._renewed = 0.0
        self._lost: LeaseLostError | None = None
        self._one = asyncio.Lock()
        # One of its own: builds may fill the loop's pool for minutes.
        self._thread = ThreadPoolExecutor(1, "sdt-lease")
        self._beating: asyncio.Task[None] | None = None

    @property
    def holds(self) -> tuple[Hold, ...]:
        """As last renewed."""
        return self._holds

    async def __aenter__(self) -> Self:
        if not self._keys:
            return self
        now = self._clock.now()
        acquiring = self._thread_does(self._leases.acquire, self._keys, self._holder, now, self._ttl)
        try:
            grant = await _to_its_end(acquiring)
        except BaseException:
            if acquiring.done() and acquiring.exception() is None:  # cancelled: it came too late to be of use
                self._holds = acquiring.result().holds
            await self._release()
            raise
        self._holds, self._renewed = grant.holds, now
        self.taken_over = tuple(_taken_over(hold, now) for hold in grant.taken_over)
        self._beating = asyncio.create_task(self._beat(), name="lease")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        beating = self._beating
        try:
            if beating is not None:
                beating.cancel()
                await asyncio.wait([beating])
        finally:
            await self._release()
        if error is None and beating is not None and not beating.cancelled():
            beating.result()  # a defect in it is one of the run

    async def check(self) -> None:
        """Whether the services are still ours: the store is asked each time, by one read or by a renewal.

        While it cannot be reached a lease is ours until it expires.

        :raises LeaseLostError: one is not: taken over, broken by hand, or expired and not to be renewed.
        """
        if self._lost is not None:
            raise self._lost
        if self._holds and not await self._renew():
            await self._prove()
        if self._lost is not None:
            raise self._lost

    async def _beat(self) -> None:
        while self._lost is None:
            await self._pause(self._every)
            await self._renew()

    async def _prove(self) -> None:
        """Look whether it is still ours; a store that is out of reach says nothing: it was renewed lately."""
        try:
            await _to_its_end(self._thread_does(self._leases.prove, self._holds))
        except LeaseLostError as lost:
            self._lost = lost
        except SdtError:
            pass

    async def _renew(self) -> bool:
        """Renew if that is due, and whether it was; what is lost is kept in ``_lost``."""
        async with self._one:
            now = self._clock.now()
            if self._lost is not None or now - self._renewed < self._every:
                return False
            try:
                renewing = self._thread_does(self._leases.renew, self._holds, now, self._ttl)
                self._holds = await _to_its_end(renewing)
                self._renewed = now
            except LeaseLostError as lost:
                self._lost = lost
            except SdtError as error:
                if self._clock.now() >= self._renewed + self._ttl:
                    why = f"it expired at {moment(self._renewed + self._ttl)}, for it could not be renewed"
                    self._lost = LeaseLostError(self._holds[0], cause=f"{why}: {error.what}")
            return True

    async def _release(self) -> None:
        """Give back what is ours; a store that cannot be reached lets it expire."""
        try:
            if self._holds:
                with suppress(SdtError):
                    await _to_its_end(self._thread_does(self._leases.release, self._holds))
        finally:
            self._thread.shutdown(wait=False)

    def _thread_does(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *args, **kwargs))


async def _to_its_end(work: asyncio.Future[T]) -> T:
    """The result of what a thread does; a cancelled caller goes on only when the thread has ended."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def _taken_over(hold: Hold, now: float) -> str:
    why = "its lease had expired" if now >= hold.expires else "its process is gone"
    return f"{hold.key} was taken over from run {hold.run} of {hold.owner} on {hold.host}: {why}"
