"""The one call function: who may call, what becomes of a cancelled call, and the sandbox's own troubles."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.clients.aws import Aws
from sdt_console.clients.budget import Budget, Quota
from sdt_console.clients.call import Caller
from sdt_console.clients.ecs import EcsClient
from sdt_console.errors import CloudError, ReadOnlyError
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from tests.clients.api_server import Api, error, held, ok, serve
from tests.clients.calling import Session, StillClock, point_at
from tests.sandbox.account import CATALOG, CLUSTER

STOP = "ecs:StopTask"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with serve() as server:
        point_at(server.url, monkeypatch.setenv)
        yield server


class Work:
    """What a thread does: says that it has begun, waits until it may end, and says that it has."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.ended = False

    def __call__(self) -> str:
        self.begun.set()
        self.go_on.wait(20)
        self.ended = True
        return "done"

    async def has_begun(self) -> None:
        await asyncio.to_thread(self.begun.wait, 20)


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_change_under_way_is_waited_for() -> None:
    async def go() -> None:
        call, work = Caller(), Work()
        task = asyncio.create_task(call.change(STOP, work))
        await work.has_begun()
        task.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not task.done()
        work.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert work.ended
        call.close()

    asyncio.run(go())


def test_who_cancels_twice_does_not_wait() -> None:
    async def go() -> None:
        call, work = Caller(), Work()
        task = asyncio.create_task(call.change(STOP, work))
        await work.has_begun()
        task.cancel()
        await asyncio.sleep(0)
        await cancelled(task)
        assert not work.ended
        work.go_on.set()
        call.close()

    asyncio.run(go())


def test_a_read_under_way_is_left() -> None:
    async def go() -> None:
        call, work = Caller(), Work()
        task = asyncio.create_task(call("ecs:DescribeTasks", work))
        await work.has_begun()
        await cancelled(task)
        assert not work.ended
        work.go_on.set()
        call.close()

    asyncio.run(go())


def test_a_change_that_waits_for_a_thread_never_begins() -> None:
    async def go() -> None:
        call, first, second = Caller(threads=1), Work(), Work()
        busy = asyncio.create_task(call.change(STOP, first))
        waiting = asyncio.create_task(call.change(STOP, second))
        await first.has_begun()
        await asyncio.sleep(0)
        await cancelled(waiting)
        first.go_on.set()
        assert await busy == "done"
        assert await call(STOP, lambda: "next") == "next"  # the thread has gone past where the second one was
        assert not second.begun.is_set()
        call.close()

    asyncio.run(go())


def test_a_change_that_waits_for_its_quota_never_reaches_aws(api: Api) -> None:
    clock = StillClock()
    budget = Budget(clock, [Quota("small", ("ecs:RegisterTaskDefinition",), 1, 0.001)])

    async def go() -> None:
        call = Caller(budget=budget)  # it waits on the real clock's sleep, which is not reached
        aws = Aws(call, region="eu-west-1")

        def register() -> Any:
            return aws.change("ecs", "register_task_definition", family="f", containerDefinitions=[])

        budget.refused("ecs:RegisterTaskDefinition")
        clock.sleep = _for_ever  # type: ignore[method-assign]
        waiting = asyncio.create_task(register())
        await aws.read("ecs", "describe_clusters")
        await cancelled(waiting)
        call.close()

    asyncio.run(go())
    assert api.seen == ["DescribeClusters"]


async def _for_ever(seconds: float) -> None:
    await asyncio.Event().wait()


def test_a_change_that_waits_for_another_attempt_is_not_made(api: Api) -> None:
    api.answers[:] = [error("ThrottlingException")]
    told = asyncio.Event()

    async def go() -> None:
        clock = StillClock()
        clock.sleep = _for_ever  # type: ignore[method-assign]
        call = Caller(clock=clock, noted=lambda _: told.set())
        aws = Aws(call, region="eu-west-1")
        task = asyncio.create_task(aws.change("ecs", "update_service", service="s", forceNewDeployment=True))
        await told.wait()
        await cancelled(task)
        call.close()

    asyncio.run(go())
    assert api.seen == ["UpdateService"]


def test_a_change_cancelled_in_mid_call_has_arrived_before_the_run_ends(api: Api) -> None:
    begun, go_on = threading.Event(), threading.Event()
    answered: list[bool] = []

    def answer(request: Any) -> None:
        answered.append(True)
        ok()(request)

    api.answers[:] = [held(begun, go_on, answer)]

    async def go(aws: Aws) -> None:
        task = asyncio.create_task(aws.change("ecs", "update_service", service="s"))
        await asyncio.to_thread(begun.wait, 20)
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        await cancelled(task)
        assert answered == [True]

    Session().run(go)


def test_closing_lets_changes_end_and_begins_nothing() -> None:
    async def go() -> None:
        call, under_way, waiting = Caller(threads=1), Work(), Work()
        tasks = [asyncio.create_task(call.change(STOP, work)) for work in (under_way, waiting)]
        await under_way.has_begun()
        await asyncio.sleep(0)
        threading.Timer(0.05, under_way.go_on.set).start()
        call.close()
        assert under_way.ended
        assert not waiting.begun.is_set()
        with pytest.raises(CloudError, match="ecs:StopTask was not sent"):
            await call.change(STOP, Work())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(go())


def test_a_read_only_session_sends_no_change(api: Api) -> None:
    async def go(aws: Aws) -> None:
        for forced in (False, True):
            with pytest.raises(ReadOnlyError):
                await aws.change("ecs", "update_service", service="s", forceNewDeployment=forced)
        with pytest.raises(ReadOnlyError):
            await aws.watching.change("ecs", "stop_task", task="t")

    Session(read_only=True).run(go)
    assert api.seen == []


def test_who_watches_shares_counts_and_never_takes_the_deploys_threads() -> None:
    async def go() -> None:
        call = Caller(threads=2)
        slow = [Work() for _ in range(4)]
        watchers = [asyncio.create_task(call.watching("ecs:DescribeTasks", work)) for work in slow]
        await slow[0].has_begun()
        assert await call("ecs:DescribeServices", lambda: 1) == 1
        assert call.counts == {"ecs:DescribeTasks": 4, "ecs:DescribeServices": 1}
        for work in slow:
            work.go_on.set()
        await asyncio.gather(*watchers)
        call.close()

    asyncio.run(go())


def test_one_caller_serves_one_event_loop_after_the_other() -> None:
    call = Caller()
    assert [asyncio.run(call("ecs:DescribeServices", lambda: n)) for n in range(3)] == [0, 1, 2]  # noqa: B023
    call.close()


def test_a_defect_of_ours_stays_what_it_is() -> None:
    async def go() -> None:
        call = Caller()
        with pytest.raises(ZeroDivisionError):
            await call("ecs:DescribeServices", lambda: 1 // 0)
        call.close()

    asyncio.run(go())


# --- the sandbox's own troubles -------------------------------------------------


class SandboxTime:
    """The sandbox lives through the seconds that somebody waits, once all calls under way are answered."""

    def __init__(self, sandbox: Sandbox, clock: ManualClock) -> None:
        self._sandbox = sandbox
        self.now = clock.now
        self.busy: Callable[[], bool] = lambda: False
        self.answered = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        while self.busy():
            self.answered.clear()
            await self.answered.wait()
        await asyncio.to_thread(self._sandbox.advance, seconds)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[Sandbox, ManualClock]]:
    manual = ManualClock()
    catalog = Catalog.model_validate(CATALOG)
    with Sandbox.start(catalog, clock=manual, speed=1, environments=["dev"]) as started:
        yield started, manual


Run = Callable[[Callable[[Aws], Any]], Any]


@pytest.fixture
def run(sandbox: tuple[Sandbox, ManualClock], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    started, manual = sandbox
    for key, value in started.environ.items():
        monkeypatch.setenv(key, value)

    def run(work: Callable[[Aws], Any]) -> Any:
        async def go() -> Any:
            call = Caller(clock=SandboxTime(started, manual), random=Random(1), threads=8)
            try:
                return await work(Aws(call, region="eu-west-1"))
            finally:
                call.close()

        return asyncio.run(go())

    yield run
    started.scenarios.off()


def test_our_budget_is_within_the_quotas_that_the_sandbox_enforces(
    sandbox: tuple[Sandbox, ManualClock], run: Run
) -> None:
    """A hundred and fifty calls at once, none of them refused: they wait here instead."""
    time, notes = SandboxTime(*sandbox), list[str]()
    sandbox[0].scenarios.on("throttling")

    async def go(aws: Aws) -> None:
        call = Caller(clock=time, noted=notes.append)
        ours, answered = Aws(call, region="eu-west-1"), 0
        time.busy = lambda: call.counts["ecs:DescribeClusters"] > answered

        async def one() -> None:
            nonlocal answered
            await ours.read("ecs", "describe_clusters")
            answered += 1
            time.answered.set()

        await asyncio.gather(*(one() for _ in range(150)))
        assert (answered, notes) == (150, [])
        call.close()

    before = time.now()
    run(go)
    assert time.now() - before > (150 - 50) / 20


def test_where_others_use_up_the_quota_calls_come_through_all_the_same(
    run: Run, sandbox: tuple[Sandbox, ManualClock]
) -> None:
    sandbox[0].scenarios.on("throttling")

    async def go(aws: Aws) -> None:
        notes: list[str] = []
        aws.call.noted = notes.append
        other = aws.client("ecs")

        def use_up() -> None:
            while True:
                other.describe_clusters()

        with pytest.raises(other.exceptions.ClientError, match="Rate exceeded"):
            use_up()
        await asyncio.gather(*(aws.read("ecs", "describe_clusters") for _ in range(10)))
        assert notes
        assert all("ecs:DescribeClusters is throttled, trying again in" in note for note in notes)

    run(go)


def test_a_flaky_api_is_read_through_and_registers_nothing_twice(
    run: Run, sandbox: tuple[Sandbox, ManualClock]
) -> None:
    ecs, family = sandbox[0], "shop-dev-orders"

    async def go(aws: Aws) -> None:
        client = EcsClient(aws)
        current = await client.task_definition(family)
        before = len(await client.task_definitions(family, 1000))
        ecs.scenarios.on("flaky-api")
        assert len([await client.cluster_status(CLUSTER) for _ in range(100)]) == 100
        registered = unknown = failed = 0
        for _ in range(60):
            try:
                await client.register(current)
                registered += 1
            except CloudError as error:
                unknown += error.unknown
                failed += not error.unknown
        ecs.scenarios.off()
        made = len(await client.task_definitions(family, 1000)) - before
        assert unknown > 0 == failed
        assert registered <= made <= registered + unknown
        assert aws.call.counts["ecs:RegisterTaskDefinition"] > 60  # collisions were tried again

    run(go)
