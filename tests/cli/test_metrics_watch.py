"""What a screen sees of metrics: read once a minute, and the last good figures when AWS refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdt_console.engine import Engine
from sdt_console.errors import NotAllowedError
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from sdt_console.settings import Settings
from sdt_console.watching.alarms import Alarms
from sdt_console.watching.metrics import Metrics, MetricsWatch
from tests.catalogs import SMALL, catalog


class StandingClock(ManualClock):
    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing is waited for")


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def sandbox(clock: StandingClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox.start(catalog(), clock=clock, speed=1, environments=["dev"]) as made:
        for key, value in made.environ.items():
            monkeypatch.setenv(key, value)
        made.advance(60)
        yield made


@pytest.fixture
def door(sandbox: Sandbox, clock: StandingClock, tmp_path: Path) -> Iterator[Engine]:
    file = tmp_path / "catalog.toml"
    file.write_text(SMALL)
    engine = Engine(Settings(catalog=str(file), environ={"SDT_STATE": str(tmp_path)}), clock=clock)
    yield engine
    engine.close()


def test_a_screen_keeps_the_last_good_figures(door: Engine, sandbox: Sandbox, clock: StandingClock) -> None:
    async def watch() -> None:
        watch = MetricsWatch(Metrics(door))
        first = await watch.refresh(clock.now())
        assert first.sheet is not None
        assert first.error is None
        assert await watch.refresh(clock.now() + 59) is first
        assert sandbox.faults.calls["GetMetricData"] == 1
        sandbox.faults.denied = frozenset({"GetMetricData"})
        sandbox.advance(60)
        refused = await watch.refresh(clock.now())
        assert refused.sheet is first.sheet
        assert isinstance(refused.error, NotAllowedError)
        sandbox.faults.denied = frozenset()
        sandbox.advance(60)
        again = await watch.refresh(clock.now())
        assert again.error is None
        assert again.sheet is not None
        assert again.sheet.end == first.sheet.end + 120

    asyncio.run(watch())


def test_what_services_stand_on_is_looked_up_once_for_alarms_and_metrics(
    door: Engine, sandbox: Sandbox
) -> None:
    async def both() -> None:
        metrics = Metrics(door)
        alarms = Alarms(door, metrics.grounds)
        await asyncio.gather(metrics.read(), alarms.read(check=True))
        await metrics.read()
        calls = sandbox.faults.calls
        assert (calls["GetMetricData"], calls["DescribeAlarms"]) == (2, 1)
        assert calls["DescribeServices"] == calls["DescribeTargetGroups"] == calls["DescribeClusters"] == 1
        sandbox.advance(601)
        await metrics.read()
        assert calls["DescribeClusters"] == 2

    asyncio.run(both())


def test_a_catalog_that_expects_nothing_says_so(door: Engine) -> None:
    sheet = asyncio.run(Alarms(door).read(check=True))
    assert (sheet.expected, sheet.audit) == (0, ())
    assert sheet.notes == ("the catalog expects no alarms: describe them in [[alarms]] (see docs/alarms.md)",)
