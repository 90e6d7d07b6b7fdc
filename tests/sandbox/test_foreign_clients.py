"""The sandbox through clients that know nothing of it: ``aws``, fabfuel's ``ecs``, boto3's waiters."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.sandbox import Sandbox
from tests import foreign
from tests.sandbox.account import CATALOG, CLUSTER, Account

SPEED = 600.0
"""Two minutes of a deploy in a fifth of a second: these clients wait by the machine's clock."""


@pytest.fixture(scope="module")
def live() -> Iterator[Account]:
    catalog = Catalog.model_validate(CATALOG)
    with Sandbox.start(catalog, speed=SPEED, environments=["dev"]) as sandbox:
        yield Account(sandbox, catalog)


@pytest.fixture
def aws(live: Account) -> Any:
    program = foreign.program("aws")

    def run(*arguments: str, check: bool = True) -> Any:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        environ |= {**live.sandbox.environ, "AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull}
        done = subprocess.run(
            [program, *arguments, "--output", "json"],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if not check:
            return done
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_the_aws_command_tells_the_story_of_a_bad_image(live: Account, aws: Any) -> None:
    before = live.service("users")["taskDefinition"]
    image = f"{live.sandbox.registry}/shop/dev/users:{'f' * 40}"
    bad = live.register("users", image=image)
    updated = aws(
        "ecs", "update-service", "--cluster", CLUSTER, "--service", "shop-dev-users", "--task-definition", bad
    )["service"]
    assert updated["deployments"][0]["taskDefinition"] == bad
    wait_until(lambda: live.service("users")["taskDefinition"] == before)
    wait_until(lambda: live.service("users")["deployments"][0]["rolloutState"] == "COMPLETED")
    aws("ecs", "wait", "services-stable", "--cluster", CLUSTER, "--services", "shop-dev-users")
    service = aws("ecs", "describe-services", "--cluster", CLUSTER, "--services", "shop-dev-users")[
        "services"
    ][0]
    messages = "\n".join(event["message"] for event in service["events"])
    assert "deployment failed: tasks failed to start." in messages
    assert "rolling back to deployment ecs-svc/" in messages
    assert service["taskDefinition"] == before
    stopped = aws(
        "ecs",
        "list-tasks",
        "--cluster",
        CLUSTER,
        "--service-name",
        "shop-dev-users",
        "--desired-status",
        "STOPPED",
    )["taskArns"]
    tasks = aws("ecs", "describe-tasks", "--cluster", CLUSTER, "--tasks", *stopped)["tasks"]
    assert {task["stopCode"] for task in tasks} == {"TaskFailedToStart"}
    assert image in tasks[0]["stoppedReason"]
    deployments = aws("ecs", "list-service-deployments", "--cluster", CLUSTER, "--service", "shop-dev-users")
    assert deployments["serviceDeployments"][0]["status"] == "ROLLBACK_SUCCESSFUL"


def test_the_aws_command_prints_awss_errors(aws: Any) -> None:
    done = aws("ecs", "describe-services", "--cluster", "nothing", "--services", "a", check=False)
    assert done.returncode in (254, 255)
    assert (
        "An error occurred (ClusterNotFoundException) when calling the DescribeServices operation: "
        "Cluster not found."
    ) in done.stderr


def test_the_aws_command_reads_the_account(live: Account, aws: Any) -> None:
    assert aws("sts", "get-caller-identity")["Account"] == "962496666337"
    repositories = aws("ecr", "describe-repositories")["repositories"]
    assert {r["repositoryUri"].partition("/")[0] for r in repositories} == {live.sandbox.registry}
    group = live.service("users")["loadBalancers"][0]["targetGroupArn"]
    health = aws("elbv2", "describe-target-health", "--target-group-arn", group)["TargetHealthDescriptions"]
    assert "healthy" in [target["TargetHealth"]["State"] for target in health]
    events = aws(
        "logs",
        "filter-log-events",
        "--log-group-name",
        "/ecs/shop/dev/users",
        "--filter-pattern",
        '"Started Users"',
    )["events"]
    assert events


def test_boto3s_waiters_see_services_and_tasks_come_and_go(live: Account) -> None:
    ecs = live.client("ecs")
    patience = {"Delay": 0, "MaxAttempts": 2000}
    live.update("gateway", forceNewDeployment=True)
    ecs.get_waiter("services_stable").wait(
        cluster=CLUSTER, services=["shop-dev-gateway"], WaiterConfig=patience
    )
    assert live.service("gateway")["deployments"][0]["rolloutState"] == "COMPLETED"
    network = live.service("gateway")["networkConfiguration"]
    task = ecs.run_task(cluster=CLUSTER, taskDefinition="shop-dev-gateway", networkConfiguration=network)
    arn = task["tasks"][0]["taskArn"]
    ecs.get_waiter("tasks_running").wait(cluster=CLUSTER, tasks=[arn], WaiterConfig=patience)
    ecs.stop_task(cluster=CLUSTER, task=arn)
    ecs.get_waiter("tasks_stopped").wait(cluster=CLUSTER, tasks=[arn], WaiterConfig=patience)


def wait_until(condition: Any) -> None:
    """Ask until it is so; each question goes over HTTP, so this does not spin."""
    for _ in range(5000):
        if condition():
            return
    raise AssertionError("it did not happen")


@pytest.fixture
def fabfuel(live: Account) -> Any:
    """fabfuel's ``ecs`` command."""
    program = foreign.program("ecs")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        environ |= live.sandbox.environ
        return subprocess.run([program, *arguments], env=environ, capture_output=True, text=True, check=False)

    return run


def test_fabfuels_ecs_deploys_and_scales(live: Account, fabfuel: Any) -> None:
    before = live.service("orders")["taskDefinition"]
    done = fabfuel("deploy", CLUSTER, "shop-dev-orders", "--timeout", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Deployment successful" in done.stdout
    assert "Successfully deregistered revision: 1" in done.stdout
    after = live.service("orders")
    assert after["taskDefinition"] != before
    assert after["deployments"][0]["rolloutState"] == "COMPLETED"
    done = fabfuel("scale", CLUSTER, "shop-dev-orders", "2", "--timeout", "60")
    assert "Scaling successful" in done.stdout
    assert live.service("orders")["runningCount"] == 2


def test_fabfuels_ecs_deploys_a_tag(live: Account, fabfuel: Any) -> None:
    digest = push_another(live, "users", "v2")
    before = live.service("users")["taskDefinition"]
    done = fabfuel("deploy", CLUSTER, "shop-dev-users", "--tag", "v2", "--timeout", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    image = f"{live.sandbox.registry}/shop/dev/users:v2"
    assert f'Changed image of container "users" to: "{image}"' in done.stdout
    assert "Deployment successful" in done.stdout
    service = live.service("users")
    assert service["taskDefinition"] != before
    assert [d["taskDefinition"] for d in service["deployments"]] == [service["taskDefinition"]]
    (task,) = live.tasks("users")
    assert (task["taskDefinitionArn"], task["lastStatus"]) == (service["taskDefinition"], "RUNNING")
    assert (task["containers"][0]["image"], task["containers"][0]["imageDigest"]) == (image, digest)


def test_fabfuels_ecs_takes_the_breakers_rollback_for_success_as_on_aws(live: Account, fabfuel: Any) -> None:
    live.update("gateway", forceNewDeployment=True)
    wait_until(lambda: live.service("gateway")["deployments"][0]["rolloutState"] == "COMPLETED")
    good = live.service("gateway")["taskDefinition"]
    image = f"{live.sandbox.registry}/shop/dev/gateway:none"
    done = fabfuel("deploy", CLUSTER, "shop-dev-gateway", "--image", "gateway", image, "--timeout", "60")
    assert done.returncode == 0
    assert "Deployment successful" in done.stdout
    assert "CannotPullContainerError" not in done.stdout + done.stderr
    # What it says is not so: the old revision runs again, and is the one that it deregistered.
    ecs, service = live.client("ecs"), live.service("gateway")
    assert service["taskDefinition"] == good
    assert {task["taskDefinitionArn"] for task in live.tasks("gateway")} == {good}
    assert f"Successfully deregistered revision: {good.rpartition(':')[2]}" in done.stdout
    assert ecs.describe_task_definition(taskDefinition=good)["taskDefinition"]["status"] == "INACTIVE"
    record = ecs.list_service_deployments(cluster=CLUSTER, service="shop-dev-gateway")["serviceDeployments"][
        0
    ]
    assert record["status"] == "ROLLBACK_SUCCESSFUL"


def push_another(live: Account, name: str, tag: str) -> str:
    """An image with the layers of the one that runs, under a tag of its own; its digest."""
    ecr, repository = live.client("ecr"), f"shop/dev/{name}"
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "latest"}])
    manifest = json.loads(answer["images"][0]["imageManifest"]) | {"annotations": {"version": tag}}
    put = ecr.put_image(
        repositoryName=repository,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=answer["images"][0]["imageManifestMediaType"],
        imageTag=tag,
    )
    return str(put["image"]["imageId"]["imageDigest"])
