"""How a service stands, case by case, from what ``DescribeServices`` says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sdt_console.watch.state import image_parts, revision, stand

T0 = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def deployment(status: str = "PRIMARY", rollout: str | None = "COMPLETED", **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "id": "ecs-svc/1",
        "status": status,
        "taskDefinition": "arn:aws:ecs:eu-west-1:1:task-definition/app:7",
        "runningCount": 2,
        "desiredCount": 2,
        "pendingCount": 0,
        "failedTasks": 0,
        "createdAt": T0,
        "updatedAt": T0 + 60,
        "rolloutStateReason": "",
    }
    return given | ({} if rollout is None else {"rolloutState": rollout}) | more


def service(*deployments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "status": "ACTIVE",
        "runningCount": 2,
        "desiredCount": 2,
        "pendingCount": 0,
        "deployments": list(deployments) or [deployment()],
    } | more


NEW = deployment(rollout="IN_PROGRESS", runningCount=0)
HALF = deployment(rollout="IN_PROGRESS", runningCount=1)
OLD = deployment("ACTIVE", "COMPLETED", id="ecs-svc/0", createdAt=T0 - 9_000)
BROKEN = deployment("ACTIVE", "FAILED", id="ecs-svc/2", createdAt=T0 + 5, runningCount=0, desiredCount=0)
FAILING = deployment(rollout="IN_PROGRESS", runningCount=0, failedTasks=2)
BACK = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1."

CASES = {
    "not there": (None, "missing", "not in ECS"),
    "deleted": (service(status="INACTIVE"), "missing", "inactive"),
    "being deleted": (service(status="DRAINING"), "missing", "draining"),
    "well": (service(), "up", "steady"),
    "one task of two": (service(runningCount=1), "degraded", "short of tasks"),
    "one task of two, one on its way": (service(runningCount=1, pendingCount=1), "degraded", "starting 1"),
    "no task": (service(runningCount=0), "down", "short of tasks"),
    "scaled in": (service(runningCount=3), "up", "stopping 1"),
    "scaled to nothing": (service(desiredCount=0, runningCount=0), "down", "scaled to 0"),
    "on its way to nothing": (service(desiredCount=0), "down", "stopping 2"),
    "a rollout begins": (service(NEW, OLD), "deploying", "0 of 2 new"),
    "half of a rollout": (service(HALF, OLD, runningCount=3), "deploying", "1 of 2 new"),
    "a first rollout": (service(NEW, runningCount=0), "deploying", "0 of 2 new"),
    "tasks of the new revision fail": (service(FAILING, OLD), "deploying", "0 of 2 new, failing"),
    "they fail, and nothing runs": (service(FAILING, runningCount=0), "down", "failing"),
    "the breaker goes back": (
        service(deployment(rollout="IN_PROGRESS", rolloutStateReason=BACK), BROKEN),
        "rolling-back",
        "rolling back",
    ),
    "going back without a word": (
        service(deployment(rollout="IN_PROGRESS"), BROKEN),
        "rolling-back",
        "rolling back",
    ),
    "gone back": (service(deployment(), BROKEN), "up", "steady"),
    "a newer deployment over a failed one": (
        service(deployment(rollout="IN_PROGRESS", createdAt=T0 + 50, runningCount=1), BROKEN),
        "deploying",
        "1 of 2 new",
    ),
    "failed, and what ran before still does": (
        service(deployment(rollout="FAILED", runningCount=0), OLD),
        "degraded",
        "failed",
    ),
    "failed, and nothing runs": (service(deployment(rollout="FAILED"), runningCount=0), "down", "failed"),
    "no rollout state, one deployment": (service(deployment(rollout=None)), "up", "steady"),
    "no rollout state, two deployments": (
        service(deployment(rollout=None, runningCount=1), deployment("ACTIVE", None, id="ecs-svc/0")),
        "deploying",
        "1 of 2 new",
    ),
    "another deployment controller": (service(deployments=[]), "up", "steady"),
    "counts that ECS leaves out": (
        {"status": "ACTIVE", "deployments": [], "desiredCount": 1},
        "down",
        "short of tasks",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_state_and_rollout(case: str) -> None:
    raw, state, rollout = CASES[case]
    found = stand(raw)
    assert (found.state, found.rollout) == (state, rollout)


def test_a_service_whose_code_is_not_there_is_pending_until_something_runs() -> None:
    assert stand(None, pending=True).state == "pending"
    assert stand(service(desiredCount=0, runningCount=0), pending=True).state == "pending"
    assert stand(service(), pending=True).state == "up"


def test_what_is_wrong_is_said_and_what_is_well_is_not() -> None:
    assert stand(service()).why == ""
    assert stand(None).why == "the catalog has it, the cluster does not"
    assert stand(service(desiredCount=0, runningCount=0)).why == "desired is 0: nothing is meant to run"
    assert stand(service(runningCount=1)).why == "1 of 2 tasks run"
    failed = stand(service(deployment(rollout="FAILED", rolloutStateReason="tasks failed to start.")))
    assert failed.why == "the deployment failed: tasks failed to start"


def test_since_when_is_ecss_own_time() -> None:
    assert stand(service()).since == T0 + 60
    assert stand(service(HALF, OLD)).since == T0


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("host:5000/a/b:8d2e71bc", ("8d2e71bc", "8d2e71bc", "")),
        ("host:5000/a/b", ("latest", "", "")),
        ("host/a/b:v1.2", ("v1.2", "", "")),
        ("host/a/b@sha256:ab", ("", "", "sha256:ab")),
        ("host:5000/a/b:v1@sha256:ab", ("v1", "", "sha256:ab")),
        ("", ("", "", "")),
    ],
)
def test_image_references(reference: str, parts: tuple[str, str, str]) -> None:
    assert image_parts(reference) == parts


def test_revisions() -> None:
    assert revision("arn:aws:ecs:eu-west-1:1:task-definition/app:41") == 41
    assert revision("app") == 0
