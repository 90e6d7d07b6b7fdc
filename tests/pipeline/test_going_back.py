"""Where a rollback goes to, how soon, and what is told when it cannot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sdt_console.events import Event, Intended, StepFinished
from sdt_console.model import Outcome, Request, RunState
from tests.catalogs import OURS
from tests.pipeline.test_left_alone import theirs
from tests.pipeline.test_run_on_sandbox import breaker, changes, outcomes
from tests.pipeline.test_single import CLUSTER, conduct, definition, deploy, tag
from tests.world import SKIP, World


def catalog(tmp_path: Path, old: str, new: str) -> str:
    text = OURS.read_text()
    assert old in text
    path = tmp_path / "catalog.toml"
    path.write_text(text.replace(old, new, 1))
    return str(path)


def test_a_hotfix_that_fails_over_a_failing_rollout_goes_back_to_what_was_good(world: World) -> None:
    good = definition(world, "task-service")
    breaker(world, "task-service", on=False)
    bad = theirs(world, "task-service")
    world.sandbox.scenarios.on("crash-loop:task-service")
    world.client("ecs").update_service(
        cluster=CLUSTER, service="sdt-dev-task-service", taskDefinition=bad, forceNewDeployment=True
    )
    world.sandbox.advance(20)
    conduct(world, Request("build", services=("task-service",)))
    world.sandbox.scenarios.off("crash-loop:task-service")
    world.sandbox.scenarios.on("image-missing:task-service")
    state = deploy(world, "task-service", tag=world.backend.head)
    world.sandbox.scenarios.off("image-missing:task-service")
    assert (state.outcome, state.exit_code) == (Outcome.ROLLED_BACK, 4), state.failure
    assert definition(world, "task-service") == good


def test_a_failed_rollout_is_stopped_while_the_others_of_its_wave_go_on(world: World) -> None:
    world.repo.commit(
        {"skilltracker-services/user-service/x": "1", "skilltracker-services/skill-service/x": "1"}
    )
    for name in ("user-service", "skill-service"):
        breaker(world, name, on=False)
    world.sandbox.scenarios.on("image-missing:user-service")
    world.sandbox.scenarios.on("slow-start:skill-service")
    state = world.run()
    assert state.outcome is Outcome.ROLLED_BACK
    at = {"failed": 0.0, "stopped": 0.0, "mate": 0.0}
    for event in world.events:
        body: Any = event.body
        if isinstance(body, StepFinished) and body.stage == "deploy":
            at["failed" if body.service == "user-service" else "mate"] = event.at
        if isinstance(body, Intended) and body.action == "ecs:StopServiceDeployment":
            at["stopped"] = at["stopped"] or event.at
    assert at["stopped"] <= at["failed"] < at["mate"]


def test_with_no_rollback_the_run_says_that_its_rollout_goes_on(world: World, tmp_path: Path) -> None:
    world.sandbox.scenarios.on("image-missing:task-service")
    none = catalog(tmp_path, "[environments.dev]\n", '[environments.dev]\nrollback = "none"\n')
    breaker(world, "task-service", on=False)
    state = world.run(settings={"catalog": none})
    assert (state.outcome, state.exit_code) == (Outcome.FAILED, 4)
    told = [e.body.text for e in world.events if e.type == "noted"]  # type: ignore[union-attr]
    assert 'its rollout is left as it is: rollback = "none"' in told


def test_a_restart_that_fails_goes_back_to_the_tasks_that_ran(world: World) -> None:
    breaker(world, "task-service", on=False)
    before = world.service("task-service")
    world.sandbox.scenarios.on("crash-loop:task-service")
    state = deploy(world, "task-service", force=True, tag=tag(world, "task-service"))
    world.sandbox.scenarios.off("crash-loop:task-service")
    assert (state.outcome, state.exit_code) == (Outcome.ROLLED_BACK, 4), state.failure
    assert ("task-service", "ecs:StopServiceDeployment") in changes(world)
    now = world.service("task-service")
    assert now["taskDefinition"] == before["taskDefinition"]
    assert (now["runningCount"], len(now["deployments"])) == (1, 1)


def test_a_rollback_that_was_asked_for_and_fails_is_no_success(world: World) -> None:
    old = tag(world, "task-service")
    unwanted = world.run().services[0].task_definition
    ecr: Any = world.client("ecr")

    def lose_the_image(event: Event) -> None:
        if event.type == "stage-started" and event.body.stage == "deploy":  # type: ignore[union-attr]
            place = {"repositoryName": "sdt/dev/task-service"}
            image = ecr.describe_images(**place, imageIds=[{"imageTag": old}])["imageDetails"][0]
            ecr.batch_delete_image(**place, imageIds=[{"imageDigest": image["imageDigest"]}])

    engine = world.engine()
    request = Request("rollback", services=("task-service",))
    state = asyncio.run(engine.conduct(request, None, subscribers=[lose_the_image]))
    engine.close()
    assert (state.outcome, state.exit_code) == (Outcome.ROLLBACK_FAILED, 5)
    assert state.failure is not None
    assert "task-service: again on what ran before" in state.failure.evidence
    assert definition(world, "task-service") == unwanted


def test_a_rollback_that_fails_tells_what_it_left(world: World, tmp_path: Path) -> None:
    """Nothing can start any more: neither the new revision nor, by an update, the old one."""
    short = catalog(tmp_path, "timeout_minutes = 20", "timeout_minutes = 1")
    breaker(world, "task-service", on=False)
    world.sandbox.faults.denied = frozenset({"ListServiceDeployments", "StopServiceDeployment"})
    world.sandbox.scenarios.on("no-capacity:task-service")
    state = world.run(settings={"catalog": short})
    world.sandbox.scenarios.off("no-capacity:task-service")
    assert (state.outcome, state.exit_code) == (Outcome.ROLLBACK_FAILED, 5)
    assert state.failure is not None
    assert "left on revision 1 with 1 of 1 tasks" in state.failure.cause
    assert all("\n" not in line for line in state.failure.evidence)
    assert any(
        line.startswith("after: task-service: not stable within 1 min") for line in state.failure.evidence
    )
    step = next(
        e.body for e in world.events if isinstance(e.body, StepFinished) and e.body.stage == "rollback"
    )
    assert step.result["task_definition"] == definition(world, "task-service")


def test_a_rollback_in_a_run_is_judged_by_ecss_own_verdict_too(world: World) -> None:
    seen: list[Event] = []
    world.sandbox.scenarios.on("image-missing:task-service")
    state = run(world, seen)
    assert state.outcome is Outcome.ROLLED_BACK
    assert ("rollback", "task-service", "rolled-back") in outcomes(world)
    deployments = world.client("ecs").list_service_deployments(
        cluster=CLUSTER, service="sdt-dev-task-service"
    )["serviceDeployments"]
    assert "IN_PROGRESS" not in {d["status"] for d in deployments}


def run(world: World, seen: list[Event]) -> RunState:
    state = world.run(skip=SKIP)
    seen.extend(world.events)
    return state
