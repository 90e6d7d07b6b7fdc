"""Many clients at once: nothing is lost, and a conditional write has one winner."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.sandbox.account import CLUSTER, Account

CLIENTS = 200
ROUNDS = 100


def together(count: int, action: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(action, range(count)))


def test_200_clients_lose_no_update(account: Account) -> None:
    ecs = account.client("ecs", max_pool_connections=CLIENTS)

    def change(number: int) -> str:
        made = ecs.register_task_definition(
            family="many", containerDefinitions=[{"name": "a", "image": f"a:{number}", "memory": 64}]
        )
        ecs.tag_resource(resourceArn=account_arn, tags=[{"key": f"client-{number}", "value": str(number)}])
        return str(made["taskDefinition"]["taskDefinitionArn"])

    account_arn = account.service("orders")["serviceArn"]
    arns = together(CLIENTS, change)
    assert sorted(int(arn.rpartition(":")[2]) for arn in arns) == list(range(1, CLIENTS + 1))
    tags = ecs.list_tags_for_resource(resourceArn=account_arn)["tags"]
    assert {f"client-{n}" for n in range(CLIENTS)} <= {tag["key"] for tag in tags}


def test_200_deployments_at_once_leave_one_primary(account: Account) -> None:
    ecs = account.client("ecs", max_pool_connections=CLIENTS)

    def deploy(_: int) -> str:
        answer = ecs.update_service(cluster=CLUSTER, service="shop-dev-orders", forceNewDeployment=True)
        return str(answer["service"]["deployments"][0]["id"])

    ids = together(CLIENTS, deploy)
    assert len(set(ids)) == CLIENTS
    service = account.settle("orders")
    assert [d["status"] for d in service["deployments"]] == ["PRIMARY"]
    assert service["deployments"][0]["id"] in ids
    assert service["runningCount"] == 1


def test_a_conditional_write_has_exactly_one_winner(account: Account) -> None:
    dynamodb = account.client("dynamodb", max_pool_connections=8)
    dynamodb.create_table(
        TableName="locks",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def take(owner: int, number: int) -> bool:
        try:
            dynamodb.put_item(
                TableName="locks",
                Item={"id": {"S": f"round-{number}"}, "owner": {"S": str(owner)}},
                ConditionExpression="attribute_not_exists(id)",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        for number in range(ROUNDS):
            won = list(pool.map(lambda owner, number=number: take(owner, number), range(4)))
            assert sum(won) == 1, number
