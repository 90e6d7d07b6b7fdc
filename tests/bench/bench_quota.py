"""A thousand services deployed at once, while a console watches: inside every quota of ECS, at all times.

In virtual time: what goes out when is what counts. Each service registers, updates, and is followed for two
minutes by one poller for all, and at the end its tasks and its deployment are looked at; in a third run one
call in ten is throttled, because of what others use. How full each bucket gets is worked out here from the
times of the calls, and not by the budget. And the budget costs little: hardly longer than the tightest quota
takes, a deploy does not wait for those who watch, and the machine hardly notices.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from random import Random

from botocore.exceptions import ClientError

from sdt_console.clients.call import Caller
from sdt_console.sandbox.faults import QUOTAS
from tests.bench.measure import verdict
from tests.virtual_time import EPOCH, Inline, LoopClock, run

SERVICES, ROLLOUT_S, TICK_S = 1_000, 120.0, 2.0
REGISTRATIONS, BURST = 1.0, 20
"""ECS's tightest quota: RegisterTaskDefinition, sustained a second and at once."""


class Ecs:
    """Answers nothing, and writes down when it was called; refuses now and then, where told to."""

    def __init__(self, clock: LoopClock, refusing: float = 0.0) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)
        self._clock = clock
        self._refusing = refusing
        self._dice = Random(4)

    def __call__(self, operation: str) -> None:
        self.times[operation].append(self._clock.now() - EPOCH)
        if self._dice.random() < self._refusing:
            error = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
            raise ClientError(error, operation)


class Run:
    """One simulated run of ``services`` services.

    :param watching: a console draws all of them, too.
    """

    def __init__(self, services: int, *, watching: bool = False, refusing: float = 0.0) -> None:
        clock = LoopClock()
        self.ecs = Ecs(clock, refusing)
        self.took = 0.0
        self._services = services
        self._watching = watching
        self._call = Caller(clock=clock, random=Random(2), pool=Inline())
        self._clock = clock
        self._in_flight = 0

    async def _ask(self, call: Caller, operation: str, times: int = 1) -> None:
        name = f"ecs:{operation}"
        await asyncio.gather(*(call(name, self.ecs, operation) for _ in range(times)))

    async def _one(self) -> None:
        await self._ask(self._call, "DescribeTaskDefinition")
        await self._call.change("ecs:RegisterTaskDefinition", self.ecs, "RegisterTaskDefinition")
        await self._call.change_once("ecs:UpdateService", self.ecs, "UpdateService")
        self._in_flight += 1
        await asyncio.sleep(ROLLOUT_S)
        await self._ask(self._call, "ListTasks")
        await self._ask(self._call, "DescribeTasks")
        await self._ask(self._call, "ListServiceDeployments")
        await self._ask(self._call, "DescribeServiceDeployments")
        self._in_flight -= 1

    async def _poll(self) -> None:
        while True:
            await self._ask(self._call, "DescribeServices", -(-self._in_flight // 10))
            await asyncio.sleep(TICK_S)

    async def _watch(self) -> None:
        while True:
            await self._ask(self._call.watching, "DescribeServices", -(-self._services // 10))
            await self._ask(self._call.watching, "DescribeTaskDefinition", self._services // 10)
            await asyncio.sleep(TICK_S)

    async def go(self) -> Run:
        others = [asyncio.create_task(self._poll())]
        others += [asyncio.create_task(self._watch())] * self._watching
        await asyncio.gather(*(self._one() for _ in range(self._services)))
        self.took = self._clock.now() - EPOCH
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        return self

    def fullest(self) -> dict[str, float]:
        """First operation of a bucket → how full it ever was, 1 being all that ECS takes."""
        found = {}
        for operations, burst, sustained in QUOTAS:
            times = sorted(at for name in operations for at in self.ecs.times[name])
            level, last, highest = 0.0, 0.0, 0.0
            for at in times:
                level = max(0.0, level - (at - last) * sustained) + 1
                last, highest = at, max(highest, level)
            if times:
                found[operations[0]] = highest / burst
        return found

    def of(self, operation: str) -> int:
        return len(self.ecs.times[operation])


def main() -> None:
    begin = time.perf_counter()
    alone = run(Run(SERVICES).go())
    seconds = time.perf_counter() - begin
    watched = run(Run(SERVICES, watching=True).go())
    throttled = run(Run(SERVICES, watching=True, refusing=0.1).go())
    few = run(Run(15).go())
    if alone.of("RegisterTaskDefinition") != SERVICES or alone.of("UpdateService") != SERVICES:
        sys.exit("not every service was deployed, or one was twice")
    checks = {}
    for told, one in {"": alone, ", watched": watched, ", watched and throttled": throttled}.items():
        for operation, full in one.fullest().items():
            checks[f"fullest the bucket of {operation} was{told}, % of its limit"] = (100 * full, 100.0)
    calls = sum(len(times) for times in alone.ecs.times.values())
    least = (SERVICES - BURST) / REGISTRATIONS + ROLLOUT_S
    checks |= {
        f"{SERVICES:,} services, % of what registering and one rollout take": (
            100 * alone.took / least,
            103.0,
        ),
        "the same, watched": (100 * watched.took / least, 103.0),
        "15 services, % of one rollout": (100 * few.took / ROLLOUT_S, 103.0),
        "waiting and counting, ms of this machine a call": (1000 * seconds / calls, 2.0),
    }
    verdict(checks)


if __name__ == "__main__":
    main()
