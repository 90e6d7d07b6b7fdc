"""Tasks: their life, their end, and how long they are remembered; targets with them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.account import CLUSTER, Account


def task(account: Account, arn: str) -> Any:
    return account.client("ecs").describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]


def states(account: Account, arn: str, until: str) -> list[str]:
    """The states a task goes through."""
    seen: list[str] = []

    def note() -> bool:
        state = str(task(account, arn)["lastStatus"])
        if not seen or seen[-1] != state:
            seen.append(state)
        return state == until

    account.until(note, step=1)
    return seen


def test_the_life_of_a_task(account: Account) -> None:
    account.update("orders", desiredCount=2)
    account.sandbox.advance(2)
    arn = account.tasks("orders")[-1]["taskArn"]
    assert states(account, arn, "RUNNING") == ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"]
    up = task(account, arn)
    assert up["createdAt"] < up["pullStartedAt"] < up["pullStoppedAt"] < up["startedAt"]
    assert up["connectivity"] == "CONNECTED"
    assert up["attachments"][0]["status"] == "ATTACHED"
    assert up["containers"][0]["lastStatus"] == "RUNNING"
    account.until(lambda: len(healthy(account, "orders")) == 2)
    account.client("ecs").stop_task(cluster=CLUSTER, task=arn, reason="enough")
    assert states(account, arn, "STOPPED") == ["DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]
    down = task(account, arn)
    assert (down["stopCode"], down["stoppedReason"]) == ("UserInitiated", "enough")
    assert down["stoppingAt"] < down["executionStoppedAt"] < down["stoppedAt"]
    assert (down["containers"][0]["exitCode"], down["desiredStatus"]) == (143, "STOPPED")
    account.until(lambda: account.service("orders")["runningCount"] == 2)


def test_stopped_tasks_are_forgotten_after_an_hour(account: Account) -> None:
    arn = account.tasks("redis")[0]["taskArn"]
    account.client("ecs").stop_task(cluster=CLUSTER, task=arn)
    states(account, arn, "STOPPED")
    account.sandbox.advance(3590)
    assert arn in [t["taskArn"] for t in account.tasks("redis", "STOPPED")]
    account.sandbox.advance(20)
    answer = account.client("ecs").describe_tasks(cluster=CLUSTER, tasks=[arn])
    assert answer["failures"] == [{"arn": arn, "reason": "MISSING"}]
    assert account.tasks("redis", "STOPPED") == []


def test_a_task_outside_a_service(account: Account) -> None:
    ecs = account.client("ecs")
    network = account.service("orders")["networkConfiguration"]
    started = ecs.run_task(
        cluster=CLUSTER,
        taskDefinition="shop-dev-orders",
        networkConfiguration=network,
        startedBy="me",
        count=2,
        tags=[{"key": "why", "value": "try"}],
    )["tasks"]
    arns = [t["taskArn"] for t in started]
    assert ecs.list_tasks(cluster=CLUSTER, startedBy="me")["taskArns"] == arns
    states(account, arns[0], "RUNNING")
    found = ecs.describe_tasks(cluster=CLUSTER, tasks=arns, include=["TAGS"])["tasks"][0]
    assert found["group"] == "family:shop-dev-orders"
    assert found["tags"] == [{"key": "why", "value": "try"}]
    assert account.service("orders")["runningCount"] == 1


def test_tags_of_the_service_are_propagated_to_its_tasks(account: Account) -> None:
    ecs = account.client("ecs")
    arn = account.tasks("orders")[0]["taskArn"]
    tags = ecs.describe_tasks(cluster=CLUSTER, tasks=[arn], include=["TAGS"])["tasks"][0]["tags"]
    assert {"key": "Service", "value": "orders"} in tags


def test_a_deleted_service_drains_and_becomes_inactive(account: Account) -> None:
    ecs = account.client("ecs")
    ecs.delete_service(cluster=CLUSTER, service="shop-dev-orders", force=True)
    assert account.service("orders")["status"] == "DRAINING"
    account.until(lambda: account.service("orders")["status"] == "INACTIVE")
    assert account.tasks("orders") == []
    assert "shop-dev-orders" not in str(ecs.list_services(cluster=CLUSTER)["serviceArns"])


def test_targets_are_registered_checked_and_drained(account: Account) -> None:
    old = healthy(account, "orders")
    assert len(old) == 1
    account.update("orders", forceNewDeployment=True)
    seen = []

    def done() -> bool:
        for target in targets(account, "orders"):
            if target["Target"]["Id"] != old[0]:
                state = target["TargetHealth"]
                if state not in seen:
                    seen.append(state)
        return bool(account.service("orders")["deployments"][0]["rolloutState"] == "COMPLETED")

    account.until(done, step=1)
    assert seen == [
        {
            "State": "initial",
            "Reason": "Elb.RegistrationInProgress",
            "Description": "Target registration is in progress",
        },
        {
            "State": "initial",
            "Reason": "Elb.InitialHealthChecking",
            "Description": "Initial health checks in progress",
        },
        {"State": "healthy"},
    ]
    assert old[0] not in healthy(account, "orders")


def test_a_draining_target_says_so(account: Account) -> None:
    account.client("ecs").stop_task(cluster=CLUSTER, task=account.tasks("orders")[0]["taskArn"])
    assert targets(account, "orders")[0]["TargetHealth"] == {
        "State": "draining",
        "Reason": "Target.DeregistrationInProgress",
        "Description": "Target deregistration is in progress",
    }
    account.sandbox.advance(25)
    assert targets(account, "orders") == []


def targets(account: Account, name: str) -> list[Any]:
    group = account.service(name)["loadBalancers"][0]["targetGroupArn"]
    answer = account.client("elbv2").describe_target_health(TargetGroupArn=group)
    return list(answer["TargetHealthDescriptions"])


def healthy(account: Account, name: str) -> list[str]:
    return [t["Target"]["Id"] for t in targets(account, name) if t["TargetHealth"]["State"] == "healthy"]


CHECK = {
    "command": ["CMD-SHELL", "curl -f localhost:8081/actuator/health"],
    "interval": 10,
    "startPeriod": 30,
}


def test_a_container_health_check_decides_when_a_task_counts(account: Account) -> None:
    account.update("redis", taskDefinition=account.register("redis", healthCheck=CHECK))
    account.until(lambda: len(account.tasks("redis")) == 2)
    account.until(lambda: account.tasks("redis")[1]["lastStatus"] == "RUNNING", step=1)
    new = account.tasks("redis")[1]
    assert (new["healthStatus"], new["containers"][0]["healthStatus"]) == ("UNKNOWN", "UNKNOWN")
    account.settle("redis")
    assert [t["healthStatus"] for t in account.tasks("redis")] == ["HEALTHY"]


def test_a_container_that_fails_its_health_check_is_replaced_and_trips_the_breaker(account: Account) -> None:
    before = account.service("redis")["taskDefinition"]
    account.sandbox.scenarios.on("unhealthy:redis")
    account.update("redis", taskDefinition=account.register("redis", healthCheck=CHECK))
    account.until(lambda: bool(account.service("redis")["taskDefinition"] == before))
    failed = account.tasks("redis", "STOPPED")
    assert len(failed) == 3
    assert {t["stoppedReason"] for t in failed} == {"Task failed container health checks"}
    assert {t["healthStatus"] for t in failed} == {"UNHEALTHY"}
    name = failed[0]["taskArn"].rpartition("/")[2]
    told = account.messages("redis")
    assert f"(service shop-dev-redis) (task {name}) failed container health checks." in told
    assert any("Amazon ECS replaced 1 tasks due to an unhealthy status." in message for message in told)


def test_a_second_deployments_counts(account: Account) -> None:
    answer = account.update("orders", forceNewDeployment=True)["deployments"]
    assert [(d["desiredCount"], d["runningCount"]) for d in answer] == [(1, 0), (1, 1)]


def test_a_command_is_refused_for_the_reason_that_ecs_gives(account: Account) -> None:
    ecs = account.client("ecs")

    def run() -> None:
        arn = account.tasks("orders")[-1]["taskArn"]
        ecs.execute_command(cluster=CLUSTER, task=arn, command="sh", interactive=True)

    with pytest.raises(ecs.exceptions.InvalidParameterException, match="execute command was not enabled"):
        run()
    account.update("orders", enableExecuteCommand=True, forceNewDeployment=True)
    account.settle("orders")
    with pytest.raises(ecs.exceptions.TargetNotConnectedException):
        run()


def test_spot_tasks_name_their_capacity_provider_and_managed_tags_are_added(account: Account) -> None:
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    deployed = account.update("orders", capacityProviderStrategy=spot, enableECSManagedTags=True)
    assert deployed["deployments"][0]["rolloutState"] == "IN_PROGRESS"  # another provider is a new deployment
    account.settle("orders")
    arn = account.tasks("orders")[0]["taskArn"]
    task = account.client("ecs").describe_tasks(cluster=CLUSTER, tasks=[arn], include=["TAGS"])["tasks"][0]
    assert (task["capacityProviderName"], task["launchType"]) == ("FARGATE_SPOT", "FARGATE")
    assert {"key": "aws:ecs:serviceName", "value": "shop-dev-orders"} in task["tags"]
