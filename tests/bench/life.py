"""Whole runs of the engine on the sandbox at life-like speed, in virtual time: what went out when is known.

Nothing runs beside the loop: calls are made on its own thread, and their answers come a latency later, as
AWS's do. Time passes, for the run and for the account, only when all that is left to do is to wait.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, TypeVarTuple, Unpack

import boto3

from sdt_console.clients.call import Caller
from sdt_console.engine import Engine
from sdt_console.events import Event
from sdt_console.model import RunState
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from sdt_console.settings import Settings
from tests.catalogs import OURS
from tests.virtual_time import Inline, VirtualLoop

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

POLL_S = Settings().poll_seconds
"""The tick of the poller."""


class Loop(VirtualLoop):
    """A virtual loop that does the work of threads itself.

    :param moved: told the seconds by which time has passed.
    """

    def __init__(self, moved: Callable[[float], object]) -> None:
        super().__init__()
        self._moved = moved
        self._inline = Inline()

    def _move(self, seconds: float) -> None:
        super()._move(seconds)
        self._moved(seconds)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        return asyncio.wrap_future(self._inline.submit(func, *args), loop=self)


class Line(Executor):
    """Makes a call at once; its answer comes ``latency`` seconds later on the running loop."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._inline = Inline()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        made = self._inline.submit(fn, *args, **kwargs)
        answer: Future[T] = Future()
        answer.set_running_or_notify_cancel()

        def arrives() -> None:
            error = made.exception()
            if error is None:
                answer.set_result(made.result())
            else:
                answer.set_exception(error)

        asyncio.get_running_loop().call_later(self._latency, arrives)
        return answer


@dataclass
class Seen:
    """What one run did.

    :param calls: moment in seconds since the epoch → calls that went out then, by operation.
    """

    events: list[Event] = field(default_factory=list)
    calls: dict[float, Counter[str]] = field(default_factory=dict)

    def times(self, *operations: str) -> list[float]:
        """When each call of ``operations`` went out, in order."""
        return [
            at
            for at, made in sorted(self.calls.items())
            for name, times in made.items()
            for _ in range(times)
            if name in operations
        ]

    def at(self, kind: str, **names: str) -> float:
        """When the first event of a type came whose body has those members."""
        return next(
            event.at
            for event in self.events
            if event.type == kind and all(getattr(event.body, k) == v for k, v in names.items())
        )


class Account:
    """A sandbox on a clock of its own; runs make the time in it pass."""

    def __init__(self, sandbox: Sandbox, clock: ManualClock, repository: Path, state: Path) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self._repository = repository
        self.state = state

    def run(
        self,
        work: Callable[[Engine, Callable[[Event], None]], Coroutine[Any, Any, RunState]],
        latency: float,
        catalog: Path = OURS,
    ) -> tuple[RunState, Seen]:
        """One run of an engine with real clients.

        :param work: what the engine is asked for; it tells its events to the second argument.
        :param latency: seconds of the account's time from a call to its answer.
        """
        seen = Seen()
        engine = self._engine(latency, catalog)
        caller = engine.outside.calls
        before = Counter(caller.counts)

        def note() -> None:
            nonlocal before
            made = caller.counts - before
            if made:
                seen.calls.setdefault(self.clock.now(), Counter()).update(made)
                before = Counter(caller.counts)

        def moved(seconds: float) -> None:
            note()
            self.sandbox.advance(seconds)

        try:
            with asyncio.Runner(loop_factory=lambda: Loop(moved)) as runner:
                state = runner.run(work(engine, seen.events.append))
                note()
        finally:
            engine.close()
        return state, seen

    def _engine(self, latency: float, catalog: Path) -> Engine:
        clock = _Clock(self.clock)
        settings = Settings(
            catalog=str(catalog), repo=self._repository, builder="sandbox", poll_seconds=POLL_S,
            environ={"SDT_STATE": str(self.state)},
        )  # fmt: skip
        engine = Engine(settings, clock=clock)
        engine.outside.__dict__["calls"] = Caller(clock=clock, pool=Line(latency))
        return engine

    def deployments(self, service: str) -> list[dict[str, Any]]:
        """A service's deployments as ECS itself tells them, newest first."""
        ecs = boto3.client("ecs")
        listed = ecs.list_service_deployments(cluster="sdt-dev-cluster", service=f"sdt-dev-{service}")
        arns = [brief["serviceDeploymentArn"] for brief in listed["serviceDeployments"]]
        found = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
        return sorted(found, key=lambda deployment: deployment["createdAt"], reverse=True)


class _Clock:
    """The account's time; waiting is the loop's."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
