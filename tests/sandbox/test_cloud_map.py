"""Cloud Map: who looks a service up there finds the tasks that run."""

from __future__ import annotations

from tests.sandbox.account import CLUSTER, Account


def test_cloud_map_knows_the_tasks_that_run(account: Account) -> None:
    cloud_map = account.client("servicediscovery", inject_host_prefix=False)

    def addresses() -> set[str]:
        answer = cloud_map.discover_instances(NamespaceName="dev.shop.local", ServiceName="orders")
        for instance in answer["Instances"]:
            assert instance["Attributes"]["ECS_SERVICE_NAME"] == "shop-dev-orders"
        return {instance["Attributes"]["AWS_INSTANCE_IPV4"] for instance in answer["Instances"]}

    def running() -> set[str]:
        details = [d for task in account.tasks("orders") for d in task["attachments"][0]["details"]]
        return {detail["value"] for detail in details if detail["name"] == "privateIPv4Address"}

    before = addresses()
    assert before == running()
    account.update("orders", forceNewDeployment=True, desiredCount=2)
    account.settle("orders")
    account.until(lambda: len(running()) == 2)
    assert addresses() == running()
    assert not addresses() & before


def test_a_crash_takes_the_task_out_of_cloud_map(account: Account) -> None:
    account.sandbox.scenarios.on("crash-loop:users")
    cloud_map = account.client("servicediscovery", inject_host_prefix=False)
    account.client("ecs").stop_task(cluster=CLUSTER, task=account.tasks("users")[0]["taskArn"])
    account.until(lambda: bool(account.tasks("users", "STOPPED")[1:]))
    found = cloud_map.discover_instances(NamespaceName="dev.shop.local", ServiceName="users")["Instances"]
    ids = {task["taskArn"].rpartition("/")[2] for task in account.tasks("users", "STOPPED")}
    assert not {instance["InstanceId"] for instance in found} & ids
