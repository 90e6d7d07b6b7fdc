"""The API budget: how many calls go out when, and who goes first."""

from __future__ import annotations

import asyncio
import random

import pytest

from sdt_console.clients.budget import QUOTAS, Budget, Quota
from sdt_console.sandbox import faults
from tests.virtual_time import EPOCH, LoopClock, run

CALL = "ecs:Call"
SMALL = Quota("small", (CALL, "ecs:Other"), 3, 2)


class Log:
    """Calls through one small bucket, and when they went out."""

    def __init__(self, quota: Quota = SMALL) -> None:
        self.clock = LoopClock()
        self.budget = Budget(self.clock, [quota], spare=0)
        self.went: list[tuple[str, float]] = []

    async def call(self, name: str = "", *, urgent: bool = True, operation: str = CALL) -> None:
        await self.budget.take(operation, self.budget.ticket(urgent=urgent))
        self.went.append((name, self.clock.now() - EPOCH))

    @property
    def names(self) -> str:
        return "".join(name for name, _ in self.went)

    @property
    def times(self) -> list[float]:
        return [at for _, at in self.went]


def fullest(times: list[float], sustained: float) -> float:
    """The highest level of a bucket that leaks ``sustained`` a second, each call being a drop."""
    level, last, highest = 0.0, 0.0, 0.0
    for at in sorted(times):
        level = max(0.0, level - (at - last) * sustained) + 1
        last, highest = at, max(highest, level)
    return highest


def test_a_burst_goes_out_at_once_and_the_rest_at_the_sustained_rate() -> None:
    async def go() -> Log:
        log = Log()
        await asyncio.gather(*(log.call() for _ in range(7)))
        await asyncio.sleep(60)
        await asyncio.gather(*(log.call() for _ in range(4)))
        return log

    times = run(go()).times
    assert times[:7] == pytest.approx([0, 0, 0, 0.5, 1, 1.5, 2], abs=0.01)
    assert times[7:10] == [times[7]] * 3  # a minute of rest fills the bucket, and no more than that
    assert times[10] == pytest.approx(times[7] + 0.5, abs=0.01)


def test_a_call_in_no_bucket_is_free_and_one_bucket_is_shared_by_its_calls() -> None:
    async def go() -> Log:
        log = Log()
        await asyncio.gather(*(log.call(operation="sts:GetCallerIdentity") for _ in range(100)))
        await asyncio.gather(*(log.call(operation=name) for name in (CALL, "ecs:Other") for _ in range(2)))
        return log

    assert run(go()).times[100:] == pytest.approx([0, 0, 0, 0.5], abs=0.01)


def test_first_come_first_served_but_the_deploy_before_those_who_watch() -> None:
    async def go() -> Log:
        log = Log()
        for _ in range(3):
            await log.call("-")
        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(log.call(name, urgent=False))
            await asyncio.sleep(0.2)  # the first watcher waits for its token already
            for name in "XYZ":
                group.create_task(log.call(name))
        return log

    log = run(go())
    assert log.names == "---XYZabc"
    assert log.times[3:] == pytest.approx([0.5, 1, 1.5, 2, 2.5, 3], abs=0.01)


def test_who_gives_up_takes_nothing_and_holds_up_nobody() -> None:
    async def go() -> Log:
        log = Log()
        for _ in range(3):
            await log.call("-")
        tasks = [asyncio.create_task(log.call(name)) for name in "abcd"]
        await asyncio.sleep(0.1)
        tasks[0].cancel()
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return log

    log = run(go())
    assert log.names == "---bd"
    assert log.times[3:] == pytest.approx([0.5, 1.0], abs=0.01)


def test_a_part_of_the_burst_is_left_to_others() -> None:
    async def go() -> list[float]:
        clock = LoopClock()
        budget = Budget(clock, [Quota("ten", (CALL,), 10, 1)])
        times = []
        for _ in range(10):
            await budget.take(CALL, budget.ticket())
            times.append(clock.now() - EPOCH)
        return times

    assert run(go()) == pytest.approx([0] * 9 + [1], abs=0.01)


def test_what_aws_refuses_empties_the_bucket() -> None:
    async def go() -> Log:
        log = Log()
        await log.call("a")
        log.budget.refused(CALL)
        await log.call("b")
        return log

    assert run(go()).times == pytest.approx([0, 0.5], abs=0.01)


def test_a_clock_that_is_set_back_gives_nothing_and_costs_nothing() -> None:
    class Clock(LoopClock):
        back = 0.0

        def now(self) -> float:
            return super().now() - self.back

    async def go() -> float:
        clock = Clock()
        budget = Budget(clock, [SMALL], spare=0)
        loop = asyncio.get_running_loop()
        for _ in range(3):
            await budget.take(CALL, budget.ticket())
        clock.back = 3600
        await budget.take(CALL, budget.ticket())
        return loop.time()

    assert run(go()) == pytest.approx(0.5, abs=0.01)


def test_usage_tells_the_last_minute_and_the_peak() -> None:
    async def go() -> None:
        log = Log(Quota("small", (CALL,), 100, 2))
        for _ in range(60):
            await log.call()
        (use,) = log.budget.usage()
        assert (use.quota, use.burst, use.sustained) == ("small", 100, 2)
        assert (use.calls, use.recent, use.share, use.peak) == (60, 60, 0.5, 0.5)
        await asyncio.sleep(61)
        await log.call()
        (use,) = log.budget.usage()
        assert (use.calls, use.recent, use.peak) == (61, 1, 0.5)
        assert use.share == pytest.approx(1 / 120)

    run(go())


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_the_bucket_holds(seed: int) -> None:
    """Callers of both kinds come and give up at any time; every one that stays gets its call."""
    dice = random.Random(seed)
    quota = Quota("some", (CALL,), dice.randint(1, 10), dice.choice([0.3, 1, 5, 20]))
    stayed = 0

    async def one(log: Log, begin: float, patience: float | None, urgent: bool) -> None:
        nonlocal stayed
        await asyncio.sleep(begin)
        try:
            async with asyncio.timeout(patience):
                await log.call(urgent=urgent)
        except TimeoutError:
            return
        stayed += 1

    async def go() -> Log:
        log = Log(quota)
        async with asyncio.TaskGroup() as group:
            for _ in range(100):
                patience = dice.choice([None, None, dice.uniform(0, 10)])
                group.create_task(one(log, dice.uniform(0, 20), patience, dice.random() < 0.5))
        return log

    log = run(go())
    assert len(log.went) == stayed > 0
    assert fullest(log.times, quota.sustained) <= quota.burst + 1e-6
    if stayed > quota.burst:  # and no slower than it must be, but for what rounding up costs
        busy = log.times[-1] - log.times[0]
        assert busy <= 20 + (stayed - quota.burst) / quota.sustained + 0.001 * stayed


def test_our_quotas_of_ecs_are_those_that_the_sandbox_enforces() -> None:
    ours = {
        (frozenset(name.removeprefix("ecs:") for name in q.operations), q.burst, q.sustained)
        for q in QUOTAS
        if q.operations[0].startswith("ecs:")
    }
    assert ours == {(frozenset(names), burst, rate) for names, burst, rate in faults.QUOTAS}


def test_no_call_is_in_two_buckets() -> None:
    names = [name for quota in QUOTAS for name in quota.operations]
    assert len(names) == len(set(names))
