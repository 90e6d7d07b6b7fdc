"""One poller for all rollouts in flight, and the verdict on each by its own deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import Any

from sdt_console.errors import CloudError
from sdt_console.model import EcsService
from sdt_console.pipeline.ports import Clock, Ecs

_FAILURES_IN_A_ROW = 5


class State(Enum):
    MOVING = auto()
    SUCCEEDED = auto()
    FAILED = auto()
    SUPERSEDED = auto()


@dataclass(frozen=True)
class Sight:
    """How a rollout stands.

    :param running: tasks of our deployment that run; ``desired``: how many should.
    :param reason: ECS's own words for a failure.
    """

    state: State
    running: int = 0
    desired: int = 0
    reason: str = ""


def judge(service: EcsService | None, deployment: str, before: str) -> Sight:
    """How the rollout with id ``deployment`` stands.

    Never by "the service is stable": after the circuit breaker has rolled back, a service is stable too.

    :param before: ARN of the task definition that ran before ours.
    """
    if service is None:
        return Sight(State.SUPERSEDED, reason="the service is gone")
    ours = next((d for d in service.deployments if d.get("id") == deployment), None)
    if ours is None:
        if service.task_definition == before:
            return Sight(State.FAILED, 0, service.desired, "ECS rolled the service back")
        return Sight(State.SUPERSEDED, reason="another deployment has replaced ours")
    running, desired = ours.get("runningCount") or 0, ours.get("desiredCount") or 0
    rollout = ours.get("rolloutState")
    if rollout == "FAILED":
        return Sight(State.FAILED, running, desired, str(ours.get("rolloutStateReason", "")))
    if ours.get("status") != "PRIMARY":
        return Sight(State.SUPERSEDED, running, desired, "another deployment has replaced ours")
    if rollout == "COMPLETED" or (rollout is None and _settled(service, ours)):
        return Sight(State.SUCCEEDED, running, desired)
    return Sight(State.MOVING, running, desired)


def _settled(service: EcsService, ours: Mapping[str, Any]) -> bool:
    """For deployments that have no rollout state: ours is the only one and all its tasks run."""
    return len(service.deployments) == 1 and ours.get("runningCount") == ours.get("desiredCount")


class Follower:
    """Looks at all services in flight with one batched call a tick; idle when nothing is in flight.

    Use it as an async context manager; ``look`` gives the next sight of one service.
    """

    def __init__(self, ecs: Ecs, cluster: str, clock: Clock, every: float) -> None:
        self._ecs = ecs
        self._cluster = cluster
        self._clock = clock
        self._every = every
        self._waiting: dict[str, list[asyncio.Future[EcsService | None]]] = {}
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._defect: Exception | None = None

    async def __aenter__(self) -> Follower:
        self._task = asyncio.create_task(self._poll())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self, service: str) -> EcsService | None:
        """The service as the next tick sees it; ``None`` if it is gone.

        :raises CloudError: ECS has not answered several times in a row.
        :raises Exception: the poller has come to its end by a defect; every look from then on says so.
        """
        if self._defect is not None:
            raise self._defect
        future: asyncio.Future[EcsService | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(service, []).append(future)
        self._work.set()
        return await future

    async def _poll(self) -> None:
        failures = 0
        due = 0.0
        while True:
            await self._work.wait()
            now = self._clock.now()
            # a tick is a tick, however long the answers take; after a pause the first comes a tick later
            due = due + self._every if due + self._every > now else now + self._every
            await self._clock.sleep(due - now)
            self._work.clear()
            waiting, self._waiting = self._waiting, {}
            try:
                seen = await self._ecs.services(self._cluster, list(waiting))
            except CloudError as error:
                failures += 1
                if failures >= _FAILURES_IN_A_ROW:
                    self._fail(waiting, error)
                else:
                    self._put_back(waiting)
                continue
            except Exception as error:  # a defect: whoever waits must hear of it, not wait for ever
                self._defect = error
                self._fail(waiting, error)
                self._fail(self._waiting, error)  # who has asked since
                raise
            failures = 0
            for name, futures in waiting.items():
                for future in futures:
                    if not future.done():
                        future.set_result(seen.get(name))

    def _put_back(self, waiting: dict[str, list[asyncio.Future[EcsService | None]]]) -> None:
        for name, futures in waiting.items():
            self._waiting.setdefault(name, []).extend(futures)
        self._work.set()

    @staticmethod
    def _fail(waiting: dict[str, list[asyncio.Future[EcsService | None]]], error: Exception) -> None:
        for future in (f for futures in waiting.values() for f in futures):
            if not future.done():
                future.set_exception(error)
