"""Every scenario of the sandbox ends as ``docs/exit-codes.md`` says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from sdt_console.model import Outcome
from sdt_console.sandbox.scenarios import API_SCENARIOS, KNOWN
from tests.catalogs import OURS, ROOT
from tests.faults.test_trouble import Runs, Switch, mended, rolling
from tests.pipeline.test_run_on_sandbox import CAUSES, breaker
from tests.world import World

NAME = "task-service"
START, MIDDLE = "from the start", "in mid-rollout"


@dataclass(frozen=True)
class Row:
    scenario: str
    when: str
    outcome: str
    code: int
    cause: str


def table() -> list[Row]:
    """The rows of the document's table of scenarios."""
    text = (ROOT / "docs/exit-codes.md").read_text()
    lines = text.partition("| scenario | when |")[2].splitlines()[2:]
    cells = [[c.strip().strip("`") for c in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    return [Row(scenario, when, outcome, int(code), cause) for scenario, when, outcome, code, cause in cells]


def test_the_table_has_every_scenario() -> None:
    rows = {(row.scenario, row.when) for row in table()}
    assert {(name, START) for name in KNOWN} | {(name, MIDDLE) for name in API_SCENARIOS} == rows


def test_services_that_do_not_come_up_are_documented_as_they_are_tested() -> None:
    """They are run in ``test_run_on_sandbox``, with a circuit breaker and without."""
    rows = {row.scenario: row for row in table() if row.scenario in CAUSES}
    expected = {name: Row(name, START, "rolled-back", 4, cause) for name, cause in CAUSES.items()}
    assert rows == expected


@pytest.mark.parametrize(
    "row",
    [row for row in table() if row.scenario not in CAUSES],
    ids=lambda row: f"{row.scenario} {row.when}",
)
def test_a_scenario_ends_as_documented(world: World, row: Row, tmp_path: Path) -> None:
    before = world.service(NAME)["taskDefinition"]
    breaker(world, NAME, on=True)
    soon = tmp_path / "catalog.toml"
    soon.write_text(OURS.read_text().replace("timeout_minutes = 20", "timeout_minutes = 2"))
    runs = Runs(world, settings={"catalog": str(soon)})
    scenario = row.scenario if row.scenario in API_SCENARIOS else f"{row.scenario}:{NAME}"
    if row.when == START:
        world.sandbox.scenarios.on(scenario)
        state = runs()
    else:
        switch = Switch(world, scenario, rolling)
        state = runs(switch)
        assert switch.done
    assert (str(state.outcome), state.exit_code) == (row.outcome, row.code), state.failure
    assert bool(row.cause) == (state.failure is not None)
    if state.failure is not None:
        assert row.cause in state.failure.cause
        assert state.failure.next
    if state.outcome is Outcome.TIMED_OUT:
        assert mended(world)["taskDefinition"] == before
    elif state.outcome is Outcome.SUCCEEDED:
        assert mended(world)["taskDefinition"] == state.services[0].task_definition != before
