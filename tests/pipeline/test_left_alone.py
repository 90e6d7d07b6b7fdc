"""Someone else deploys in the middle of our run: whenever it happens, theirs is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sdt_console.errors import SdtError
from sdt_console.events import Event
from sdt_console.model import Outcome, RunState
from tests.pipeline.test_run_on_sandbox import outcomes
from tests.pipeline.test_single import CLUSTER, definition
from tests.world import SKIP, World

KEPT = (
    "family", "containerDefinitions", "networkMode", "requiresCompatibilities", "cpu", "memory",
    "executionRoleArn", "taskRoleArn",
)  # fmt: skip


def theirs(world: World, name: str) -> str:
    """A revision that somebody else has registered."""
    ecs = world.client("ecs")
    now = ecs.describe_task_definition(taskDefinition=definition(world, name))["taskDefinition"]
    made = {key: now[key] for key in KEPT if key in now}
    made["containerDefinitions"][0].setdefault("environment", []).append({"name": "THEIRS", "value": "1"})
    return str(ecs.register_task_definition(**made)["taskDefinition"]["taskDefinitionArn"])


def with_interference(
    world: World, service: str, when: Callable[[Event], bool], *, scenario: str = ""
) -> tuple[RunState, str]:
    """A run in which somebody deploys ``service`` at one event; and the revision that they deployed."""
    revision = theirs(world, service)
    ecs: Any = world.client("ecs")
    done: list[Event] = []

    def interfere(event: Event) -> None:
        if when(event) and not done:
            done.append(event)
            if scenario:
                world.sandbox.scenarios.off(scenario)
            ecs.update_service(cluster=CLUSTER, service=f"sdt-dev-{service}", taskDefinition=revision)

    if scenario:
        world.sandbox.scenarios.on(scenario)
    engine = world.engine()
    world.events.clear()
    try:
        state = asyncio.run(engine.run(skip_gates=SKIP, subscribers=[interfere, world.events.append]))
    finally:
        engine.close()
    assert done
    return state, revision


def is_done(stage: str, action: str) -> Callable[[Event], bool]:
    return lambda e: e.type == "done" and e.body.stage == stage and e.body.action == action  # type: ignore[union-attr]


def test_while_ours_rolls_out(world: World) -> None:
    state, revision = with_interference(world, "task-service", is_done("deploy", "ecs:UpdateService"))
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert definition(world, "task-service") == revision
    assert world.service("task-service")["deployments"][0]["rolloutState"] != "FAILED"
    assert not [e for e in world.events if e.type == "intended" and e.body.stage == "rollback"]  # type: ignore[union-attr]


def test_between_our_revision_and_our_update(world: World) -> None:
    when = is_done("deploy", "ecs:RegisterTaskDefinition")
    state, revision = with_interference(world, "task-service", when)
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert definition(world, "task-service") == revision
    assert "rollback" not in [stage.name for stage in state.stages]


def test_after_an_earlier_wave_of_ours_and_before_a_later_one_fails(world: World) -> None:
    world.repo.commit(
        {"skilltracker-infra/config-server/x": "1", "skilltracker-services/user-service/x": "1"}
    )

    def deployed(event: Event) -> bool:
        body: Any = event.body
        return event.type == "step-finished" and (body.stage, body.service) == ("deploy", "config-server")

    world.sandbox.scenarios.on("image-missing:user-service")
    state, revision = with_interference(world, "config-server", deployed)
    assert definition(world, "config-server") == revision
    assert ("rollback", "config-server", "skipped") in outcomes(world)
    assert ("rollback", "user-service", "rolled-back") in outcomes(world)
    assert (state.outcome, state.exit_code) == (Outcome.ROLLED_BACK, 4)
    rollback = next(stage for stage in state.stages if stage.name == "rollback")
    assert rollback.note == "1 of 2 back on their revision before"


def test_while_ours_goes_back(world: World) -> None:
    state, revision = with_interference(
        world,
        "task-service",
        lambda e: e.type == "done" and e.body.stage == "rollback",  # type: ignore[union-attr]
        scenario="image-missing:task-service",
    )
    assert definition(world, "task-service") == revision
    assert ("rollback", "task-service", "skipped") in outcomes(world)
    assert state.exit_code == 4


def test_a_newer_run_is_not_undone_by_resuming_an_older_one(world: World) -> None:
    both = {"skilltracker-infra/config-server/x": "1", "skilltracker-services/user-service/x": "1"}
    world.repo.commit(both)

    async def cut_off() -> str:
        """A run that is stopped after its first wave; its id."""
        engine = world.engine()
        events: list[Event] = []

        def stop(event: Event) -> None:
            events.append(event)
            body: Any = event.body
            if event.type == "step-started" and (body.stage, body.service) == ("deploy", "user-service"):
                run.cancel()

        run = asyncio.ensure_future(engine.run(skip_gates=SKIP, subscribers=[stop]))
        state = await run
        engine.close()
        assert state.outcome is Outcome.INTERRUPTED
        return state.run

    old = asyncio.run(cut_off())
    world.repo.commit(dict.fromkeys(both, "2"))
    assert world.run("HEAD~1", "HEAD").outcome is Outcome.SUCCEEDED
    newer = definition(world, "config-server")
    engine = world.engine()
    try:
        state = asyncio.run(engine.resume(old, subscribers=[]))
        assert state.exit_code == 6
    except SdtError as error:
        assert error.exit_code == 6  # noqa: PT017  either way it is refused
    finally:
        engine.close()
    assert definition(world, "config-server") == newer
