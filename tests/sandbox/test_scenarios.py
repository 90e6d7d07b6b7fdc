"""Scenarios: each fails the way AWS does, in AWS's words, and goes back to what worked."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from sdt_console.catalog.model import Catalog
from sdt_console.errors import UsageError
from sdt_console.sandbox import Sandbox
from tests.sandbox.account import CATALOG, CLUSTER, Account


def fail_a_deploy(account: Account, scenario: str) -> tuple[Any, list[Any]]:
    """Deploy with the scenario on, until the breaker has rolled back; the service and the failed tasks."""
    before = account.service("orders")
    account.sandbox.scenarios.on(scenario)
    failed = account.update("orders", taskDefinition=account.register("orders"))["deployments"][0]["id"]
    account.until(lambda: bool(account.service("orders")["taskDefinition"] == before["taskDefinition"]))
    service = account.settle("orders")
    assert service["deployments"][0]["id"] == before["deployments"][0]["id"]
    assert service["runningCount"] == 1
    tasks = [t for t in account.tasks("orders", "STOPPED") if t["startedBy"] == failed]
    assert len(tasks) == 3
    return service, tasks


def test_crash_loop(account: Account) -> None:
    _, tasks = fail_a_deploy(account, "crash-loop:orders")
    for task in tasks:
        assert (task["stopCode"], task["stoppedReason"]) == (
            "EssentialContainerExited",
            "Essential container in task exited",
        )
        assert task["containers"][0]["exitCode"] == 1
        assert task["startedAt"] < task["executionStoppedAt"] <= task["stoppedAt"]


def test_out_of_memory(account: Account) -> None:
    _, tasks = fail_a_deploy(account, "out-of-memory")
    container = tasks[0]["containers"][0]
    assert container["exitCode"] == 137
    assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"


@pytest.mark.parametrize("scenario", ["unhealthy:orders", "breaker-rollback:shop-dev-orders"])
def test_unhealthy_targets(account: Account, scenario: str) -> None:
    service, tasks = fail_a_deploy(account, scenario)
    group = service["loadBalancers"][0]["targetGroupArn"]
    for task in tasks:
        assert task["stopCode"] == "ServiceSchedulerInitiated"
        assert task["stoppedReason"] == f"Task failed ELB health checks in (target-group {group})"
        name = task["taskArn"].rpartition("/")[2]
        assert (
            f"(service shop-dev-orders) (task {name}) (port 8081) is unhealthy in "
            f"(target-group {group}) due to (reason Health checks failed with these codes: [503])."
        ) in account.messages("orders")


def test_image_missing(account: Account) -> None:
    _, tasks = fail_a_deploy(account, "image-missing:orders")
    assert tasks[0]["stopCode"] == "TaskFailedToStart"
    assert tasks[0]["stoppedReason"].startswith(
        "CannotPullContainerError: pull image manifest has been retried"
    )
    assert "startedAt" not in tasks[0]


def test_secret_missing(account: Account) -> None:
    _, tasks = fail_a_deploy(account, "secret-missing:orders")
    assert tasks[0]["stoppedReason"].startswith(
        "ResourceInitializationError: unable to pull secrets or registry auth: "
    )
    assert "shop/dev/database" in tasks[0]["stoppedReason"]


def test_no_capacity_starts_nothing_and_says_so(account: Account) -> None:
    account.sandbox.scenarios.on("no-capacity:orders")
    account.update("orders", forceNewDeployment=True)
    account.sandbox.advance(120)
    service = account.service("orders")
    assert service["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    assert (service["runningCount"], service["pendingCount"]) == (1, 0)
    said = "was unable to place a task. Reason: Capacity is unavailable at this time."
    assert said in account.messages("orders")[-1]
    account.sandbox.scenarios.off("no-capacity:orders")
    assert account.settle("orders")["deployments"][0]["rolloutState"] == "COMPLETED"


def test_a_slow_start_is_killed_after_its_grace_period(account: Account) -> None:
    _, tasks = fail_a_deploy(account, "slow-start:orders")
    lived = (tasks[0]["stoppingAt"] - tasks[0]["startedAt"]).total_seconds()
    assert 60 <= lived <= 75
    assert "(reason Health checks failed)." in "\n".join(account.messages("orders"))


def test_going_back_to_what_worked_works_under_the_scenario(account: Account) -> None:
    good = account.service("orders")["taskDefinition"]
    account.update(
        "orders", deploymentConfiguration={"deploymentCircuitBreaker": {"enable": False, "rollback": False}}
    )
    account.sandbox.scenarios.on("crash-loop:orders")
    account.update("orders", taskDefinition=account.register("orders"))
    account.sandbox.advance(400)
    service = account.service("orders")
    assert service["deployments"][0]["rolloutState"] == "IN_PROGRESS"  # no breaker: it tries for ever
    assert service["deployments"][0]["failedTasks"] >= 3
    impaired = "is unable to consistently start tasks successfully."
    assert any(impaired in message for message in account.messages("orders"))
    account.update("orders", taskDefinition=good, forceNewDeployment=True)
    service = account.settle("orders")
    assert (service["deployments"][0]["rolloutState"], service["runningCount"]) == ("COMPLETED", 1)


def test_other_services_are_left_alone(account: Account) -> None:
    account.sandbox.scenarios.on("crash-loop:orders")
    account.update("users", forceNewDeployment=True)
    assert account.settle("users")["deployments"][0]["failedTasks"] == 0
    assert account.tasks("users", "STOPPED")[0]["stopCode"] == "ServiceSchedulerInitiated"


@pytest.mark.parametrize("service", ["ecs", "ecr", "elbv2", "sts", "s3", "cloudwatch", "logs", "iam", "ec2"])
def test_expired_credentials_in_every_protocol(account: Account, service: str) -> None:
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "ecs": ("list_clusters", {}),
        "ecr": ("describe_repositories", {}),
        "elbv2": ("describe_load_balancers", {}),
        "sts": ("get_caller_identity", {}),
        "s3": ("list_buckets", {}),
        "cloudwatch": ("describe_alarms", {}),
        "logs": ("describe_log_groups", {}),
        "iam": ("list_roles", {}),
        "ec2": ("describe_vpcs", {}),
    }
    name, arguments = calls[service]
    client = account.client(service)
    getattr(client, name)(**arguments)
    account.sandbox.scenarios.on("expired-credentials")
    with pytest.raises(ClientError) as error:
        getattr(client, name)(**arguments)
    assert error.value.response["Error"]["Code"] in ("ExpiredTokenException", "ExpiredToken")
    assert "expired" in error.value.response["Error"]["Message"]
    account.sandbox.scenarios.off()
    getattr(client, name)(**arguments)


def test_throttling_enforces_the_quota_and_refills(account: Account) -> None:
    ecs = account.client("ecs")
    definition = account.service("orders")["taskDefinition"]
    account.sandbox.scenarios.on("throttling")
    for _ in range(50):
        ecs.describe_task_definition(taskDefinition=definition)
    with pytest.raises(ClientError) as error:
        ecs.describe_task_definition(taskDefinition=definition)
    assert error.value.response["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}
    ecs.list_clusters()  # another bucket
    account.sandbox.advance(0.5)
    for _ in range(10):
        ecs.describe_task_definition(taskDefinition=definition)
    with pytest.raises(ClientError):
        ecs.describe_task_definition(taskDefinition=definition)


def test_a_flaky_api_fails_in_several_ways_and_a_lost_answer_was_carried_out(account: Account) -> None:
    ecs = account.client("ecs", read_timeout=5)
    account.sandbox.scenarios.on("flaky-api")
    seen: set[str] = set()
    registered = lost = 0
    for number in range(80):
        try:
            ecs.register_task_definition(
                family="flaky", containerDefinitions=[{"name": "a", "image": f"a:{number}", "memory": 64}]
            )
            registered += 1
        except ClientError as error:
            seen.add(error.response["Error"]["Code"])
        except (ConnectionClosedError, ReadTimeoutError):
            lost += 1
    account.sandbox.scenarios.off()
    # The last is what ECS says when several clients register revisions of one family at a time.
    assert seen == {"ServerException", "ServiceUnavailableException", "ClientException"}
    assert lost > 0
    arns = ecs.list_task_definitions(familyPrefix="flaky")["taskDefinitionArns"]
    assert len(arns) == registered + lost


def test_scenarios_are_switched_over_http(account: Account) -> None:
    base = account.sandbox.endpoint + "/_sandbox"
    assert http("GET", base)["load_balancers"] == dict(account.sandbox.load_balancers)
    assert http("POST", base + "/scenarios/crash-loop:orders")["active"] == ["crash-loop:orders"]
    assert "crash-loop" in http("GET", base + "/scenarios")["known"]
    assert account.sandbox.scenarios.active == ("crash-loop:orders",)
    assert http("DELETE", base + "/scenarios/crash-loop:orders")["active"] == []
    with pytest.raises(urllib.error.HTTPError) as error:
        http("POST", base + "/scenarios/crash-lop")
    assert error.value.code == 400
    assert "did you mean crash-loop?" in json.loads(error.value.read())["error"]


def http(method: str, url: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("crash-lop", "no such scenario: crash-lop: did you mean crash-loop?"),
        ("crash-loop:ordrs", "no such service: ordrs: did you mean orders?"),
        ("throttling:orders", "the scenario throttling is the API's, not a service's"),
    ],
)
def test_an_unknown_scenario_starts_nothing(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        Sandbox.start(Catalog.model_validate(CATALOG), scenarios=[text])
    assert str(error.value).startswith(said)
    assert error.value.exit_code == 2


def test_scenarios_can_be_on_from_the_start() -> None:
    with Sandbox.start(Catalog.model_validate(CATALOG), scenarios=["unhealthy:orders"]) as sandbox:
        account = Account(sandbox, Catalog.model_validate(CATALOG))
        assert sandbox.scenarios.active == ("unhealthy:orders",)
        assert account.service("orders")["runningCount"] == 1
        assert CLUSTER in account.client("ecs").list_clusters()["clusterArns"][0]
