"""Whether a change may still be made is asked right before each of its attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from sdt_console.clients.aws import Aws
from sdt_console.clients.call import guarded
from sdt_console.errors import SupersededError
from tests.clients.api_server import Api, error, ok, serve
from tests.clients.calling import Session, point_at

THROTTLED = error("ThrottlingException")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with serve() as server:
        point_at(server.url, monkeypatch.setenv)
        yield server


def allowed(times: int, asked: list[None]) -> Callable[[], Awaitable[None]]:
    """Passes so many times."""

    async def check() -> None:
        asked.append(None)
        if len(asked) > times:
            raise SupersededError("the lease is no longer ours")

    return check


async def _update(aws: Aws) -> None:
    await aws.change("ecs", "update_service", service="s", desiredCount=1)


@pytest.mark.parametrize("times", [0, 1, 3])
def test_a_change_is_not_sent_again_once_it_may_not_be_made(api: Api, times: int) -> None:
    api.answers[:] = [THROTTLED] * 5
    asked: list[None] = []

    async def work(aws: Aws) -> None:
        with guarded(allowed(times, asked)):
            await _update(aws)

    with pytest.raises(SupersededError):
        Session().run(work)
    assert len(api.seen) == times
    assert len(asked) == times + 1


def test_reading_is_always_allowed_and_so_is_what_comes_after_the_block(api: Api) -> None:
    asked: list[None] = []

    async def work(aws: Aws) -> None:
        with guarded(allowed(0, asked)):
            await aws.read("ecs", "describe_clusters", clusters=["c"])
        await _update(aws)

    Session().run(work)
    assert (len(api.seen), asked) == (2, [])


def test_two_runs_that_share_a_caller_are_each_asked_about_by_their_own(api: Api) -> None:
    api.answers[:] = [ok(service={})]
    mine: list[None] = []
    others: list[None] = []

    async def run(aws: Aws, times: int, asked: list[None]) -> None:
        with guarded(allowed(times, asked)):
            await asyncio.sleep(0)  # the other one is in its block as well
            await asyncio.gather(_update(aws))

    async def work(aws: Aws) -> None:
        found = await asyncio.gather(run(aws, 1, mine), run(aws, 0, others), return_exceptions=True)
        assert [type(result) for result in found] == [type(None), SupersededError]

    Session().run(work)
    assert (len(api.seen), len(mine), len(others)) == (1, 1, 1)
