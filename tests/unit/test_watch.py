"""The poller in virtual time: how often it asks, what it keeps, when it stops, what those who look get."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import pytest

from sdt_console.errors import CloudError, CredentialsError
from sdt_console.model import Scope, ServiceState, SnapshotChange, Watched
from sdt_console.watch.snapshot import Watch
from tests.unit.test_service_state import HALF, OLD, deployment, service
from tests.virtual_time import LoopClock, run

NAMES = [f"service-{i:02}" for i in range(15)]
SCOPE = Scope("dev", "cluster", services=tuple(Watched(n, "all", n) for n in NAMES))


class Account:
    """Fifteen services, as ECS would tell of them; every call is counted."""

    def __init__(self) -> None:
        self.raw: dict[str, dict[str, Any]] = {n: service(serviceName=n) for n in NAMES}
        self.calls: Counter[str] = Counter()
        self.fault: CloudError | None = None
        self.renewed = 0

    def _count(self, call: str) -> None:
        self.calls[call] += 1
        if self.fault is not None:
            raise self.fault

    async def described(self, cluster: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        self._count("described")
        assert len(names) <= 10
        return {n: self.raw[n] for n in names if n in self.raw}

    async def service_names(self, cluster: str) -> list[str]:
        self._count("service_names")
        return sorted(self.raw)

    async def revisions(self, arns: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        raise AssertionError("there are no revisions here")

    async def task_definition(self, reference: str) -> dict[str, Any]:
        self._count("task_definition")
        return {"containerDefinitions": [{"name": "app", "image": "host/app:8d2e71b"}]}

    async def tasks(self, cluster: str, service: str, *, stopped: bool = False) -> list[Mapping[str, Any]]:
        self._count(f"tasks of {service}")
        return []

    def renew(self) -> None:
        self.renewed += 1

    def watch(self) -> Watch:
        return Watch(SCOPE, LoopClock(), self, lambda task, container: None, renew=self.renew)


class Polled:
    """A watch and its poller, in a test's own time."""

    def __init__(self) -> None:
        self.account = Account()
        self.watch = self.account.watch()

    async def __aenter__(self) -> Polled:
        self._task = asyncio.create_task(self.watch.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def calls_in(self, seconds: float, call: str = "described") -> int:
        before = self.account.calls[call]
        await asyncio.sleep(seconds)
        return self.account.calls[call] - before


def virtual(main: Coroutine[Any, Any, None]) -> None:
    run(main)


def test_two_calls_every_eight_seconds_while_nothing_moves() -> None:
    async def main() -> None:
        async with Polled() as it:
            with it.watch.subscribe():
                await asyncio.sleep(1)
                assert await it.calls_in(80) == 20
                assert it.account.calls["task_definition"] == 1  # fifteen services, one revision
                assert it.account.calls["service_names"] == 1

    virtual(main())


def test_a_service_that_moves_is_looked_at_every_two_seconds_with_its_tasks() -> None:
    async def main() -> None:
        async with Polled() as it:
            it.account.raw["service-03"] = service(HALF, OLD)
            with it.watch.subscribe():
                await asyncio.sleep(1)
                assert 10 <= await it.calls_in(20) <= 15
                assert it.account.calls["tasks of service-03"] >= 6
                assert not it.account.calls["tasks of service-04"]
                it.watch.focus.add("service-04")
                it.watch.refresh()
                await asyncio.sleep(6)
                assert it.account.calls["tasks of service-04"] >= 2

    virtual(main())


def test_nothing_is_asked_while_nobody_looks() -> None:
    async def main() -> None:
        async with Polled() as it:
            assert await it.calls_in(60) == 0
            with it.watch.subscribe() as one:
                assert await it.calls_in(1) == 2
                one.looking = False
                await asyncio.sleep(10)
                assert await it.calls_in(3_600) == 0
                one.looking = True
                assert await it.calls_in(1) == 2
            await asyncio.sleep(10)
            assert await it.calls_in(3_600) == 0

    virtual(main())


def test_those_who_look_get_what_changed_and_the_slow_get_the_newest() -> None:
    async def main() -> None:
        async with Polled() as it:
            with it.watch.subscribe() as quick, it.watch.subscribe() as slow:
                first = await anext(quick)
                assert set(first.services) | {"service-14"} <= set(NAMES)
                await asyncio.sleep(1)
                seen: list[SnapshotChange] = []
                reading = asyncio.create_task(_read(quick, seen))
                await anext(slow)
                for running in (1, 0, 2):
                    it.account.raw["service-03"] = service(runningCount=running)
                    it.watch.refresh()
                    await asyncio.sleep(5)
                it.account.raw["service-04"] = service(runningCount=1)
                it.watch.refresh()
                await asyncio.sleep(1)
                told = [c.services["service-03"].running for c in seen if "service-03" in c.services]
                assert told[-3:] == [1, 0, 2]
                late = await anext(slow)
                assert set(late.services) == {"service-04"}  # the other one is as it was when it looked
                assert late.snapshot is it.watch.snapshot
                assert late.snapshot.services["service-03"].running == 2
                reading.cancel()

    virtual(main())


async def _read(subscription: Any, into: list[SnapshotChange]) -> None:
    async for change in subscription:
        into.append(change)


def test_when_calls_fail_the_last_good_rows_stay_with_their_age_and_the_error() -> None:
    async def main() -> None:
        async with Polled() as it:
            with it.watch.subscribe():
                await asyncio.sleep(1)
                good = it.watch.snapshot
                it.account.fault = CloudError("ecs:DescribeServices failed", "no answer")
                await asyncio.sleep(60)
                bad = it.watch.snapshot
                assert bad.services == good.services
                assert bad.parts["services"].error == "ecs:DescribeServices failed: no answer"
                assert bad.parts["services"].at == good.parts["services"].at
                assert bad.version > good.version
                it.account.fault = None
                await asyncio.sleep(6)
                assert it.watch.snapshot.parts["services"].error == ""

    virtual(main())


def test_expired_credentials_pause_it_and_it_goes_on_when_they_are_back() -> None:
    async def main() -> None:
        async with Polled() as it:
            with it.watch.subscribe():
                await asyncio.sleep(1)
                it.account.fault = CredentialsError("the AWS credentials have expired", next="log in again")
                await asyncio.sleep(20)
                assert it.watch.snapshot.paused == "the AWS credentials have expired: log in again"
                assert len(it.watch.snapshot.services) == 15
                renewed = it.account.renewed
                assert await it.calls_in(60) == 12  # one at a time, to see whether they are back
                assert it.account.renewed - renewed == 12
                it.account.fault = None
                await asyncio.sleep(6)
                assert it.watch.snapshot.paused == ""
                assert it.watch.snapshot.at > it.watch.snapshot.parts["services"].at - 8

    virtual(main())


def test_since_when_it_stands_so_is_known_once_it_was_seen_to_change() -> None:
    async def main() -> None:
        async with Polled() as it:
            del it.account.raw["service-03"]
            it.account.raw["service-04"] = service(deployment(updatedAt=LoopClock().now() - 900))
            with it.watch.subscribe():
                await asyncio.sleep(1)
                sights = it.watch.snapshot.services
                assert sights["service-03"].state is ServiceState.MISSING
                assert sights["service-03"].since is None
                it.account.raw["service-04"] = service(
                    deployment(updatedAt=LoopClock().now() - 900), runningCount=1
                )
                it.watch.refresh()
                now = LoopClock().now()
                await asyncio.sleep(1)
                assert it.watch.snapshot.services["service-04"].since == pytest.approx(now, abs=1)

    virtual(main())


def test_a_defect_is_not_swallowed() -> None:
    async def main() -> None:
        account = Account()
        account.raw["service-03"] = {"status": "ACTIVE", "desiredCount": "two"}
        watch = account.watch()
        with watch.subscribe(), pytest.raises(ExceptionGroup):
            await watch.run()

    virtual(main())
