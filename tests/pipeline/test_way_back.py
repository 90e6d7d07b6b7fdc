"""Where `sdt rollback` goes: not to what ECS calls a success and our own runs have rejected."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdt_console.errors import UsageError
from sdt_console.model import Failure, Outcome, RunState, ServiceResult
from sdt_console.pipeline.known_good import Seen, remembered
from tests.catalogs import OURS
from tests.pipeline.test_single import definition, rollback
from tests.world import World


def test_what_our_health_check_rejected_is_no_way_back(world: World, tmp_path: Path) -> None:
    """ECS has both the rejected revision and the way back from it as SUCCESSFUL deployments."""
    first = definition(world, "task-service")
    strict = tmp_path / "catalog.toml"
    strict.write_text(OURS.read_text().replace("expect = 200", "expect = 201"))
    failed = world.run(settings={"catalog": str(strict)})
    assert failed.outcome is Outcome.ROLLED_BACK
    rejected = failed.services[0].tried
    assert definition(world, "task-service") == first != rejected
    with pytest.raises(UsageError, match="no earlier revision of task-service") as error:
        rollback(world, "task-service")
    (told,) = error.value.evidence
    assert told.startswith(f"{rejected.rpartition('/')[2]}: run {failed.run} has tried it")
    assert definition(world, "task-service") == first
    state = rollback(world, "task-service", revision=rejected.rpartition(":")[2])
    assert state.outcome is Outcome.SUCCEEDED  # asked for by its number, and healthy by now
    assert rollback(world, "task-service").services[0].task_definition == first
    assert rollback(world, "task-service").services[0].task_definition == rejected


def run(name: str, *services: ServiceResult, environment: str = "dev") -> RunState:
    return RunState(name, environment, Outcome.SUCCEEDED, services=services)


def good(revision: str) -> ServiceResult:
    return ServiceResult("a", Outcome.SUCCEEDED, digest="d", task_definition=revision, tried=revision)


def bad(revision: str) -> ServiceResult:
    told = Failure("a is not healthy", "")
    return ServiceResult("a", Outcome.ROLLED_BACK, failure=told, tried=revision, rejected=revision)


def test_of_two_runs_that_judged_a_revision_the_newer_counts() -> None:
    memory = remembered([run("n3", bad("1"), bad("2")), run("n2", good("2")), run("n1", good("1"))], "dev")
    assert memory.good == {}
    assert memory.rejected == {"a": dict.fromkeys("12", "run n3 has tried it: a is not healthy")}
    memory = remembered([run("n2", good("1")), run("n1", bad("1")), run("n0", good("0"))], "dev")
    assert memory.good == {"a": [Seen("1", "d"), Seen("0", "d")]}
    assert memory.rejected == {}


def test_what_went_back_with_others_or_ran_elsewhere_is_not_judged() -> None:
    along = ServiceResult("a", Outcome.ROLLED_BACK, task_definition="0", tried="1")
    memory = remembered([run("n2", along), run("n1", bad("2"), environment="production")], "dev")
    assert (memory.good, memory.rejected) == ({}, {})
