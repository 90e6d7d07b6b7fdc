"""Rolling updates, as an AWS client sees them."""

from __future__ import annotations

import urllib.error
import urllib.request

from tests.sandbox.account import CLUSTER, Account


def test_every_service_is_up_at_the_start(account: Account) -> None:
    for name, running in {"gateway": 1, "orders": 1, "users": 1, "later": 0, "redis": 1}.items():
        service = account.service(name)
        assert (service["runningCount"], service["desiredCount"]) == (running, running), name
        assert service["deployments"][0]["rolloutState"] == "COMPLETED"
        assert service["events"][0]["message"] == f"(service shop-dev-{name}) has reached a steady state."


def test_an_update_makes_a_new_primary_deployment_at_once(account: Account) -> None:
    before = account.service("orders")["deployments"][0]
    after = account.update("orders", forceNewDeployment=True)["deployments"]
    assert [(d["status"], d["rolloutState"]) for d in after] == [
        ("PRIMARY", "IN_PROGRESS"),
        ("ACTIVE", "COMPLETED"),
    ]
    assert after[1]["id"] == before["id"] != after[0]["id"]
    assert (after[0]["runningCount"], after[1]["runningCount"]) == (0, 1)


def test_a_rollout_never_falls_below_the_minimum_and_tells_its_story(account: Account) -> None:
    old = account.tasks("orders")[0]["taskArn"].rpartition("/")[2]
    account.update("orders", forceNewDeployment=True)
    running = []

    def done() -> bool:
        service = account.service("orders")
        running.append(service["runningCount"])
        return bool(service["deployments"][0]["rolloutState"] == "COMPLETED")

    account.until(done)
    assert min(running) == 1
    assert max(running) == 2
    new = account.tasks("orders")[0]["taskArn"].rpartition("/")[2]
    service = account.service("orders")
    group = service["loadBalancers"][0]["targetGroupArn"]
    deployment = service["deployments"][0]["id"]
    assert account.messages("orders")[4:] == [
        f"(service shop-dev-orders) has started 1 tasks: (task {new}).",
        f"(service shop-dev-orders) registered 1 targets in (target-group {group})",
        f"(service shop-dev-orders) deregistered 1 targets in (target-group {group})",
        "(service shop-dev-orders) has begun draining connections on 1 tasks.",
        f"(service shop-dev-orders) has stopped 1 running tasks: (task {old}).",
        f"(service shop-dev-orders) (deployment {deployment}) deployment completed.",
        "(service shop-dev-orders) has reached a steady state.",
    ]


def test_an_image_that_is_not_in_ecr_ends_in_the_breakers_rollback(account: Account) -> None:
    before = account.service("orders")
    image = f"{account.sandbox.registry}/shop/dev/orders:{'0' * 40}"
    account.update("orders", taskDefinition=account.register("orders", image=image))
    failed = account.service("orders")["deployments"][0]["id"]
    account.until(lambda: account.service("orders")["taskDefinition"] == before["taskDefinition"])
    service = account.settle("orders")
    assert [d["id"] for d in service["deployments"]] == [before["deployments"][0]["id"]]
    assert service["runningCount"] == 1
    stopped = account.tasks("orders", "STOPPED")
    assert len(stopped) == 3
    for task in stopped:
        assert task["stopCode"] == "TaskFailedToStart"
        assert task["stoppedReason"] == (
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
            f"{image}: {image}: not found"
        )
        assert task["containers"][0]["reason"] == task["stoppedReason"]
    told = account.messages("orders")
    assert (
        f"(service shop-dev-orders) (deployment {failed}) deployment failed: tasks failed to start." in told
    )
    assert f"(service shop-dev-orders) rolling back to deployment {service['deployments'][0]['id']}." in told


def test_the_boto3_waiter_takes_a_rollback_for_success(account: Account) -> None:
    """As on AWS: whoever deploys must look at the deployment, not at the waiter."""
    image = f"{account.sandbox.registry}/shop/dev/orders:none"
    account.update("orders", taskDefinition=account.register("orders", image=image))
    account.until(lambda: any("rolling back" in message for message in account.messages("orders")))
    account.settle("orders")
    waiter = account.client("ecs").get_waiter("services_stable")
    waiter.wait(cluster=CLUSTER, services=["shop-dev-orders"], WaiterConfig={"Delay": 0, "MaxAttempts": 1})


def test_tasks_carry_the_digest_that_ecr_has(account: Account) -> None:
    ecr = account.client("ecr")
    uri = ecr.describe_repositories(repositoryNames=["shop/dev/orders"])["repositories"][0]["repositoryUri"]
    assert uri == f"{account.sandbox.registry}/shop/dev/orders"
    image = ecr.describe_images(repositoryName="shop/dev/orders")["imageDetails"][0]
    assert "latest" in image["imageTags"]
    created = account.service("orders")["deployments"][0]["createdAt"]
    assert (created - image["imagePushedAt"]).total_seconds() > 600
    container = account.tasks("orders")[0]["containers"][0]
    assert container["name"] == "orders"
    assert container["imageDigest"] == image["imageDigest"]
    assert container["image"].startswith(uri + ":")


def test_the_load_balancer_routes_to_running_tasks(account: Account) -> None:
    elb = account.client("elbv2")
    balancer = elb.describe_load_balancers(Names=["shop-dev-alb"])["LoadBalancers"][0]
    base = f"http://{balancer['DNSName']}"
    assert base == account.sandbox.load_balancers["dev"]
    with urllib.request.urlopen(f"{base}/api/orders/actuator/health") as answer:
        assert (answer.status, answer.read()) == (200, b'{"status":"UP","groups":["liveness","readiness"]}')
    assert status(f"{base}/api/later/actuator/health") == 503  # no targets at all
    assert status(f"{base}/nowhere") == 404


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
