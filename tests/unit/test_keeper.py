"""A lease is kept while a run works: on a fixed clock, with heartbeats when the test says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sdt_console.errors import CloudError, LeaseHeldError, LeaseLostError, StoreError
from sdt_console.model import Broken, Grant, Hold, Holder
from sdt_console.runs.keeper import Keeper
from sdt_console.runs.lease import SqliteLeases
from tests.leases import ADA, BOB, NOW, A, B


class FixedClock:
    def __init__(self) -> None:
        self.at = NOW
        self._beat = asyncio.Event()
        self._waited = asyncio.Event()

    def now(self) -> float:
        return self.at

    async def pause(self, seconds: float) -> None:
        assert seconds == 20
        self._waited.set()
        await self._beat.wait()
        self._beat.clear()

    async def beat(self, at: float) -> None:
        """Let one heartbeat happen, and wait until it has."""
        await self._waited.wait()
        self._waited.clear()
        self.at = NOW + at
        self._beat.set()
        await self._waited.wait()


class Watched:
    """The store itself, counted, and out of reach when told to be."""

    def __init__(self, store: SqliteLeases) -> None:
        self._store = store
        self.renewals = 0
        self.looks = 0
        self.away = False
        self.gate: threading.Event | None = None

    def acquire(self, keys: Sequence[str], holder: Holder, now: float, ttl: float) -> Grant:
        if self.gate is not None:
            self.gate.wait(10)
        return self._store.acquire(keys, holder, now, ttl)

    def renew(self, holds: Sequence[Hold], now: float, ttl: float) -> tuple[Hold, ...]:
        self.renewals += 1
        self._reached()
        return self._store.renew(holds, now, ttl)

    def prove(self, holds: Sequence[Hold]) -> None:
        self.looks += 1
        self._reached()
        self._store.prove(holds)

    def release(self, holds: Sequence[Hold]) -> None:
        self._reached()
        self._store.release(holds)

    def holds(self) -> tuple[Hold, ...]:
        return self._store.holds()

    def broken(self) -> tuple[Broken, ...]:
        return self._store.broken()

    def break_(self, key: str, by: str, reason: str, now: float) -> Broken:
        return self._store.break_(key, by, reason, now)

    def close(self) -> None:
        self._store.close()

    def _reached(self) -> None:
        if self.away:
            raise CloudError("dynamodb:TransactWriteItems did not reach AWS")


@pytest.fixture
def leases(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(SqliteLeases(tmp_path / "leases.sqlite3"))
    yield made
    made.close()


def keeper(leases: Watched, clock: FixedClock, *keys: str) -> Keeper:
    return Keeper(leases, keys or (A, B), ADA, clock, pause=clock.pause)


def test_it_holds_renews_and_releases(leases: Watched) -> None:
    async def run() -> None:
        clock = FixedClock()
        async with keeper(leases, clock) as lease:
            assert [hold.key for hold in leases.holds()] == [A, B]
            for n in (1, 2, 3, 4):
                await clock.beat(20 * n)
            assert {hold.expires for hold in leases.holds()} == {NOW + 140}
            await lease.check()
        assert leases.holds() == ()

    asyncio.run(run())


def test_asking_is_a_look_while_the_last_renewal_is_young(leases: Watched) -> None:
    async def run() -> None:
        clock = FixedClock()
        async with keeper(leases, clock) as lease:
            clock.at = NOW + 19.9
            await asyncio.gather(*(lease.check() for _ in range(50)))
            assert (leases.renewals, leases.looks) == (0, 50)
            clock.at = NOW + 20
            await asyncio.gather(*(lease.check() for _ in range(50)))
            assert (leases.renewals, leases.looks) == (1, 99)

    asyncio.run(run())


def test_what_others_hold_is_refused_on_entry(leases: Watched) -> None:
    async def run() -> None:
        leases.acquire([B], BOB, NOW, 60)
        with pytest.raises(LeaseHeldError):
            async with keeper(leases, FixedClock()):
                pytest.fail("entered")
        assert [hold.owner for hold in leases.holds()] == ["bob"]

    asyncio.run(run())


def test_from_whom_it_was_taken_over_is_told(leases: Watched) -> None:
    async def run() -> None:
        leases.acquire([B], BOB, NOW - 61, 60)
        async with keeper(leases, FixedClock()) as lease:
            assert lease.taken_over == (
                "dev/user-service was taken over from run run-b of bob on laptop: its lease had expired",
            )

    asyncio.run(run())


@pytest.mark.parametrize("by_heartbeat", [True, False])
def test_a_broken_lease_is_told_before_the_next_change(leases: Watched, by_heartbeat: bool) -> None:
    async def run() -> None:
        clock = FixedClock()
        async with keeper(leases, clock) as lease:
            leases.break_(B, "eve", "stuck", NOW + 1)
            if by_heartbeat:
                await clock._waited.wait()
                clock.at = NOW + 20
                clock._beat.set()
                beating = lease._beating
                assert beating is not None
                await beating  # the last one: there is nothing to renew any more
            clock.at = NOW + 20
            for _ in range(2):
                with pytest.raises(LeaseLostError, match=r"eve broke it .*: stuck"):
                    await lease.check()
            assert leases.renewals == 1
        assert leases.holds() == ()  # the other one is given back

    asyncio.run(run())


def test_a_lease_broken_a_moment_ago_and_taken_by_another_stops_the_next_change(leases: Watched) -> None:
    async def run() -> None:
        clock = FixedClock()
        async with keeper(leases, clock) as lease:
            await lease.check()
            leases.break_(A, "eve", "I take over", NOW)
            leases.acquire([A], BOB, NOW, 60)
            for _ in range(2):
                with pytest.raises(LeaseLostError, match=r"I take over; bob on laptop has it"):
                    await lease.check()
            assert leases.renewals == 0
        assert [hold.owner for hold in leases.holds()] == ["bob"]

    asyncio.run(run())


def test_a_store_out_of_reach_between_two_renewals_costs_nothing(leases: Watched) -> None:
    async def run() -> None:
        clock = FixedClock()
        async with keeper(leases, clock) as lease:
            leases.away = True
            clock.at = NOW + 19
            await lease.check()
            assert (leases.renewals, leases.looks) == (0, 1)

    asyncio.run(run())


def test_a_store_out_of_reach_costs_the_lease_only_when_it_expires(leases: Watched) -> None:
    async def run() -> None:
        clock = FixedClock()
        async with keeper(leases, clock) as lease:
            leases.away = True
            for at in (20, 40, 59):
                await clock.beat(at)
                await lease.check()
            leases.away = False
            await clock.beat(59.5)
            assert {hold.expires for hold in leases.holds()} == {NOW + 119.5}
            leases.away = True
            clock.at = NOW + 119.5
            with pytest.raises(LeaseLostError, match=r"could not be renewed: .*did not reach AWS"):
                await lease.check()
        assert len(leases.holds()) == 2  # it could not be released either, and expires

    asyncio.run(run())


def test_one_that_expired_while_the_machine_slept_is_ours_if_nobody_took_it(leases: Watched) -> None:
    async def run() -> None:
        clock = FixedClock()
        async with keeper(leases, clock) as lease:
            clock.at = NOW + 3600
            await lease.check()
            clock.at = NOW + 7200
            leases.acquire([A], BOB, clock.at, 60)
            with pytest.raises(LeaseLostError, match="bob on laptop has it"):
                await lease.check()
        assert [hold.owner for hold in leases.holds()] == ["bob"]

    asyncio.run(run())


@pytest.mark.parametrize("error", [StoreError("disk full"), KeyboardInterrupt(), asyncio.CancelledError()])
def test_it_is_released_however_the_run_ends(leases: Watched, error: BaseException) -> None:
    async def run() -> None:
        async with keeper(leases, FixedClock()):
            raise error

    with pytest.raises(type(error)):
        asyncio.run(run())
    assert leases.holds() == ()


def test_a_run_cancelled_while_it_acquires_leaves_nothing_held(leases: Watched) -> None:
    async def run() -> None:
        leases.gate = threading.Event()

        async def work() -> None:
            async with keeper(leases, FixedClock()):
                pytest.fail("entered")

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        leases.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert leases.holds() == ()
    assert leases.acquire([A], BOB, NOW, 60).holds[0].fencing == 2  # it had been acquired


def test_a_plan_without_services_needs_no_store(leases: Watched) -> None:
    async def run() -> None:
        clock = FixedClock()
        async with Keeper(leases, (), ADA, clock) as lease:
            clock.at = NOW + 1000
            await lease.check()
        assert leases.renewals == 0

    asyncio.run(run())
