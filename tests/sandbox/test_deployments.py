"""Deployments: several at once, stopping one, its record, and its revisions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.account import CLUSTER, Account


def records(account: Account, name: str = "orders") -> list[Any]:
    ecs = account.client("ecs")
    briefs = ecs.list_service_deployments(cluster=CLUSTER, service=f"shop-dev-{name}")["serviceDeployments"]
    arns = [brief["serviceDeploymentArn"] for brief in briefs]
    found = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
    return sorted(found, key=lambda record: record["createdAt"])


def test_the_record_of_a_deployment(account: Account) -> None:
    account.update("orders", forceNewDeployment=True)
    pending = records(account)[-1]
    assert (pending["status"], pending.get("startedAt")) == ("PENDING", None)
    account.sandbox.advance(10)
    going = records(account)[-1]
    assert going["status"] == "IN_PROGRESS"
    assert going["deploymentCircuitBreaker"] == {"status": "MONITORING", "failureCount": 0, "threshold": 3}
    assert going["sourceServiceRevisions"][0]["runningTaskCount"] == 1
    assert account.service("orders")["currentServiceDeployment"] == going["serviceDeploymentArn"]
    account.settle("orders")
    done = records(account)[-1]
    assert done["status"] == "SUCCESSFUL"
    assert done["createdAt"] <= done["startedAt"] < done["finishedAt"]
    assert done["targetServiceRevision"]["runningTaskCount"] == 1
    assert done["deploymentCircuitBreaker"]["status"] == "MONITORING_COMPLETE"


def test_a_revision_has_the_digests_its_tasks_run(account: Account) -> None:
    ecs = account.client("ecs")
    arn = records(account)[-1]["targetServiceRevision"]["arn"]
    revision = ecs.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"][0]
    container = account.tasks("orders")[0]["containers"][0]
    assert revision["containerImages"] == [
        {"containerName": "orders", "imageDigest": container["imageDigest"], "image": container["image"]}
    ]
    assert revision["taskDefinition"] == account.service("orders")["taskDefinition"]


def test_a_moved_tag_does_not_change_what_runs_but_what_is_deployed_next(account: Account) -> None:
    """Version consistency: tags are resolved once, when a deployment begins."""
    registry = account.sandbox.registry
    account.update(
        "orders", taskDefinition=account.register("orders", image=f"{registry}/shop/dev/orders:latest")
    )
    account.settle("orders")
    before = account.tasks("orders")[0]["containers"][0]["imageDigest"]
    ecr = account.client("ecr")
    old = ecr.batch_get_image(repositoryName="shop/dev/orders", imageIds=[{"imageTag": "latest"}])["images"][
        0
    ]
    manifest = old["imageManifest"].replace('"schemaVersion":2', '"schemaVersion": 2')
    new = ecr.put_image(
        repositoryName="shop/dev/orders",
        imageManifest=manifest,
        imageManifestMediaType=old["imageManifestMediaType"],
        imageTag="latest",
    )["image"]["imageId"]["imageDigest"]
    assert new != before
    account.client("ecs").stop_task(cluster=CLUSTER, task=account.tasks("orders")[0]["taskArn"])
    account.until(
        lambda: account.service("orders")["runningCount"] == 1 and len(account.tasks("orders")) == 1
    )
    assert account.tasks("orders")[0]["containers"][0]["imageDigest"] == before
    account.update("orders", forceNewDeployment=True)
    account.settle("orders")
    assert account.tasks("orders")[0]["containers"][0]["imageDigest"] == new


def test_a_service_whose_digest_is_gone_runs_but_cannot_restart(account: Account) -> None:
    task = account.tasks("orders")[0]
    container = task["containers"][0]
    account.client("ecr").batch_delete_image(
        repositoryName="shop/dev/orders", imageIds=[{"imageDigest": container["imageDigest"]}]
    )
    assert account.service("orders")["runningCount"] == 1
    account.client("ecs").stop_task(cluster=CLUSTER, task=task["taskArn"], reason="try")
    account.until(lambda: len(account.tasks("orders", "STOPPED")) > 1)
    failed = next(t for t in account.tasks("orders", "STOPPED") if t["stopCode"] == "TaskFailedToStart")
    reference = f"{container['image']}@{container['imageDigest']}"
    assert failed["stoppedReason"].endswith(f"failed to resolve ref {reference}: {reference}: not found")


def test_a_second_deployment_takes_over_from_the_first(account: Account) -> None:
    first = account.update("orders", forceNewDeployment=True)["deployments"][0]["id"]
    account.sandbox.advance(20)
    answer = account.update("orders", forceNewDeployment=True)
    second = answer["deployments"][0]["id"]
    assert [d["status"] for d in answer["deployments"]] == ["PRIMARY", "ACTIVE", "ACTIVE"]
    assert answer["deployments"][1]["id"] == first
    service = account.settle("orders")
    assert [d["id"] for d in service["deployments"]] == [second]
    assert "(service shop-dev-orders) stopped 1 pending tasks." in account.messages("orders")
    superseded, done = records(account)[-2:]
    assert (superseded["status"], done["status"]) == ("STOPPED", "SUCCESSFUL")


def test_stopping_a_deployment_rolls_back(account: Account) -> None:
    ecs = account.client("ecs")
    before = account.service("orders")
    account.update("orders", taskDefinition=account.register("orders"))
    account.sandbox.advance(30)
    arn = records(account)[-1]["serviceDeploymentArn"]
    ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    assert records(account)[-1]["status"] == "ROLLBACK_REQUESTED"
    with pytest.raises(ecs.exceptions.ConflictException):
        ecs.stop_service_deployment(serviceDeploymentArn=arn)
    account.sandbox.advance(3)
    rolling = records(account)[-1]
    assert rolling["status"] == "ROLLBACK_IN_PROGRESS"
    assert rolling["rollback"]["serviceRevisionArn"] == rolling["sourceServiceRevisions"][0]["arn"]
    service = account.settle("orders")
    assert service["taskDefinition"] == before["taskDefinition"]
    assert service["deployments"][0]["id"] == before["deployments"][0]["id"]
    assert records(account)[-1]["status"] == "ROLLBACK_SUCCESSFUL"
    with pytest.raises(ecs.exceptions.ConflictException):
        ecs.stop_service_deployment(serviceDeploymentArn=arn)


def test_the_breakers_rollback_is_on_the_record(account: Account) -> None:
    account.sandbox.scenarios.on("crash-loop:orders")
    account.update("orders", taskDefinition=account.register("orders"))
    account.until(lambda: records(account)[-1]["status"] == "ROLLBACK_IN_PROGRESS", step=1)
    primary, failed = account.service("orders")["deployments"]
    assert primary["rolloutStateReason"] == (
        f"ECS deployment circuit breaker: rolling back to deploymentId {primary['id']}."
    )
    assert (failed["status"], failed["rolloutState"]) == ("ACTIVE", "FAILED")
    assert failed["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."
    account.settle("orders")
    record = records(account)[-1]
    assert record["status"] == "ROLLBACK_SUCCESSFUL"
    assert record["deploymentCircuitBreaker"] == {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
    assert record["statusReason"] == record["rollback"]["reason"]


def test_a_breaker_without_rollback_leaves_the_old_tasks(account: Account) -> None:
    before = account.service("orders")["deployments"][0]["id"]
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    account.sandbox.scenarios.on("crash-loop:orders")
    account.update("orders", taskDefinition=account.register("orders"), deploymentConfiguration=breaker)
    service = account.settle("orders")
    assert [(d["status"], d["rolloutState"]) for d in service["deployments"]] == [
        ("PRIMARY", "FAILED"),
        ("ACTIVE", "COMPLETED"),
    ]
    assert service["deployments"][1]["id"] == before
    account.sandbox.advance(600)
    service = account.service("orders")
    assert (service["runningCount"], service["deployments"][0]["failedTasks"]) == (1, 3)
    assert records(account)[-1]["status"] == "STOPPED"


@pytest.mark.parametrize(("desired", "threshold"), [(1, 3), (7, 4), (25, 13), (500, 200)])
def test_the_breakers_threshold(account: Account, desired: int, threshold: int) -> None:
    account.sandbox.scenarios.on("no-capacity")
    account.update("orders", desiredCount=desired, forceNewDeployment=True)
    assert records(account)[-1]["deploymentCircuitBreaker"]["threshold"] == threshold


@pytest.mark.parametrize(
    ("minimum", "maximum", "fewest", "most"),
    [(100, 200, 4, 8), (50, 100, 2, 4), (100, 150, 4, 6), (0, 100, 0, 4), (75, 125, 3, 5)],
)
def test_batches_stay_between_minimum_and_maximum(
    account: Account, minimum: int, maximum: int, fewest: int, most: int
) -> None:
    limits = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}
    account.update("orders", desiredCount=4, deploymentConfiguration=limits)
    account.until(lambda: account.service("orders")["runningCount"] == 4)
    account.sandbox.advance(60)
    account.update("orders", forceNewDeployment=True)
    counts = []

    def done() -> bool:
        service = account.service("orders")
        counts.append((service["runningCount"], service["runningCount"] + service["pendingCount"]))
        return bool(service["deployments"][0]["rolloutState"] == "COMPLETED")

    account.until(done, step=3)
    assert min(running for running, _ in counts) >= fewest
    assert max(total for _, total in counts) <= most
    assert account.service("orders")["runningCount"] == 4


def test_scaling_is_no_deployment(account: Account) -> None:
    before = len(records(account))
    account.update("orders", desiredCount=3)
    account.until(lambda: account.service("orders")["runningCount"] == 3)
    service = account.service("orders")
    assert len(service["deployments"]) == 1
    assert len(records(account)) == before
    account.update("orders", desiredCount=0)
    account.until(lambda: account.service("orders")["runningCount"] == 0)
    account.sandbox.advance(30)
    assert account.messages("orders")[-1] == "(service shop-dev-orders) has reached a steady state."


def test_deployments_are_listed_by_status_and_time(account: Account) -> None:
    account.update("orders", forceNewDeployment=True)
    account.settle("orders")
    ecs = account.client("ecs")

    def listed(**filters: Any) -> int:
        answer = ecs.list_service_deployments(cluster=CLUSTER, service="shop-dev-orders", **filters)
        return len(answer["serviceDeployments"])

    latest = records(account)[-1]["createdAt"]
    assert listed() == 2
    assert listed(status=["SUCCESSFUL"]) == 2
    assert listed(status=["IN_PROGRESS"]) == 0
    assert listed(createdAt={"after": latest}) == 1
    assert listed(maxResults=1) == 1


def test_events_beyond_the_last_hundred_are_gone(account: Account) -> None:
    for _ in range(20):
        account.update("orders", forceNewDeployment=True)
        account.settle("orders")
    assert len(account.service("orders")["events"]) == 100


def test_percentages_that_leave_no_room_are_told(account: Account) -> None:
    limits = {"minimumHealthyPercent": 50, "maximumPercent": 100}  # of one task: one at least, one at most
    account.update("orders", forceNewDeployment=True, deploymentConfiguration=limits)
    account.sandbox.advance(300)
    service = account.service("orders")
    assert (service["deployments"][0]["rolloutState"], service["runningCount"]) == ("IN_PROGRESS", 1)
    assert account.messages("orders")[-1] == (
        "(service shop-dev-orders) was unable to stop or start tasks during a deployment because of the "
        "service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try "
        "again."
    )
    account.update("orders", deploymentConfiguration={"minimumHealthyPercent": 0, "maximumPercent": 100})
    assert account.settle("orders")["deployments"][0]["rolloutState"] == "COMPLETED"
