"""What is judged before a run is green: counts with patience, tasks that are seen, ECS's own verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdt_console.conductor import Conductor
from sdt_console.errors import DeployError
from sdt_console.events import Event, Noted, StageStarted, StepFinished
from sdt_console.model import Outcome, Request, RunState
from sdt_console.pipeline.past import Past
from sdt_console.pipeline.running_image import prove_running
from sdt_console.process import this_process
from tests.pipeline.test_run_on_sandbox import changes, outcomes
from tests.pipeline.test_single import CLUSTER, conduct, definition, deploy, tag
from tests.world import SKIP, World

TASK, USER = "task-service", "user-service"


def scaled(world: World, name: str, count: int) -> None:
    world.client("ecs").update_service(cluster=CLUSTER, service=f"sdt-dev-{name}", desiredCount=count)


def run(world: World, also: Callable[[Event], None], request: Request | None = None) -> RunState:
    engine = world.engine()
    world.events.clear()
    asked = request or Request("pipeline", skip_gates=SKIP)
    try:
        return asyncio.run(engine.conduct(asked, None, subscribers=[world.events.append, also]))
    finally:
        engine.close()


def once(stage: str, then: Callable[[], Any]) -> Callable[[Event], None]:
    def on(event: Event) -> None:
        if isinstance(event.body, StageStarted) and event.body.stage == stage:
            then()

    return on


def test_a_count_raised_right_after_the_rollout_is_given_its_grace(world: World) -> None:
    state = run(world, once("health", lambda: scaled(world, TASK, 2)))
    assert (state.outcome, state.exit_code) == (Outcome.SUCCEEDED, 0)
    assert world.service(TASK)["taskDefinition"] == state.services[0].task_definition
    assert world.service(TASK)["runningCount"] == 2


def test_counts_that_stay_wrong_are_told_when_the_grace_is_over(world: World) -> None:
    world.sandbox.scenarios.on(f"no-capacity:{TASK}")
    scaled(world, TASK, 2)
    engine = world.engine()
    before = world.clock.now()
    checked = asyncio.run(engine.health([TASK, USER]))
    calls = engine.outside.calls.counts["ecs:DescribeServices"]
    engine.close()
    failure = checked.services[0].failure
    assert failure is not None
    assert (failure.what, failure.cause) == (f"{TASK}: 1 of 2 tasks run", "60 s grace")
    assert checked.services[1].outcome is Outcome.SUCCEEDED
    assert 60 <= world.clock.now() - before < 90
    assert calls <= 60 / 2 + 3  # one a beat


def test_nothing_is_deployed_where_nothing_is_meant_to_run_unless_it_is_not_judged(world: World) -> None:
    before = definition(world, TASK)
    scaled(world, TASK, 0)
    world.sandbox.advance(60)
    state = deploy(world, TASK, force=True)
    assert (state.outcome, state.exit_code) == (Outcome.FAILED, 3)
    assert state.failure is not None
    assert state.failure.what == "sdt-dev-task-service is scaled to 0"
    assert changes(world) == []
    assert definition(world, TASK) == before
    state = deploy(world, TASK, force=True, health_check=False)
    assert state.outcome is Outcome.SUCCEEDED
    assert changes(world) == [(TASK, "ecs:UpdateService")]


def test_a_service_that_was_left_as_it_was_takes_no_other_back_with_it(world: World) -> None:
    world.repo.commit({"skilltracker-services/user-service/x": "1"})
    conduct(world, Request("build", services=(USER,)))
    before = definition(world, USER)
    unwell = definition(world, TASK)
    asked = Request("deploy", services=(USER, TASK))
    state = run(world, once("health", lambda: scaled(world, TASK, 0)), asked)
    assert ("deploy", TASK, "skipped") in outcomes(world)
    assert ("health", USER, "succeeded") in outcomes(world)
    assert (state.outcome, state.exit_code) == (Outcome.FAILED, 4)
    assert state.failure is not None
    assert state.failure.what.startswith(f"{TASK}: ")
    assert state.failure.cause == "desired is 0: nothing is meant to run"
    assert f"{USER}: healthy, and left on the new revision" in state.failure.evidence
    assert "rollback" not in [stage.name for stage in state.stages]
    by_name = {service.name: service for service in state.services}
    assert definition(world, USER) == by_name[USER].task_definition != before
    assert definition(world, TASK) == unwell


def test_the_same_image_under_another_tag_is_no_reason_to_deploy(world: World) -> None:
    ecr = world.client("ecr")
    running = tag(world, TASK)
    before = definition(world, TASK)
    (image,) = ecr.batch_get_image(repositoryName="sdt/dev/task-service", imageIds=[{"imageTag": running}])[
        "images"
    ]
    ecr.put_image(
        repositoryName="sdt/dev/task-service",
        imageManifest=image["imageManifest"],
        imageDigest=image["imageId"]["imageDigest"],
        imageTag="again",
    )
    state = deploy(world, TASK, tag="again")
    assert state.outcome is Outcome.SUCCEEDED
    assert changes(world) == []
    steps = [e.body for e in world.events if isinstance(e.body, StepFinished)]
    assert steps[0].note == f"already runs this image under tag {running}"
    assert state.services[0].image.endswith(f":{running}")
    assert definition(world, TASK) == before
    state = deploy(world, TASK, tag="again", force=True)
    assert tag(world, TASK) == "again"


def test_a_deployment_of_which_no_task_is_seen_proves_nothing(world: World, tmp_path: Path) -> None:
    engine = world.engine()

    async def prove(deployment: str) -> None:
        request = Request("deploy", services=(TASK,), force=True)
        plan = await engine.planner.of(request)
        conductor = Conductor(engine)
        async with engine.keeper(this_process("ada", "run"), "dev", [TASK]) as lease:
            builder = engine.outside.own_builder(tmp_path)
            ctx = conductor._context(conductor._recorder("run"), request, plan, builder, lease, Past())
            await prove_running(ctx, TASK, deployment, TASK)

    asyncio.run(prove(world.service(TASK)["deployments"][0]["id"]))
    with pytest.raises(DeployError, match=f"{TASK}: no task of the new deployment runs"):
        asyncio.run(prove("ecs-svc/0"))
    scaled(world, TASK, 0)
    asyncio.run(prove("ecs-svc/0"))
    engine.close()


def test_a_verdict_of_ecs_that_may_not_be_asked_for_is_told_once(world: World) -> None:
    world.sandbox.faults.denied = frozenset({"ListServiceDeployments"})
    state = deploy(world, USER, TASK, force=True)
    assert state.outcome is Outcome.SUCCEEDED
    told = "ecs:ListServiceDeployments is not allowed: ECS's own verdict is not asked"
    notes = [e.body for e in world.events if isinstance(e.body, Noted) and "verdict" in e.body.text]
    assert notes == [Noted(told, "warning", "deploy")]
