"""The verdict on a rollout is by our own deployment, and the poller asks once for all in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from sdt_console.errors import CloudError
from sdt_console.model import EcsService
from sdt_console.pipeline.follow import Follower, State, judge

OLD, NEW = "arn:task-definition/x:1", "arn:task-definition/x:2"


def service(*deployments: dict[str, Any], definition: str = NEW, name: str = "x") -> EcsService:
    return EcsService(name, f"arn:{name}", "ACTIVE", definition, 2, 2, 0, deployments)


def deployment(
    state: str | None, status: str = "PRIMARY", id: str = "ours", running: int = 2
) -> dict[str, Any]:
    made = {"id": id, "status": status, "runningCount": running, "desiredCount": 2, "taskDefinition": NEW}
    return made if state is None else made | {"rolloutState": state}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (service(deployment("IN_PROGRESS", running=1)), State.MOVING),
        (service(deployment("COMPLETED")), State.SUCCEEDED),
        (service(deployment("FAILED", status="ACTIVE"), deployment("IN_PROGRESS", id="back")), State.FAILED),
        # Stable, green and on the old revision: the circuit breaker has rolled back.
        (service(deployment("COMPLETED", id="back"), definition=OLD), State.FAILED),
        (
            service(deployment("COMPLETED", id="theirs"), definition="arn:task-definition/x:3"),
            State.SUPERSEDED,
        ),
        (
            service(deployment("IN_PROGRESS", status="ACTIVE"), deployment("IN_PROGRESS", id="o")),
            State.SUPERSEDED,
        ),
        (service(deployment(None)), State.SUCCEEDED),
        (service(deployment(None, running=1)), State.MOVING),
        (service(deployment(None), deployment(None, status="ACTIVE", id="old")), State.MOVING),
        (None, State.SUPERSEDED),
    ],
)
def test_the_verdict(seen: EcsService | None, expected: State) -> None:
    assert judge(seen, "ours", OLD).state is expected


class Ecs:
    """Answers as told, and counts the calls; the poller is what is tested, not a client."""

    def __init__(self, failures: int = 0) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.failures = failures

    async def services(self, cluster: str, names: Sequence[str]) -> dict[str, EcsService]:
        self.asked.append(tuple(sorted(names)))
        if self.failures:
            self.failures -= 1
            raise CloudError("throttled")
        return {name: service(name=name) for name in names if name != "gone"}


class Clock:
    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


def look(ecs: Ecs, *names: str) -> list[EcsService | None]:
    async def run() -> list[EcsService | None]:
        async with Follower(ecs, "c", Clock(), 2.0) as follower:  # type: ignore[arg-type]
            return list(await asyncio.gather(*(follower.look(name) for name in names)))

    return asyncio.run(run())


def test_all_in_flight_are_asked_for_in_one_call() -> None:
    ecs = Ecs()
    found = look(ecs, "a", "b", "gone", "a")
    assert ecs.asked == [("a", "b", "gone")]
    assert [s.name if s else None for s in found] == ["a", "b", None, "a"]


def test_a_few_failures_are_sat_out_and_many_are_told() -> None:
    ecs = Ecs(failures=4)
    assert [s.name for s in look(ecs, "a") if s] == ["a"]
    with pytest.raises(CloudError, match="throttled"):
        look(Ecs(failures=5), "a")


class Broken(Ecs):
    """Has a defect; what is asked meanwhile waits for the next tick."""

    def __init__(self) -> None:
        super().__init__()
        self.asking = asyncio.Event()
        self.answer = asyncio.Event()

    async def services(self, cluster: str, names: Sequence[str]) -> dict[str, EcsService]:
        self.asking.set()
        await self.answer.wait()
        raise KeyError("a defect")


def test_a_poller_that_a_defect_has_ended_is_not_waited_for() -> None:
    async def run() -> None:
        ecs = Broken()
        async with Follower(ecs, "c", Clock(), 2.0) as follower:  # type: ignore[arg-type]
            asked = asyncio.ensure_future(follower.look("a"))
            await ecs.asking.wait()
            meanwhile = asyncio.ensure_future(follower.look("b"))
            await asyncio.sleep(0)
            ecs.answer.set()
            for looking in (asked, meanwhile, follower.look("c")):
                with pytest.raises(KeyError, match="a defect"):
                    await asyncio.wait_for(looking, 5)

    asyncio.run(run())
