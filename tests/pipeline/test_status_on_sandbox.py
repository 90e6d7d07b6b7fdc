"""What a watch shows beside what AWS says, at every step of rollouts and of all kinds of trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sdt_console.engine import Engine
from sdt_console.errors import CloudError, NotAllowedError, UsageError
from sdt_console.model import ServiceSight, ServiceState, Snapshot
from sdt_console.watch.reader import Pace
from sdt_console.watching.outline import outline, outline_of
from sdt_console.watching.status import watch
from tests.world import World

Looker = Callable[[], Snapshot]


@pytest.fixture
def looker(world: World) -> Any:
    """A watch that looks when it is told to, all readings due at every look."""
    engine = world.engine(environment="dev")
    seen = watch(engine, pace=Pace(tasks=0.0, targets=0.0))
    with asyncio.Runner() as runner:
        yield lambda: runner.run(seen.look())
    engine.close()


def update(world: World, name: str, **settings: Any) -> None:
    world.client("ecs").update_service(cluster="sdt-dev-cluster", service=f"sdt-dev-{name}", **settings)


def steps(world: World, look: Looker, name: str, seconds: int, every: float = 5.0) -> list[ServiceSight]:
    """One service over time; at each step held against ``DescribeServices``."""
    found = []
    for _ in range(int(seconds / every)):
        world.sandbox.advance(every)
        sight = look().services[name]
        agrees(sight, world.service(name))
        found.append(sight)
    return found


def agrees(sight: ServiceSight, raw: dict[str, Any]) -> None:
    primary = next(d for d in raw["deployments"] if d["status"] == "PRIMARY")
    assert (sight.running, sight.desired, sight.pending) == (
        raw["runningCount"],
        raw["desiredCount"],
        raw["pendingCount"],
    )
    assert sight.task_definition == primary["taskDefinition"]
    assert sight.rollout_state == primary["rolloutState"]
    assert sight.deployed_at == primary["createdAt"].timestamp()
    assert [d.id for d in sight.deployments] == [d["id"] for d in raw["deployments"]]
    if sight.state is ServiceState.UP:
        assert raw["runningCount"] >= raw["desiredCount"] > 0
        assert primary["rolloutState"] == "COMPLETED"
    if primary["rolloutState"] == "IN_PROGRESS":
        assert sight.state in (ServiceState.DEPLOYING, ServiceState.ROLLING_BACK, ServiceState.DOWN)


def states(sights: list[ServiceSight]) -> list[str]:
    """Without those that repeat the one before."""
    return [str(s.state) for i, s in enumerate(sights) if not i or s.state is not sights[i - 1].state]


def test_all_services_in_catalog_order_with_what_they_run(world: World, looker: Looker) -> None:
    snapshot = looker()
    assert list(snapshot.services) == list(world.engine().catalog.all_names)
    assert snapshot.unmanaged == ()
    assert (snapshot.up, snapshot.expected) == (18, 18)
    for sight in snapshot.services.values():
        agrees(sight, world.service(sight.name))
        wanted = "pending" if sight.name in ("bff-service", "payment-service") else sight.state
        assert sight.state == wanted
    user = snapshot.services["user-service"]
    assert len(user.commit) == 40
    assert user.tag == user.commit
    assert user.digest.startswith("sha256:")


def test_a_rollout_step_by_step(world: World, looker: Looker) -> None:
    update(world, "user-service", forceNewDeployment=True, desiredCount=2)
    seen = steps(world, looker, "user-service", 200)
    assert states(seen) == ["deploying", "up"]
    assert {"0 of 2 new", "2 of 2 new"} <= {s.rollout for s in seen}
    assert seen[-1].rollout == "steady"
    assert seen[-1].since is not None
    assert seen[-1].since > seen[-1].deployed_at  # type: ignore[operator]


def test_scaling_to_nothing_and_back(world: World, looker: Looker) -> None:
    update(world, "user-service", desiredCount=0)
    assert steps(world, looker, "user-service", 60)[-1].rollout == "scaled to 0"
    update(world, "user-service", desiredCount=1)
    assert states(steps(world, looker, "user-service", 120)) == ["down", "up"]


def test_the_breaker_trips_and_goes_back_with_the_runbooks_cause(world: World, looker: Looker) -> None:
    world.sandbox.scenarios.on("image-missing:task-service")
    breaker = {"enable": True, "rollback": True}
    update(
        world,
        "task-service",
        forceNewDeployment=True,
        desiredCount=2,
        deploymentConfiguration={
            "minimumHealthyPercent": 50,
            "maximumPercent": 100,
            "deploymentCircuitBreaker": breaker,
        },
    )
    seen = steps(world, looker, "task-service", 300, every=10)
    assert seen[-1].state is ServiceState.ROLLING_BACK
    assert "no longer in ECR" in seen[-1].why
    world.sandbox.scenarios.off()
    seen += steps(world, looker, "task-service", 400, every=20)
    assert states(seen) == ["deploying", "rolling-back", "up"]
    failing = [s for s in seen if s.state is ServiceState.DEPLOYING and s.why]
    assert "no longer in ECR" in failing[-1].why
    assert failing[-1].next.startswith("push that image again")
    assert any(t.kind == "digest-missing" and t.status == "STOPPED" for t in failing[-1].tasks)
    assert seen[-1].why == ""


def test_a_crash_loop_is_told_with_its_exit_code(world: World, looker: Looker) -> None:
    looker()
    world.sandbox.scenarios.on("crash-loop:redis")
    ecs = world.client("ecs")
    task = ecs.list_tasks(cluster="sdt-dev-cluster", serviceName="sdt-dev-redis")["taskArns"][0]
    ecs.stop_task(cluster="sdt-dev-cluster", task=task)
    seen = steps(world, looker, "redis", 200)
    down = [s for s in seen if s.state is ServiceState.DOWN and "exited with 1" in s.why]
    assert down
    assert any(t.exit_code == 1 for t in down[-1].tasks)


def test_a_service_that_is_deleted_is_missing_and_one_nobody_knows_is_told_apart(
    world: World, looker: Looker
) -> None:
    ecs = world.client("ecs")
    definition = world.service("redis")["taskDefinition"]
    network = world.service("redis")["networkConfiguration"]
    ecs.delete_service(cluster="sdt-dev-cluster", service="sdt-dev-redis", force=True)
    ecs.create_service(
        cluster="sdt-dev-cluster",
        serviceName="by-hand",
        taskDefinition=definition,
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration=network,
    )
    world.sandbox.advance(120)
    snapshot = looker()
    assert snapshot.services["redis"].state is ServiceState.MISSING
    assert snapshot.unmanaged == ("by-hand",)


@pytest.mark.parametrize("denied", ["ListTasks", "ListServices", "DescribeServiceRevisions"])
def test_a_right_that_is_missing_costs_one_part_only(world: World, looker: Looker, denied: str) -> None:
    update(world, "user-service", forceNewDeployment=True)
    world.sandbox.faults.denied = frozenset({denied})
    snapshot = looker()
    assert len(snapshot.services) == 22
    assert snapshot.services["user-service"].commit
    errors = {part.name: part.error for part in snapshot.parts.values() if part.error}
    part = {"ListTasks": "tasks", "ListServices": "cluster"}.get(denied)
    assert list(errors) == ([part] if part else [])
    assert all(f"not allowed to call ecs:{denied}" in error for error in errors.values())


def test_nothing_can_be_seen(world: World, looker: Looker) -> None:
    world.sandbox.faults.denied = frozenset({"DescribeServices"})
    with pytest.raises(NotAllowedError, match="ecs:DescribeServices"):
        looker()
    world.sandbox.faults.denied = frozenset()
    engine = world.engine(environment="staging")
    with pytest.raises(CloudError, match="no cluster sdt-staging-cluster in eu-west-1"):
        asyncio.run(watch(engine).look())
    engine.close()


def test_an_unknown_service_is_told_with_the_nearest(world: World) -> None:
    with pytest.raises(UsageError, match="did you mean user-service"):
        watch(world.engine(), ["user-servce"])


def test_the_outline_that_was_kept_is_the_catalogs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.engine()
    made = outline(first)
    assert made == outline_of(first.catalog)
    monkeypatch.setattr(Engine, "catalog", property(lambda self: pytest.fail("the catalog was read again")))
    assert outline(world.engine()) == made
    kept = next((world.state / "outlines").iterdir())
    kept.write_text("{")
    monkeypatch.undo()
    assert outline(world.engine()) == made
