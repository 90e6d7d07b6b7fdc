"""A lease that is broken in the middle of a run: not one more change is made under it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sdt_console.engine import Engine
from sdt_console.events import Done, Event, Intended, StepFinished
from sdt_console.model import Outcome, RunState
from sdt_console.process import this_process
from tests.pipeline.test_single import definition
from tests.world import SKIP, World

KEY = "dev/task-service"


def run(world: World, engine: Engine, also: Callable[[Event], None]) -> RunState:
    try:
        return asyncio.run(engine.run(skip_gates=SKIP, subscribers=[world.events.append, also]))
    finally:
        engine.close()


def broken(world: World, engine: Engine) -> None:
    """Somebody else breaks the lease and goes on with the service, all in the same second."""
    engine.leases.break_(KEY, "oncall", "I take over", world.clock.now())
    engine.leases.acquire([KEY], this_process("oncall", "feed"), world.clock.now(), 60)


def refused(state: RunState) -> None:
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert state.failure is not None
    assert "oncall broke it" in state.failure.cause
    assert "for run feed" in state.failure.cause


def test_between_two_changes_of_the_same_second(world: World) -> None:
    before = definition(world, "task-service")
    engine = world.engine()

    def take(event: Event) -> None:
        if isinstance(event.body, Done) and event.body.action == "ecs:RegisterTaskDefinition":
            broken(world, engine)

    refused(run(world, engine, take))
    assert "ecs:UpdateService" not in [e.body.action for e in world.events if isinstance(e.body, Intended)]
    assert definition(world, "task-service") == before


def test_while_an_announced_change_waits_to_be_sent_again(world: World) -> None:
    """UpdateService is announced, throttled, and allowed once the lease is another's."""
    before = definition(world, "task-service")
    engine = world.engine()

    def take(event: Event) -> None:
        if isinstance(event.body, Intended) and event.body.action == "ecs:UpdateService":
            world.sandbox.scenarios.on("throttling")
            broken(world, engine)

    state = run(world, engine, take)
    refused(state)
    world.sandbox.scenarios.off("throttling")
    assert definition(world, "task-service") == before
    (ended,) = [e.body for e in world.events if isinstance(e.body, StepFinished) and e.body.stage == "deploy"]
    assert ended.outcome is Outcome.INTERRUPTED  # `sdt resume` looks for what became of it
