"""Service deployments, their revisions, and a family's task definitions, as our client tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.clients.aws import Aws
from sdt_console.clients.ecs import EcsClient
from sdt_console.errors import CloudError
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from tests.clients.api_server import Answer, Api, error, hang_up, ok, page, serve
from tests.clients.calling import Session, point_at
from tests.sandbox.account import CATALOG, CLUSTER, Account

SERVICE = "shop-dev-orders"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    catalog = Catalog.model_validate(CATALOG)
    with Sandbox.start(catalog, clock=ManualClock(), speed=1, environments=["dev"]) as sandbox:
        for key, value in sandbox.environ.items():
            monkeypatch.setenv(key, value)
        yield Account(sandbox, catalog)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with serve() as server:
        point_at(server.url, monkeypatch.setenv)
        yield server


def ask(work: Callable[[EcsClient], Any]) -> Any:
    return Session().run(lambda aws: work(EcsClient(aws)))


def deployments(**window: float) -> list[Any]:
    found: list[Any] = ask(lambda ecs: ecs.service_deployments(CLUSTER, SERVICE, **window))
    return found


def test_deployments_are_told_whole_and_newest_first(account: Account) -> None:
    begun = []
    for _ in range(3):
        account.sandbox.advance(10)
        begun.append(account.sandbox.now())
        account.update("orders", forceNewDeployment=True)
    found = deployments()
    assert len(found) == 4
    created = [d["createdAt"].timestamp() for d in found]
    assert created == sorted(created, reverse=True)
    assert found[0]["status"] == "PENDING"
    assert "arn" in found[0]["targetServiceRevision"]
    assert [d["createdAt"].timestamp() for d in deployments(since=begun[1] - 1)] == created[:2]
    assert deployments(since=begun[2] + 60) == []


def test_more_deployments_than_a_call_can_describe(account: Account) -> None:
    for _ in range(22):
        account.update("orders", forceNewDeployment=True)

    async def go(aws: Aws) -> None:
        found = await EcsClient(aws).service_deployments(CLUSTER, SERVICE)
        assert found is not None
        assert len({d["serviceDeploymentArn"] for d in found}) == 23
        assert aws.call.counts["ecs:DescribeServiceDeployments"] == 2

    Session().run(go)


def test_a_revision_tells_the_digest_of_each_container(account: Account) -> None:
    arns = [d["targetServiceRevision"]["arn"] for d in deployments()]
    (revision,) = ask(lambda ecs: ecs.service_revisions([*arns, *arns]))
    task = account.tasks("orders")[0]
    assert revision["taskDefinition"] == task["taskDefinitionArn"]
    (image,) = revision["containerImages"]
    assert (image["containerName"], image["imageDigest"]) == ("orders", task["containers"][0]["imageDigest"])
    assert ask(lambda ecs: ecs.service_revisions([])) == []


def test_stopping_goes_back_and_stopping_again_changes_nothing(account: Account) -> None:
    before = account.service("orders")["taskDefinition"]
    account.update("orders", taskDefinition=account.register("orders"))
    account.sandbox.advance(30)
    arn = deployments()[0]["serviceDeploymentArn"]
    for _ in range(2):
        ask(lambda ecs: ecs.stop_deployment(arn))
    assert deployments()[0]["status"] == "ROLLBACK_REQUESTED"
    with pytest.raises(CloudError, match="ConflictException"):
        ask(lambda ecs: ecs.stop_deployment(arn, rollback=False))
    account.settle("orders")
    assert account.service("orders")["taskDefinition"] == before
    assert deployments()[0]["status"] == "ROLLBACK_SUCCESSFUL"


def test_a_deployment_that_has_ended_cannot_be_stopped(account: Account) -> None:
    arn = deployments()[0]["serviceDeploymentArn"]
    with pytest.raises(CloudError, match="ConflictException"):
        ask(lambda ecs: ecs.stop_deployment(arn))


def test_aborting_leaves_things_as_they_are(account: Account) -> None:
    target = account.register("orders")
    account.update("orders", taskDefinition=target)
    account.sandbox.advance(30)
    arn = deployments()[0]["serviceDeploymentArn"]
    for _ in range(2):
        ask(lambda ecs: ecs.stop_deployment(arn, rollback=False))
    account.sandbox.advance(60)
    assert deployments()[0]["status"] == "STOPPED"
    assert account.service("orders")["taskDefinition"] == target


def test_a_service_that_is_not_there_is_told(account: Account) -> None:
    with pytest.raises(CloudError, match="ServiceNotFoundException"):
        ask(lambda ecs: ecs.service_deployments(CLUSTER, "shop-dev-none"))


def test_a_familys_revisions_are_the_active_ones_newest_first(account: Account) -> None:
    arns = [account.register("orders") for _ in range(4)]
    account.client("ecs").deregister_task_definition(taskDefinition=arns[1])
    newest = [arns[3], arns[2], arns[0]]
    assert ask(lambda ecs: ecs.task_definitions(SERVICE, 3)) == newest
    assert ask(lambda ecs: ecs.task_definitions(SERVICE, 2)) == newest[:2]
    assert len(ask(lambda ecs: ecs.task_definitions(SERVICE, 1000))) == 4
    assert ask(lambda ecs: ecs.task_definitions("shop-dev-ord", 10)) == []


# --- endpoints that do not have these calls --------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        error("UnknownOperationException"),
        error("AccessDeniedException"),
        error("UnsupportedFeatureException"),
        page(500),
        page(404),
        page(501),
    ],
)
def test_what_is_not_there_is_found_out_once(api: Api, answer: Answer) -> None:
    api.answers[:] = [answer]

    async def twice(aws: Aws) -> list[Any]:
        ecs = EcsClient(aws)
        return [await ecs.service_deployments(CLUSTER, SERVICE) for _ in range(2)]

    assert Session().run(twice) == [None, None]
    assert api.seen == ["ListServiceDeployments"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (error("AccessDeniedException"), "ecs:ListServiceDeployments is not allowed"),
        (error("UnknownOperationException"), ""),
        (ok(), ""),
    ],
)
def test_a_right_that_is_missing_is_told_apart_from_calls_that_are(
    api: Api, answer: Answer, why: str
) -> None:
    api.answers[:] = [answer]

    async def asked(aws: Aws) -> str:
        ecs = EcsClient(aws)
        await ecs.service_deployments(CLUSTER, SERVICE)
        return ecs.deployments_unavailable

    assert Session().run(asked) == why


@pytest.mark.parametrize(
    "answer", [error("ServerException", status=500), page(503), error("ClientException")]
)
def test_a_trouble_is_not_taken_for_a_missing_call(api: Api, answer: Answer) -> None:
    api.answers[:] = [answer] * 6

    async def twice(aws: Aws) -> Any:
        ecs = EcsClient(aws)
        with pytest.raises(CloudError):
            await ecs.service_deployments(CLUSTER, SERVICE)
        api.answers.clear()
        return await ecs.service_deployments(CLUSTER, SERVICE)

    assert Session().run(twice) == []


def test_a_stop_whose_answer_was_lost_is_looked_at(api: Api) -> None:
    """The second attempt conflicts with the first, which was carried out."""
    going_back = ok(serviceDeployments=[{"serviceDeploymentArn": "a", "status": "ROLLBACK_IN_PROGRESS"}])
    api.answers[:] = [hang_up, error("ConflictException"), going_back]
    ask(lambda ecs: ecs.stop_deployment("a"))
    assert api.seen == ["StopServiceDeployment"] * 2 + ["DescribeServiceDeployments"]
