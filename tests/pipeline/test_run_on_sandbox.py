"""The whole run against the sandbox over HTTP, at life-like speed on a clock moved by hand."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sdt_console.events import Intended, StepFinished, StepStarted, decode, encode
from sdt_console.model import Outcome
from sdt_console.reports.document import document
from sdt_console.runs.fold import fold
from sdt_console.runs.journal import JournalError
from tests.catalogs import OURS
from tests.world import World


def outcomes(world: World) -> list[tuple[str, str, str]]:
    """Stage, service and outcome of every step that ended, in order."""
    steps = [e.body for e in world.events if isinstance(e.body, StepFinished)]
    return [(b.stage, b.service, str(b.outcome)) for b in steps]


def breaker(world: World, name: str, *, on: bool) -> None:
    """Switch the service's circuit breaker, and let that settle."""
    world.client("ecs").update_service(
        cluster="sdt-dev-cluster",
        service=f"sdt-dev-{name}",
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": on, "rollback": on}},
    )
    world.sandbox.advance(600)


def changes(world: World) -> list[tuple[str, str]]:
    return [(b.service, b.action) for b in (e.body for e in world.events) if isinstance(b, Intended)]


def test_one_changed_service_is_built_pushed_deployed_and_healthy(world: World) -> None:
    before = world.service("task-service")["taskDefinition"]
    state = world.run()
    assert (state.outcome, state.exit_code) == (Outcome.SUCCEEDED, 0)
    assert [s.name for s in state.stages] == [
        "detect", "plan", "preflight", "gate", "build", "push", "deploy", "health",
    ]  # fmt: skip
    (result,) = state.services
    assert result.name == "task-service"
    assert result.previous == before
    live = world.service("task-service")
    assert live["taskDefinition"] == result.task_definition != before
    assert [d["rolloutState"] for d in live["deployments"]] == ["COMPLETED"]
    image = world.client("ecr").describe_images(
        repositoryName="sdt/dev/task-service", imageIds=[{"imageTag": world.backend.head}]
    )["imageDetails"][0]
    assert image["imageDigest"] == result.digest
    assert set(image["imageTags"]) == {world.backend.head, "latest"}
    tasks = world.client("ecs").list_tasks(cluster="sdt-dev-cluster", serviceName="sdt-dev-task-service")
    described = world.client("ecs").describe_tasks(cluster="sdt-dev-cluster", tasks=tasks["taskArns"])
    assert {c["imageDigest"] for t in described["tasks"] for c in t["containers"]} == {result.digest}


def test_only_the_image_differs_in_the_new_task_definition(world: World) -> None:
    ecs = world.client("ecs")
    before = world.service("task-service")["taskDefinition"]
    state = world.run()

    def definition(arn: str) -> dict[str, Any]:
        found: dict[str, Any] = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        for key in ("taskDefinitionArn", "revision", "registeredAt", "registeredBy"):
            found.pop(key, None)
        return found

    old, new = definition(before), definition(state.services[0].task_definition)
    assert new["containerDefinitions"][0].pop("image") == state.services[0].image
    assert old["containerDefinitions"][0].pop("image") != state.services[0].image
    assert new == old


def test_every_change_is_in_the_journal_before_it_is_made(world: World) -> None:
    world.run()
    assert changes(world) == [
        ("task-service", "build"),
        ("task-service", "push"),
        ("task-service", "ecr:PutImage"),
        ("task-service", "ecs:RegisterTaskDefinition"),
        ("task-service", "ecs:UpdateService"),
    ]
    engine = world.engine()
    (run,) = engine.journal.runs()
    kept = engine.journal.events(run)
    engine.close()
    assert [encode(e) for e in kept] == [encode(e) for e in world.events]
    assert [e.seq for e in kept] == list(range(len(kept)))


def test_events_survive_their_codec_and_fold_to_the_state(world: World) -> None:
    state = world.run()
    again = [decode(encode(event)) for event in world.events]
    assert fold(again) == fold(world.events) == state
    assert json.loads(encode(world.events[0])).keys() >= {"run", "seq", "at", "type"}


def test_a_shared_module_deploys_all_its_users_wave_by_wave(world: World) -> None:
    world.repo.commit({"skilltracker-common/common-security/src/main/java/New.java": "class New {}"})
    state = world.run()
    assert state.outcome is Outcome.SUCCEEDED
    deployed = [service for stage, service, _ in outcomes(world) if stage == "deploy"]
    assert deployed[0] == "api-gateway"
    assert len(deployed) == 13
    assert {o for _, _, o in outcomes(world)} == {"succeeded"}
    built = [service for stage, service, _ in outcomes(world) if stage == "build"]
    assert built.index("user-service") < built.index("task-service")
    assert most_at_a_time(world, "deploy") == 4


def most_at_a_time(world: World, stage: str) -> int:
    """How many services were in ``stage`` at once, at the most."""
    under_way = most = 0
    for body in (event.body for event in world.events):
        if isinstance(body, StepStarted | StepFinished) and body.stage == stage:
            under_way += 1 if isinstance(body, StepStarted) else -1
            most = max(most, under_way)
    return most


def test_nothing_changed_ends_at_once_and_green(world: World) -> None:
    state = world.run("HEAD", "HEAD")
    assert (state.outcome, state.exit_code) == (Outcome.NOTHING_TO_DO, 0)
    assert changes(world) == []
    assert state.services == ()


def test_an_image_whose_commit_tag_exists_is_not_built_again(world: World) -> None:
    world.run()
    definition = world.service("task-service")["taskDefinition"]
    state = world.run()
    assert state.outcome is Outcome.SUCCEEDED
    assert changes(world) == []
    assert ("build", "task-service", "skipped") in outcomes(world)
    assert ("deploy", "task-service", "skipped") in outcomes(world)
    assert world.service("task-service")["taskDefinition"] == definition


CAUSES = {
    "image-missing": "is no longer in ECR",
    "secret-missing": "does not exist",
    "crash-loop": "its container exited with 1, 3 times",
    "out-of-memory": "its container was killed at its memory limit (exit 137), 3 times",
    "unhealthy": "failed ELB health checks",
    "slow-start": "failed ELB health checks",
    "breaker-rollback": "failed ELB health checks",
}


@pytest.mark.parametrize("scenario", CAUSES)
@pytest.mark.parametrize("on", [True, False], ids=["breaker", "no-breaker"])
def test_a_service_that_does_not_come_up_is_rolled_back_with_its_cause(
    world: World, scenario: str, on: bool
) -> None:
    before = world.service("task-service")["taskDefinition"]
    breaker(world, "task-service", on=on)
    world.sandbox.scenarios.on(f"{scenario}:task-service")
    state = world.run()
    assert (state.outcome, state.exit_code) == (Outcome.ROLLED_BACK, 4)
    assert state.failure is not None
    assert state.failure.what == "task-service did not come up"
    assert CAUSES[scenario] in state.failure.cause
    assert state.failure.next
    assert world.service("task-service")["taskDefinition"] == before
    assert world.service("task-service")["runningCount"] == 1
    assert state.services[0].outcome is Outcome.ROLLED_BACK
    assert state.services[0].failure == state.failure


def test_a_fatal_cause_is_known_in_seconds_not_at_the_limit(world: World) -> None:
    breaker(world, "task-service", on=False)
    world.sandbox.scenarios.on("secret-missing:task-service")
    state = world.run()
    deploy = next(stage for stage in state.stages if stage.name == "deploy")
    assert deploy.duration_s is not None
    assert deploy.duration_s < 60  # of the account's life: the first task has to be tried


def test_a_crash_is_told_with_the_tasks_last_log_lines(world: World) -> None:
    world.sandbox.scenarios.on("crash-loop:task-service")
    state = world.run()
    assert state.failure is not None
    assert "task-service exited with 1" in state.failure.evidence
    assert any("Exception" in line for line in state.failure.evidence)


def test_a_limit_that_is_reached_says_what_held_the_rollout_up(world: World, tmp_path: Path) -> None:
    """And the way back needs no capacity: ECS keeps the tasks that still run."""
    before = world.service("task-service")["taskDefinition"]
    short = tmp_path / "catalog.toml"
    short.write_text(OURS.read_text().replace("timeout_minutes = 20", "timeout_minutes = 1"))
    breaker(world, "task-service", on=False)
    world.sandbox.scenarios.on("no-capacity:task-service")
    state = world.run(settings={"catalog": str(short)})
    deploy = next(stage for stage in state.stages if stage.name == "deploy")
    assert deploy.outcome is Outcome.TIMED_OUT
    assert deploy.failure is not None
    assert deploy.failure.what == "task-service: not stable within 1 min"
    assert "was unable to place a task" in deploy.failure.cause
    assert (state.outcome, state.exit_code) == (Outcome.TIMED_OUT, 7)
    assert ("rollback", "task-service", "rolled-back") in outcomes(world)
    assert ("task-service", "ecs:StopServiceDeployment") in changes(world)
    assert world.service("task-service")["taskDefinition"] == before
    assert world.service("task-service")["runningCount"] == 1


def test_later_waves_do_not_start_after_a_failure(world: World) -> None:
    before = world.service("user-service")["taskDefinition"]
    breaker(world, "api-gateway", on=True)
    world.sandbox.scenarios.on("image-missing:api-gateway")
    state = world.run(force_full_build=True)
    assert state.outcome is Outcome.ROLLED_BACK
    assert world.service("user-service")["taskDefinition"] == before
    by_name = {s.name: s.outcome for s in state.services}
    assert by_name["config-server"] is Outcome.ROLLED_BACK
    assert by_name["user-service"] is Outcome.SKIPPED
    rolled = [service for stage, service, _ in outcomes(world) if stage == "rollback"]
    assert rolled == ["api-gateway", "discovery-server", "config-server"]


def test_a_gate_that_cannot_be_run_stops_before_anything_is_built(world: World) -> None:
    state = world.run(skip={})
    assert (state.outcome, state.exit_code) == (Outcome.FAILED, 1)
    assert state.failure is not None
    assert state.failure.what == "2 gates cannot be run here: maven, sonarqube"
    assert "--skip-gate maven --skip-gate sonarqube" in state.failure.next
    assert changes(world) == []


def test_a_module_outside_the_reactor_is_caught_before_anything_is_built(world: World) -> None:
    pom = (world.backend.path / "pom.xml").read_text()
    assert "<module>skilltracker-services/task-service</module>" in pom
    world.repo.commit({"pom.xml": pom.replace("<module>skilltracker-services/task-service</module>", "")})
    state = world.run()
    assert (state.outcome, state.exit_code) == (Outcome.FAILED, 1)
    assert state.failure is not None
    assert state.failure.what == "catalog and Maven reactor disagree"
    assert "task-service" in state.failure.cause
    assert changes(world) == []


def test_a_dockerfile_that_needs_an_engine_fails_clearly(world: World) -> None:
    path = "skilltracker-services/task-service/Dockerfile"
    text = (world.backend.path / path).read_text()
    world.repo.commit({path: text + "\nRUN true\n"})
    state = world.run()
    assert (state.outcome, state.exit_code) == (Outcome.FAILED, 1)
    assert state.failure is not None
    assert "RUN" in state.failure.cause
    assert "Docker Engine" in state.failure.next
    assert ("task-service", "push") not in changes(world)


def test_a_service_missing_in_ecs_is_told_and_nothing_changes(world: World) -> None:
    world.client("ecs").delete_service(cluster="sdt-dev-cluster", service="sdt-dev-task-service", force=True)
    world.sandbox.advance(300)
    state = world.run()
    assert state.outcome is Outcome.FAILED
    assert state.failure is not None
    assert state.failure.what == "no service sdt-dev-task-service in sdt-dev-cluster"
    assert state.exit_code == 3
    assert changes(world) == []


def test_what_builds_after_a_failed_build_is_not_built(world: World) -> None:
    path = "skilltracker-services/user-service/Dockerfile"
    text = (world.backend.path / path).read_text()
    world.repo.commit({path: text + "\nRUN true\n", "skilltracker-services/task-service/x": "x"})
    state = world.run()
    assert state.outcome is Outcome.FAILED
    assert ("build", "user-service", "failed") in outcomes(world)
    assert ("task-service", "build") not in changes(world)


def test_someone_elses_deployment_in_between_is_not_rolled_back_over(world: World) -> None:
    ecs = world.client("ecs")
    interfered = False

    def interfere(event: Any) -> None:
        nonlocal interfered
        if event.type == "done" and event.body.action == "ecs:UpdateService" and not interfered:
            interfered = True
            ecs.update_service(
                cluster="sdt-dev-cluster", service="sdt-dev-task-service", forceNewDeployment=True
            )

    engine = world.engine()
    state = asyncio.run(engine.run(skip_gates={"maven": "x", "sonarqube": "x"}, subscribers=[interfere]))
    engine.close()
    assert interfered
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert state.failure is not None
    assert state.failure.what == "task-service was deployed by someone else"


def test_a_broken_subscriber_does_not_stop_the_run(world: World) -> None:
    def broken(_: Any) -> None:
        raise RuntimeError("a report that fails")

    engine = world.engine()
    state = asyncio.run(engine.run(skip_gates={"maven": "x", "sonarqube": "x"}, subscribers=[broken]))
    engine.close()
    assert state.outcome is Outcome.SUCCEEDED


def test_without_a_journal_nothing_is_changed(world: World) -> None:
    world.state.parent.mkdir(exist_ok=True)
    world.state.write_text("a file where the folder should be")
    before = world.service("task-service")
    with pytest.raises(JournalError, match="cannot open the journal"):
        world.run()
    assert world.service("task-service")["taskDefinition"] == before["taskDefinition"]


def test_the_run_document_is_the_contract(world: World) -> None:
    made = json.loads(json.dumps(document(world.run())))
    assert made.keys() >= {
        "run", "environment", "outcome", "exit_code", "started_at", "duration_s", "services", "stages",
    }  # fmt: skip
    assert made["services"][0].keys() == {
        "name", "outcome", "image", "digest", "task_definition", "previous", "failure",
    }  # fmt: skip
    assert made["stages"][0].keys() >= {"name", "outcome", "duration_s"}
    assert made["outcome"] == "succeeded"
