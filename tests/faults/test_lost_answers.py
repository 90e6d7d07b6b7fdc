"""A change whose answer never came: found if it was made, made again only if it never arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sdt_console.model import Outcome
from sdt_console.sandbox.faults import Mishap, Refusal
from tests.pipeline.test_run_on_sandbox import changes
from tests.world import World

LOST = Mishap(lost=True)
REFUSED = Mishap(Refusal("ServerException", "Service Unavailable. Please try again later.", 500))


def befalls(world: World, operation: str, mishap: Mishap, times: int) -> None:
    """Let ``mishap`` befall the first calls of ``operation``."""
    real: Callable[..., Mishap] = world.sandbox.faults.befalls
    left = times

    def instead(account: str, region: str, called: str, now: float) -> Mishap:
        nonlocal left
        if called == operation and left:
            left -= 1
            return mishap
        return real(account, region, called, now)

    world.sandbox.faults.befalls = instead  # type: ignore[method-assign, assignment]


def made(world: World) -> tuple[int, int]:
    """Revisions and deployments of the service, those of the beginning included."""
    ecs: Any = world.client("ecs")
    revisions = ecs.list_task_definitions(familyPrefix="sdt-dev-task-service")["taskDefinitionArns"]
    deployments = ecs.list_service_deployments(cluster="sdt-dev-cluster", service="sdt-dev-task-service")
    return len(revisions), len(deployments["serviceDeployments"])


@pytest.mark.parametrize("operation", ["RegisterTaskDefinition", "UpdateService"])
def test_a_change_whose_answer_is_lost_is_not_made_twice(world: World, operation: str) -> None:
    revisions, deployments = made(world)
    befalls(world, operation, LOST, 1)
    state = world.run()
    assert state.outcome is Outcome.SUCCEEDED, state.failure
    assert made(world) == (revisions + 1, deployments + 1)
    assert changes(world).count(("task-service", f"ecs:{operation}")) == 1


@pytest.mark.parametrize("operation", ["RegisterTaskDefinition", "UpdateService"])
def test_a_change_that_never_arrived_is_made_again(world: World, operation: str) -> None:
    revisions, deployments = made(world)
    befalls(world, operation, REFUSED, 2)
    state = world.run()
    assert state.outcome is Outcome.SUCCEEDED, state.failure
    assert made(world) == (revisions + 1, deployments + 1)
    assert changes(world).count(("task-service", f"ecs:{operation}")) == 3


@pytest.mark.parametrize("operation", ["RegisterTaskDefinition", "UpdateService"])
def test_a_change_that_never_arrives_ends_the_run_with_its_cause(world: World, operation: str) -> None:
    before = world.service("task-service")["taskDefinition"]
    befalls(world, operation, REFUSED, 99)
    state = world.run()
    assert state.outcome in (Outcome.FAILED, Outcome.ROLLED_BACK)
    assert state.failure is not None
    assert f"ecs:{operation}" in state.failure.what
    assert world.service("task-service")["taskDefinition"] == before
