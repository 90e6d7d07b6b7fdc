"""The API budget: no call goes out before its quota has room for it.

AWS counts calls per account and region in token buckets: a bucket holds ``burst`` calls, and gets
``sustained`` new ones a second. We keep the same count here, so that we wait before a call instead of after a
refusal.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from bisect import insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from sdt_console.clients.clock import Clock
from sdt_console.model import QuotaUse

SPARE = 0.1
"""The part of each burst that is left alone: for what others use, and since AWS's bucket does not fill while
the first calls are still on their way to it."""

WINDOW_S = 60.0
"""What ``used`` counts: calls of the last minute."""

_TICK_S = 0.001  # the shortest wait; shorter ones may not move a clock that counts from the epoch

Ticket = tuple[int, int]
"""A place in the queue: 0 for a deploy or 1 for who only watches, then the order of arrival."""


@dataclass(frozen=True)
class Quota:
    """One bucket.

    :param operations: the calls that share it, such as ``ecs:DescribeServices``.
    :param burst: calls that it holds when full.
    :param sustained: calls a second that it gets.
    """

    name: str
    operations: tuple[str, ...]
    burst: int
    sustained: float


def _ecs(name: str, burst: int, sustained: int, *operations: str) -> Quota:
    return Quota(name, tuple(f"ecs:{operation}" for operation in operations), burst, sustained)


QUOTAS = (
    # Amazon ECS Developer Guide, "Request throttling for the Amazon ECS API".
    _ecs(
        "task definition modify", 20, 1,
        "RegisterTaskDefinition", "DeregisterTaskDefinition", "DeleteTaskDefinitions",
    ),
    _ecs(
        "task definition read", 50, 20,
        "DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies",
    ),
    _ecs(
        "service modify", 50, 5,
        "CreateService", "UpdateService", "DeleteService", "StopServiceDeployment",
    ),
    _ecs("service read", 100, 20, "DescribeServices", "ListServices", "ListServicesByNamespace"),
    _ecs(
        "service deployment read", 50, 20,
        "ListServiceDeployments", "DescribeServiceDeployments", "DescribeServiceRevisions",
    ),
    _ecs("tasks", 100, 20, "RunTask", "StopTask", "DescribeTasks", "ListTasks", "StartTask"),
    _ecs(
        "cluster", 50, 20,
        "CreateCluster", "DeleteCluster", "DescribeClusters", "ListClusters", "UpdateCluster",
    ),
    # FilterLogEvents: 5 a second in the smallest regions ("CloudWatch Logs quotas").
    Quota("log search", ("logs:FilterLogEvents",), 5, 5),
    # Ours, below what AWS allows by default: other programs of the account want some, too.
    Quota("log read", ("logs:GetLogEvents", "logs:DescribeLogStreams"), 10, 10),
    Quota("log groups", ("logs:DescribeLogGroups",), 5, 5),
    Quota("metrics", ("cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics"), 20, 10),
    Quota("alarms", ("cloudwatch:DescribeAlarms",), 5, 5),
    Quota("image push", ("ecr:PutImage",), 10, 10),
    Quota("costs", ("ce:GetCostAndUsage", "ce:GetCostForecast", "ce:GetDimensionValues"), 5, 1),
)  # fmt: skip
"""A call in no bucket is free."""


class Budget:
    """The buckets of one account and region, shared by all that call it from this process.

    Used from one event loop at a time.

    :param spare: part of each burst that is not used.
    """

    def __init__(self, clock: Clock, quotas: Iterable[Quota] = QUOTAS, spare: float = SPARE) -> None:
        self._clock = clock
        self._buckets = [_Bucket(q, max(1.0, q.burst * (1 - spare)), clock.now()) for q in quotas]
        self._of = {operation: b for b in self._buckets for operation in b.quota.operations}
        self._arrivals = itertools.count()

    def ticket(self, *, urgent: bool = True) -> Ticket:
        """A place in the queue, kept through all attempts of one call; ``urgent`` ones go first."""
        return (0 if urgent else 1, next(self._arrivals))

    async def take(self, operation: str, ticket: Ticket) -> None:
        """Wait until ``operation`` may be called, and count it. Cancelled, it was not counted."""
        bucket = self._of.get(operation)
        if bucket is not None:
            await bucket.take(self._clock, ticket)

    def refused(self, operation: str) -> None:
        """AWS says that the quota is used up, as others in the account use it too: ours is empty, then."""
        bucket = self._of.get(operation)
        if bucket is not None:
            bucket.empty(self._clock.now())

    def usage(self) -> tuple[QuotaUse, ...]:
        """How much of each bucket we use, in the order of the quotas."""
        now = self._clock.now()
        return tuple(bucket.usage(now) for bucket in self._buckets)


@dataclass(order=True)
class _Waiting:
    ticket: Ticket
    turn: asyncio.Future[None] | None = field(default=None, compare=False)


class _Bucket:
    def __init__(self, quota: Quota, room: float, now: float) -> None:
        self.quota = quota
        self._room = self._level = room
        self._at = now
        self._queue: list[_Waiting] = []
        self._times: deque[float] = deque()
        self._count = 0
        self._peak = 0.0

    async def take(self, clock: Clock, ticket: Ticket) -> None:
        """Who is first waits on the clock; all others wait for their turn to be first."""
        mine = _Waiting(ticket)
        insort(self._queue, mine)
        try:
            while True:
                if self._queue[0] is not mine:
                    mine.turn = asyncio.get_running_loop().create_future()
                    await mine.turn
                    continue
                wait = self._wait(clock.now())
                if wait <= 0:
                    self.spend(clock.now())
                    return
                await clock.sleep(wait)
        finally:
            self._queue.remove(mine)
            if self._queue and (turn := self._queue[0].turn) is not None and not turn.done():
                turn.set_result(None)

    def spend(self, now: float) -> None:
        self._refill(now)
        self._level -= 1
        self._count += 1
        self._times.append(now)
        self._peak = max(self._peak, self._share(now))

    def empty(self, now: float) -> None:
        self._refill(now)
        self._level = min(self._level, 0.0)

    def usage(self, now: float) -> QuotaUse:
        share, quota = self._share(now), self.quota
        return QuotaUse(
            quota.name, quota.burst, quota.sustained, self._count, len(self._times), share, self._peak
        )

    def _wait(self, now: float) -> float:
        """Seconds until there is room for one call; rounded up, never down."""
        self._refill(now)
        if self._level >= 1:
            return 0.0
        return math.ceil((1 - self._level) / self.quota.sustained / _TICK_S) * _TICK_S

    def _refill(self, now: float) -> None:
        # A clock that was set back gives nothing; the time it skips is counted from there.
        gained = max(0.0, now - self._at) * self.quota.sustained
        self._level = min(self._room, self._level + gained)
        self._at = now

    def _share(self, now: float) -> float:
        while self._times and self._times[0] <= now - WINDOW_S:
            self._times.popleft()
        return len(self._times) / (WINDOW_S * self.quota.sustained)
