"""Services by name: deployed, restarted, rebuilt, rolled back; plans applied; what is refused."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sdt_console.errors import SupersededError, UsageError
from sdt_console.events import Intended, RunStarted
from sdt_console.model import Outcome, Plan, Request, RunState
from sdt_console.pipeline.plan import to_json
from sdt_console.process import this_process
from tests.pipeline.test_run_on_sandbox import changes, outcomes
from tests.world import SKIP, World

CLUSTER = "sdt-dev-cluster"


def conduct(world: World, request: Request, plan: Plan | None = None, **settings: Any) -> RunState:
    """One run of any kind; its events are kept in the world."""
    engine = world.engine(**settings)
    world.events.clear()
    try:
        return asyncio.run(engine.conduct(request, plan, subscribers=[world.events.append]))
    finally:
        engine.close()


def deploy(world: World, *services: str, **options: Any) -> RunState:
    return conduct(world, Request("deploy", services=services, **options))


def rollback(world: World, *services: str, **options: Any) -> RunState:
    return conduct(world, Request("rollback", services=services, **options))


def runs(world: World) -> int:
    engine = world.engine()
    count = len(engine.journal.runs())
    engine.close()
    return count


def tag(world: World, name: str) -> str:
    """Of the image that the service runs."""
    found = world.client("ecs").describe_task_definition(taskDefinition=definition(world, name))
    return str(found["taskDefinition"]["containerDefinitions"][0]["image"]).rpartition(":")[2]


def definition(world: World, name: str) -> str:
    return str(world.service(name)["taskDefinition"])


def test_the_image_pushed_last_is_deployed(world: World) -> None:
    world.run()
    rollback(world, "task-service")
    others = definition(world, "user-service")
    state = deploy(world, "task-service")
    assert state.outcome is Outcome.SUCCEEDED
    assert [s.name for s in state.stages] == ["plan", "preflight", "deploy", "health"]
    assert state.services[0].image.endswith(f":{world.backend.head}")
    assert definition(world, "task-service") == state.services[0].task_definition
    assert definition(world, "user-service") == others


def test_what_runs_already_is_left_alone_and_restarted_only_when_asked(world: World) -> None:
    before = world.service("task-service")["deployments"][0]["id"]
    state = deploy(world, "task-service")
    assert state.outcome is Outcome.SUCCEEDED
    assert ("deploy", "task-service", "skipped") in outcomes(world)
    assert changes(world) == []
    state = deploy(world, "task-service", force=True)
    assert state.outcome is Outcome.SUCCEEDED
    assert changes(world) == [("task-service", "ecs:UpdateService")]
    assert world.service("task-service")["deployments"][0]["id"] != before
    assert state.services[0].task_definition == state.services[0].previous


def test_a_data_service_is_restarted_never_built(world: World) -> None:
    with pytest.raises(UsageError, match="redis is a data service"):
        deploy(world, "redis")
    with pytest.raises(UsageError, match="redis is a data service"):
        deploy(world, "redis", rebuild=True, force=True)
    state = deploy(world, "redis", force=True)
    assert state.outcome is Outcome.SUCCEEDED
    assert changes(world) == [("redis", "ecs:UpdateService")]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (Request("deploy", services=("task-servic",)), "did you mean task-service"),
        (Request("deploy", services=("bff-service",)), "bff-service is pending"),
        (
            Request("deploy", services=("task-service",), tag="never"),
            "no image never in sdt/dev/task-service",
        ),
        (Request("deploy", services=("task-service",), rebuild=True, tag="never"), "no commit 'never'"),
        (Request("rollback", services=("task-service",)), "no earlier revision of task-service"),
        (
            Request("rollback", services=("task-service",), revision="77"),
            "no revision sdt-dev-task-service:77",
        ),
        (Request("rollback", services=("task-service",), revision="sdt-dev-redis:1"), "is no revision of"),
        (Request("rollback", undo="ffff"), "no run 'ffff'"),
        (Request("build", services=("redis",)), "redis is a data service"),
    ],
)
def test_what_makes_no_sense_is_told_and_neither_recorded_nor_done(
    world: World, request_: Request, told: str
) -> None:
    before = definition(world, "task-service")
    with pytest.raises(UsageError, match=told) as error:
        conduct(world, request_)
    assert error.value.exit_code == 2
    assert runs(world) == 0
    assert definition(world, "task-service") == before


def test_a_rebuild_builds_what_is_there(world: World) -> None:
    world.run()
    state = deploy(world, "task-service", rebuild=True)
    assert state.outcome is Outcome.SUCCEEDED
    assert [action for _, action in changes(world)][:2] == ["build", "push"]
    assert "gate" not in [s.name for s in state.stages]


def test_health_is_left_out_when_asked(world: World) -> None:
    state = deploy(world, "task-service", force=True, health_check=False)
    assert [s.name for s in state.stages] == ["plan", "preflight", "deploy"]


def test_images_alone_are_built_and_pushed(world: World) -> None:
    before = definition(world, "task-service")
    state = conduct(world, Request("build", services=("task-service",)))
    assert state.outcome is Outcome.SUCCEEDED
    assert [action for _, action in changes(world)] == ["build", "push", "ecr:PutImage"]
    assert definition(world, "task-service") == before
    state = world.run()
    assert ("build", "task-service", "skipped") in outcomes(world)
    assert state.outcome is Outcome.SUCCEEDED


def test_an_older_image_is_refused_over_a_newer_one_unless_asked(world: World) -> None:
    old = tag(world, "task-service")
    world.run()
    before = definition(world, "task-service")
    state = deploy(world, "task-service", tag=old)
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert state.failure is not None
    assert "task-service runs an image pushed later" in state.failure.what
    assert world.backend.head in state.failure.what
    assert changes(world) == []
    assert definition(world, "task-service") == before
    state = deploy(world, "task-service", tag=old, allow_older=True)
    assert state.outcome is Outcome.SUCCEEDED
    assert state.services[0].image.endswith(old)


def test_an_older_commit_is_refused_and_latest_never_moves_backwards(world: World) -> None:
    old = world.repo.commit({"skilltracker-services/task-service/a": "1"})
    new = world.repo.commit({"skilltracker-services/task-service/a": "2"})
    assert world.run(old + "^", new).outcome is Outcome.SUCCEEDED
    assert tag(world, "task-service") == new
    state = world.run(old + "^", old)
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert changes(world) == []
    state = conduct(world, Request("build", services=("task-service",), head=old))
    assert state.outcome is Outcome.SUCCEEDED
    assert "ecr:PutImage" not in [action for _, action in changes(world)]
    ecr = world.client("ecr")
    (image,) = ecr.describe_images(repositoryName="sdt/dev/task-service", imageIds=[{"imageTag": "latest"}])[
        "imageDetails"
    ]
    assert new in image["imageTags"]


def test_back_to_the_last_known_good_not_to_the_second_newest(world: World) -> None:
    """Revision 3 was registered after 2, never came up, and is no way back."""
    first = definition(world, "task-service")
    second = world.run().services[0].task_definition
    world.repo.commit({"skilltracker-services/task-service/b": "1"})
    world.sandbox.scenarios.on("image-missing:task-service")
    failed = world.run()
    assert failed.outcome is Outcome.ROLLED_BACK
    world.sandbox.scenarios.off("image-missing:task-service")
    assert definition(world, "task-service") == second
    state = rollback(world, "task-service")
    assert (state.outcome, state.exit_code) == (Outcome.SUCCEEDED, 0)
    assert definition(world, "task-service") == first == state.services[0].task_definition
    assert changes(world) == [("task-service", "ecs:UpdateService")]
    assert state.services[0].digest


def test_a_revision_whose_image_is_gone_is_no_way_back(world: World) -> None:
    old = tag(world, "task-service")
    world.run()
    world.client("ecr").batch_delete_image(
        repositoryName="sdt/dev/task-service", imageIds=[{"imageTag": old}]
    )
    with pytest.raises(UsageError, match="no earlier revision of task-service is known to be good") as error:
        rollback(world, "task-service")
    assert "is no longer in sdt/dev/task-service" in error.value.evidence[0]
    with pytest.raises(UsageError, match="is gone"):
        rollback(world, "task-service", revision="1")


def test_back_to_the_revision_that_was_named(world: World) -> None:
    first = definition(world, "task-service")
    world.run()
    state = rollback(world, "task-service", revision="1")
    assert state.outcome is Outcome.SUCCEEDED
    assert definition(world, "task-service") == first


def test_a_whole_run_is_undone_last_wave_first(world: World) -> None:
    world.repo.commit(
        {"skilltracker-infra/config-server/x": "x", "skilltracker-services/task-service/x": "x"}
    )
    before = {name: definition(world, name) for name in ("config-server", "task-service")}
    run = world.run(world.backend.head, "HEAD").run
    assert definition(world, "config-server") != before["config-server"]
    state = conduct(world, Request("rollback", undo=run))
    assert state.outcome is Outcome.SUCCEEDED
    assert [name for stage, name, _ in outcomes(world) if stage == "deploy"] == [
        "task-service",
        "config-server",
    ]
    assert {name: definition(world, name) for name in before} == before


def test_a_run_is_not_undone_over_someone_elses_deployment(world: World) -> None:
    run = world.run().run
    rollback(world, "task-service")
    with pytest.raises(SupersededError, match="task-service has moved since run"):
        conduct(world, Request("rollback", undo=run))


def made_plan(world: World, path: Path) -> Path:
    engine = world.engine()
    plan = asyncio.run(engine.plan(engine.detect()))
    engine.close()
    path.write_text(json.dumps(to_json(plan)))
    return path


def apply(world: World, file: Path) -> RunState:
    engine = world.engine()
    plan = engine.planner.read(file)
    engine.close()
    return conduct(world, Request("apply", skip_gates=SKIP), plan)


def test_a_plan_is_applied_exactly(world: World, tmp_path: Path) -> None:
    file = made_plan(world, tmp_path / "plan.json")
    world.repo.commit({"skilltracker-services/user-service/later": "x"})
    state = apply(world, file)
    assert state.outcome is Outcome.SUCCEEDED
    assert [s.name for s in state.services] == ["task-service"]
    assert state.services[0].image.endswith(world.backend.head)


def test_a_plan_is_refused_once_a_service_has_moved(world: World, tmp_path: Path) -> None:
    file = made_plan(world, tmp_path / "plan.json")
    deploy(world, "task-service", force=True)
    assert apply(world, file).outcome is Outcome.SUCCEEDED  # restarted, the same revision
    file = made_plan(world, tmp_path / "plan.json")
    rollback(world, "task-service")
    state = apply(world, file)
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert state.failure is not None
    assert state.failure.what == "task-service has moved since the plan was made"
    assert not [a for _, a in changes(world) if a.startswith("ecs:")]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d | {"offline": True}, "was made offline"),
        (lambda d: d | {"waves": [["nobody"]]}, "there is no service 'nobody'"),
        (lambda d: d | {"waves": [["task-service", "task-service"]]}, "twice"),
        (lambda d: d | {"before": {}}, "nothing is said of task-service"),
        (lambda d: d | {"cluster": "other"}, "it is for cluster other"),
        (lambda d: d | {"environment": "nowhere"}, "no environment 'nowhere'"),
        (lambda d: d | {"version": 7}, "version is 7"),
    ],
)
def test_a_plan_that_cannot_be_applied_is_told(world: World, tmp_path: Path, change: Any, told: str) -> None:
    file = made_plan(world, tmp_path / "plan.json")
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    with pytest.raises(UsageError) as error:
        apply(world, file)
    assert told in str(error.value)


def test_a_service_that_others_deploy_is_refused_with_who_and_where(world: World) -> None:
    engine = world.engine()
    holder = this_process("ann", "feed", "somewhere/42")
    engine.leases.acquire(["dev/task-service"], holder, world.clock.now(), 60)
    state = world.run()
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert state.failure is not None
    told = " ".join([state.failure.what, state.failure.cause, state.failure.next, *state.failure.evidence])
    for word in ("task-service", "ann", "feed", "somewhere/42", "sdt lock break"):
        assert word in told
    assert changes(world) == []
    world.clock._clock.advance(61)
    assert world.run().outcome is Outcome.SUCCEEDED  # it has expired
    assert engine.leases.holds() == ()
    engine.close()


def test_a_lease_that_is_broken_stops_the_run_before_its_next_change(world: World) -> None:
    engine = world.engine()

    def break_it(event: Any) -> None:
        if isinstance(event.body, Intended) and event.body.action == "push":
            engine.leases.break_("dev/task-service", "bob", "three in the morning", world.clock.now())

    state = asyncio.run(engine.run(skip_gates=SKIP, subscribers=[world.events.append, break_it]))
    engine.close()
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert state.failure is not None
    assert "three in the morning" in f"{state.failure.what} {state.failure.cause}"
    assert not [a for _, a in changes(world) if a.startswith("ecs:")]


def test_a_run_records_what_it_was_asked_for(world: World) -> None:
    deploy(world, "task-service", force=True)
    started = world.events[0].body
    assert isinstance(started, RunStarted)
    assert started.title == "restart task-service"
    assert started.request["services"] == ("task-service",)
    assert started.host


def test_a_revision_that_is_not_there_says_how_to_list_those_that_are(world: World) -> None:
    with pytest.raises(UsageError, match="no revision sdt-dev-task-service:999") as caught:
        rollback(world, "task-service", revision="999")
    assert "`aws ecs list-task-definitions --family-prefix sdt-dev-task-service`" in caught.value.next
