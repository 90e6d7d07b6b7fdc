"""What is sent again, after which pause, and what is not because it may have been carried out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from random import Random
from threading import Event
from typing import Any

import pytest

from sdt_console.clients import aws as module
from sdt_console.clients.aws import Aws
from sdt_console.clients.call import Caller
from sdt_console.clients.retries import ATTEMPTS, LIMIT_S, pause
from sdt_console.errors import CloudError, NotAllowedError
from tests.clients.api_server import Answer, Api, error, hang_up, held, ok, page, serve
from tests.clients.calling import Session, StillClock, point_at

CONCURRENT = error("ClientException", "Too many concurrent attempts to create a new revision of the family.")
THROTTLED = error("ThrottlingException", "Rate exceeded")
BROKEN = error("ServerException", "Service Unavailable. Please try again later.", 500)
BUSY = error("ServiceUnavailableException", "busy", 503)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with serve() as server:
        point_at(server.url, monkeypatch.setenv)
        yield server


async def _read(aws: Aws) -> Any:
    return await aws.read("ecs", "describe_clusters")


async def _register(aws: Aws) -> Any:
    return await aws.change("ecs", "register_task_definition", family="f", containerDefinitions=[])


async def _forced(aws: Aws) -> Any:
    return await aws.change("ecs", "update_service", service="s", forceNewDeployment=True)


async def _update(aws: Aws) -> Any:
    return await aws.change("ecs", "update_service", service="s", desiredCount=2)


async def _put_image(aws: Aws) -> Any:
    return await aws.change("ecr", "put_image", repositoryName="re/po", imageManifest="{}")


@pytest.mark.parametrize("seed", range(5))
def test_pauses_are_full_jitter_within_a_bound_that_doubles(seed: int) -> None:
    dice = Random(seed)
    for attempt in range(1, 12):
        bound = min(20.0, 0.5 * 2 ** (attempt - 1))
        drawn = [pause(attempt, dice) for _ in range(400)]
        assert 0 <= min(drawn) < 0.05 * bound
        assert 0.95 * bound < max(drawn) <= bound


@pytest.mark.parametrize(
    "answer", [THROTTLED, BROKEN, BUSY, hang_up, error("TooManyRequestsException", status=429), page(502)]
)
def test_a_read_is_sent_again_after_a_passing_trouble(api: Api, answer: Answer) -> None:
    api.answers[:] = [answer, answer, ok(clusters=[{}])]
    session = Session()
    assert session.run(_read)["clusters"] == [{}]
    assert api.seen == ["DescribeClusters"] * 3
    assert len([s for s in session.clock.slept if s <= 1.0]) >= 2


@pytest.mark.parametrize(
    "answer",
    [error("AccessDeniedException"), error("ExpiredTokenException"), error("ClientException"), page(500)],
)
@pytest.mark.parametrize("work", [_read, _register])
def test_what_would_fail_again_is_not_sent_again(api: Api, answer: Answer, work: Any) -> None:
    api.answers[:] = [answer]
    with pytest.raises(CloudError) as caught:
        Session().run(work)
    assert len(api.seen) == 1
    assert not caught.value.unknown


@pytest.mark.parametrize("work", [_register, _forced, _update, _put_image])
@pytest.mark.parametrize("answer", [THROTTLED, CONCURRENT, BUSY])
def test_a_change_that_was_refused_in_passing_is_sent_again(api: Api, work: Any, answer: Answer) -> None:
    api.answers[:] = [answer, answer, ok(service={})]
    Session().run(work)
    assert len(api.seen) == 3


@pytest.mark.parametrize("work", [_register, _forced])
@pytest.mark.parametrize("answer", [hang_up, BROKEN, page(502), page(503)])
def test_a_change_that_may_have_been_made_is_not_made_twice(api: Api, work: Any, answer: Answer) -> None:
    api.answers[:] = [THROTTLED, answer]
    with pytest.raises(CloudError) as caught:
        Session().run(work)
    assert len(api.seen) == 2
    assert caught.value.unknown
    assert "may have been carried out" in caught.value.next


@pytest.mark.parametrize("work", [_update, _put_image])
@pytest.mark.parametrize("answer", [hang_up, BROKEN])
def test_a_change_that_comes_to_the_same_is_sent_again(api: Api, work: Any, answer: Answer) -> None:
    api.answers[:] = [answer, ok(service={})]
    Session().run(work)
    assert len(api.seen) == 2


def test_a_refusal_after_a_lost_answer_leaves_the_outcome_unknown(api: Api) -> None:
    api.answers[:] = [hang_up, error("AccessDeniedException")]
    with pytest.raises(NotAllowedError) as caught:
        Session().run(_update)
    assert caught.value.unknown


@pytest.mark.parametrize("work", [_read, _register, _forced])
def test_a_call_that_never_left_is_sent_again_and_its_outcome_is_known(
    work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:  # bound and not listening: connections are refused
        free.bind(("127.0.0.1", 0))
        point_at(f"http://127.0.0.1:{free.getsockname()[1]}", monkeypatch.setenv)
        session = Session()
        with pytest.raises(CloudError, match="did not reach AWS") as caught:
            session.run(work)
    assert not caught.value.unknown
    assert len(session.notes) == ATTEMPTS - 1
    assert f"attempt {ATTEMPTS}" in caught.value.cause


def test_an_answer_that_does_not_come_in_time_is_unknown(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_S", 0.3)
    begun, go_on = Event(), Event()
    api.answers[:] = [held(begun, go_on, ok())]
    with pytest.raises(CloudError, match="was not answered: Read timeout") as caught:
        Session().run(_register)
    go_on.set()
    assert (api.seen, caught.value.unknown) == (["RegisterTaskDefinition"], True)


def test_at_most_so_many_attempts_each_told_of(api: Api) -> None:
    api.answers[:] = [THROTTLED] * 20
    session = Session()
    with pytest.raises(CloudError, match="ecs:DescribeClusters is throttled"):
        session.run(_read)
    assert len(api.seen) == ATTEMPTS == 6
    assert len(session.notes) == 5
    assert session.notes[1].startswith("ecs:DescribeClusters is throttled, trying again in ")
    assert session.notes[1].endswith(" s (3 of 6)")


def test_no_attempt_begins_after_the_time_limit(api: Api) -> None:
    """A trouble that eats the time, such as answers that time out, is not waited for six times over."""
    clock = StillClock()

    def slow(request: Any) -> None:
        clock.at += LIMIT_S / 2
        hang_up(request)

    api.answers[:] = [slow] * 20
    with pytest.raises(CloudError, match="was not answered"):
        Session(clock).run(_read)
    assert len(api.seen) == 2


def test_each_attempt_counts_against_the_quota_and_a_refusal_empties_it(api: Api) -> None:
    async def go(aws: Aws) -> None:
        await _read(aws)
        assert aws.call.counts["ecs:DescribeClusters"] == 3
        (use,) = [use for use in aws.call.usage() if use.quota == "cluster"]
        assert use.calls == 3

    api.answers[:] = [THROTTLED, THROTTLED, ok()]
    session = Session()
    session.run(go)
    assert len(session.clock.slept) >= 2


def test_the_sdk_does_not_repeat_by_itself(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    api.answers[:] = [BROKEN] * 5
    with pytest.raises(CloudError):
        Session().run(_register)
    assert api.seen == ["RegisterTaskDefinition"]


def test_each_page_is_a_call_of_its_own_that_is_repeated_by_itself(api: Api) -> None:
    pages = [
        ok(clusterArns=["a"], nextToken="1"),
        hang_up,
        ok(clusterArns=["b"], nextToken="2"),
        ok(clusterArns=["c"]),
    ]
    api.answers[:] = pages

    async def go(aws: Aws) -> list[Any]:
        found = await aws.pages("ecs", "list_clusters", "clusterArns")
        assert aws.call.counts["ecs:ListClusters"] == 4
        return found

    assert Session().run(go) == ["a", "b", "c"]


def test_pages_that_do_not_end_are_told(api: Api) -> None:
    api.answers[:] = [ok(clusterArns=["a"], nextToken="1")] * 3
    with pytest.raises(CloudError, match="does not end"):
        Session().run(lambda aws: aws.pages("ecs", "list_clusters", "clusterArns"))


def test_a_role_that_may_not_be_assumed_is_not_taken_for_the_call(api: Api) -> None:
    """What goes wrong before the call is no trouble of the call: the change was never sent."""
    api.answers[:] = [lambda request: request.send(403, _DENIED, "text/xml")]

    async def go() -> None:
        call = Caller(clock=StillClock())
        try:
            await _register(Aws(call, region="eu-west-1", role="arn:aws:iam::123456789012:role/deploy"))
        finally:
            call.close()

    with pytest.raises(NotAllowedError, match="not allowed to call sts:AssumeRole") as caught:
        asyncio.run(go())
    assert not caught.value.unknown
    assert len(api.seen) == 1


_DENIED = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>"
    "<RequestId>1</RequestId></ErrorResponse>"
)


def test_a_blocking_call_is_repeated_by_the_same_rules(api: Api) -> None:
    waits: list[float] = []
    call = Caller(random=Random(1), pause=waits.append)
    aws = Aws(call, region="eu-west-1")

    def clusters() -> Any:
        return aws.client("ecs").describe_clusters()

    def register() -> Any:
        return aws.client("ecs").register_task_definition(family="f", containerDefinitions=[])

    api.answers[:] = [hang_up, THROTTLED, ok(clusters=[{}])]
    assert call.blocking("ecs:DescribeClusters", clusters, changes=False)["clusters"] == [{}]
    assert len(waits) == 2
    api.answers[:] = [hang_up]
    with pytest.raises(CloudError) as caught:
        call.blocking("ecs:RegisterTaskDefinition", register, changes=True)
    assert caught.value.unknown
    assert api.seen.count("RegisterTaskDefinition") == 1
    call.close()


def test_an_answer_that_is_no_answer_of_aws(api: Api) -> None:
    """As of a portal that wants a login first: nobody knows what became of the call."""
    denied = "<html>" + "x" * 10
    api.answers[:] = [lambda request: request.send(200, denied, "text/xml")] * 6
    with pytest.raises(CloudError, match="the answer to sts:GetCallerIdentity cannot be read"):
        Session().run(lambda aws: aws.read("sts", "get_caller_identity"))
    assert len(api.seen) == 6
