"""Runs on two machines that share one table: one history, one lock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from sdt_console import holding
from sdt_console.catalog.load import load
from sdt_console.engine import Engine
from sdt_console.events import Event, StageStarted, encode
from sdt_console.model import Outcome, RunState
from sdt_console.settings import Settings
from tests.catalogs import OURS
from tests.leases import ADA
from tests.world import SKIP, World

STORE = '[store]\ntable = "sdt-runs"\n\n[source]'


class Machine:
    """Someone with a state folder of their own; the catalog names a table."""

    def __init__(self, world: World, folder: Path) -> None:
        folder.mkdir()
        catalog = folder / "catalog.toml"
        catalog.write_text(OURS.read_text().replace("[source]", STORE, 1))
        settings = Settings(
            catalog=str(catalog),
            repo=world.backend.path,
            builder="sandbox",
            environ={"SDT_STATE": str(folder / "state")},
        )
        holding.create_table(settings, load(catalog))
        self.engine = Engine(settings, clock=world.clock)
        self.remarks = self.engine.remarks
        self.events: list[Event] = []

    def run(self, *subscribers: Callable[[Event], None]) -> RunState:
        told = [self.events.append, *subscribers]
        try:
            return asyncio.run(self.engine.run(skip_gates=SKIP, subscribers=told))
        finally:
            self.engine.close()


def test_a_run_of_one_machine_is_in_the_history_of_the_other(world: World, tmp_path: Path) -> None:
    here, there = Machine(world, tmp_path / "here"), Machine(world, tmp_path / "there")
    state = here.run()
    assert state.outcome is Outcome.SUCCEEDED, state.failure
    assert there.engine.history.state(state.run[:5]) == state
    assert [encode(e) for e in there.engine.history.events(state.run)] == [encode(e) for e in here.events]
    assert there.remarks == []
    assert there.engine.leases.holds() == ()
    (hold,) = there.engine.leases.acquire(["dev/task-service"], ADA, world.clock.now(), 60).holds
    assert hold.fencing == 2  # the run had it
    there.engine.close()


def test_a_service_that_another_machine_deploys_is_refused(world: World, tmp_path: Path) -> None:
    here, there = Machine(world, tmp_path / "here"), Machine(world, tmp_path / "there")
    there.engine.leases.acquire(["dev/task-service"], ADA, world.clock.now(), 60)
    before = world.service("task-service")["taskDefinition"]
    state = here.run()
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert state.failure is not None
    assert state.failure.what == "dev/task-service is held by another run"
    assert "ada on build-7" in state.failure.cause
    assert "sdt show run-a" in state.failure.next
    assert world.service("task-service")["taskDefinition"] == before
    assert there.engine.history.state(state.run).outcome is Outcome.REFUSED
    there.engine.close()


def test_a_lock_that_is_broken_stops_the_run_before_its_next_change(world: World, tmp_path: Path) -> None:
    """Broken while it builds: nothing is pushed or deployed, and the run says by whom and why."""
    here, there = Machine(world, tmp_path / "here"), Machine(world, tmp_path / "there")

    def break_it(event: Event) -> None:
        if isinstance(event.body, StageStarted) and event.body.stage == "push":
            there.engine.leases.break_("dev/task-service", "eve", "hotfix", world.clock.now())

    before = world.service("task-service")["taskDefinition"]
    state = here.run(break_it)
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert state.failure is not None
    assert "eve broke it" in state.failure.cause
    assert "hotfix" in state.failure.cause
    assert world.service("task-service")["taskDefinition"] == before
    there.engine.close()


@pytest.mark.parametrize("table", ["", "sdt-runs"])
def test_without_a_table_nothing_is_asked_of_aws(tmp_path: Path, table: str) -> None:
    """No sandbox runs, and no credentials are there: opening either store is free of AWS."""
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(OURS.read_text().replace("[source]", STORE.replace("sdt-runs", table), 1))
    settings, known = Settings(environ={}), load(catalog)
    holding.leases(settings, known, tmp_path).close()
    holding.journal(settings, known, tmp_path).close()
    if not table:
        assert holding.leases(settings, known, tmp_path).holds() == ()
        assert holding.table_problem(settings, known) is None
