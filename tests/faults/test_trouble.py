"""AWS gives trouble in the middle of a run: it ends well, or with a cause and a way on; never half-known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from sdt_console.errors import UsageError
from sdt_console.events import Body, Done, Event, Intended, StageStarted, StepFinished, StepProgressed
from sdt_console.model import Outcome, RunState
from sdt_console.outside import Outside
from sdt_console.pipeline.change import REGISTER, UPDATE
from tests.world import SKIP, World

NAME = "task-service"
Moment = Callable[[Body], bool]


def announced(action: str, stage: str = "deploy") -> Moment:
    return lambda body: isinstance(body, Intended) and (body.action, body.stage) == (action, stage)


def answered(action: str, stage: str = "deploy") -> Moment:
    return lambda body: isinstance(body, Done) and (body.action, body.stage) == (action, stage)


def begun(stage: str) -> Moment:
    return lambda body: isinstance(body, StageStarted) and body.stage == stage


def rolling(body: Body) -> bool:
    return isinstance(body, StepProgressed) and body.stage == "deploy"


def rolled_out(body: Body) -> bool:
    return isinstance(body, StepFinished) and body.stage == "deploy"


MOMENTS: dict[str, Moment] = {
    "push": begun("push"),
    "register": announced(REGISTER),
    "update": announced(UPDATE),
    "updated": answered(UPDATE),
    "rolling": rolling,
    "rolled-out": rolled_out,
    "health": begun("health"),
}


@dataclass
class Switch:
    """Switches a scenario on at a moment of the run, once."""

    world: World
    scenario: str
    at: Moment
    done: bool = False

    def __call__(self, event: Event) -> None:
        if not self.done and self.at(event.body):
            self.done = True
            self.world.sandbox.scenarios.on(self.scenario)


@dataclass
class Runs:
    """Runs whose waiting for AWS goes by the world's clock, too."""

    world: World
    events: list[Event] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *subscribers: Callable[[Event], None], resume: str = "", **options: Any) -> RunState:
        engine = self.world.engine(**self.settings)
        catalog = engine.catalog
        engine.__dict__["outside"] = Outside(engine.settings, catalog.aws.region, clock=self.world.clock)
        told = [self.events.append, *subscribers]
        try:
            if resume:
                return asyncio.run(engine.resume(resume, subscribers=told))
            return asyncio.run(engine.run(skip_gates=SKIP, subscribers=told, **options))
        finally:
            engine.close()

    def recorded(self, run: str) -> RunState:
        engine = self.world.engine()
        try:
            return engine.history.state(run)
        finally:
            engine.close()

    def changes(self, action: str) -> int:
        """How often a change was made, not only found to have been made."""
        bodies = [event.body for event in self.events]
        return sum(isinstance(b, Done) and b.action == action and not b.result.get("found") for b in bodies)


@pytest.fixture
def runs(world: World) -> Runs:
    return Runs(world)


def mended(world: World) -> Any:
    """The service when AWS is well again and has come to rest."""
    world.sandbox.scenarios.off()
    world.sandbox.advance(900)
    return world.service(NAME)


@pytest.mark.parametrize(
    ("scenario", "moment"),
    [*(("flaky-api", moment) for moment in MOMENTS), ("throttling", "push"), ("throttling", "updated")],
)
def test_an_api_in_trouble_is_lived_through(world: World, runs: Runs, scenario: str, moment: str) -> None:
    switch = Switch(world, scenario, MOMENTS[moment])
    state = runs(switch)
    assert switch.done
    assert (state.outcome, state.exit_code) == (Outcome.SUCCEEDED, 0), state.failure
    assert runs.recorded(state.run) == state
    service = mended(world)
    assert service["taskDefinition"] == state.services[0].task_definition != state.services[0].previous
    assert service["runningCount"] == service["desiredCount"] == 1
    family = service["taskDefinition"].rpartition("/")[2].rpartition(":")[0]
    made = world.client("ecs").list_task_definitions(familyPrefix=family)["taskDefinitionArns"]
    assert len(made) == 2  # the one before, and ours: no lost answer made a second one


@pytest.mark.parametrize("moment", MOMENTS)
def test_credentials_that_expire_leave_a_run_that_can_be_gone_on_with(
    world: World, runs: Runs, moment: str
) -> None:
    before = world.service(NAME)["taskDefinition"]
    state = runs(Switch(world, "expired-credentials", MOMENTS[moment]))
    assert (state.outcome, state.exit_code) == (Outcome.FAILED, 3)
    assert state.failure is not None
    assert state.failure.what == "the AWS credentials have expired"
    assert state.failure.cause == "The security token included in the request is expired"
    assert state.failure.next.startswith(f"log in again, then `sdt resume {state.run}` goes on")
    changed = any(isinstance(e.body, Intended) and e.body.action == UPDATE for e in runs.events)
    assert (f"ECS goes on unattended with {NAME}: updated, and not judged" in state.failure.next) == changed
    assert runs.recorded(state.run) == state
    assert "rollback" not in [stage.name for stage in state.stages]
    service = mended(world)
    tried = state.services[0].tried
    assert service["taskDefinition"] in ((before, tried) if changed else (before,))
    again = runs(resume=state.run)
    assert (again.outcome, again.exit_code) == (Outcome.SUCCEEDED, 0), again.failure
    assert [s.outcome for s in again.services] == [Outcome.SUCCEEDED]
    service = mended(world)
    assert service["taskDefinition"] == again.services[0].task_definition != before
    assert service["runningCount"] == 1
    assert [runs.changes(a) for a in ("build", "push", REGISTER)] == [1, 1, 1]
    assert runs.changes(UPDATE) <= 1  # none where the answer was lost and ours was found


def test_still_logged_out_it_stays_a_run_that_can_be_gone_on_with(world: World, runs: Runs) -> None:
    state = runs(Switch(world, "expired-credentials", rolling))
    again = runs(resume=state.run)
    assert (again.outcome, again.exit_code) == (Outcome.FAILED, 3)
    assert again.failure is not None
    assert f"`sdt resume {state.run}` goes on" in again.failure.next
    assert f"ECS goes on unattended with {NAME}" in again.failure.next
    assert "nothing was changed" not in again.failure.next
    mended(world)
    assert runs(resume=state.run).outcome is Outcome.SUCCEEDED
    with pytest.raises(UsageError, match="has ended: succeeded"):
        runs(resume=state.run)


def test_credentials_that_expire_before_anything_was_changed_say_so(world: World, runs: Runs) -> None:
    world.sandbox.scenarios.on("expired-credentials")
    state = runs()
    assert (state.outcome, state.exit_code) == (Outcome.FAILED, 3)
    assert state.failure is not None
    assert state.failure.next == "log in again, then run again"
    assert not [e for e in runs.events if isinstance(e.body, Intended)]


def test_a_service_that_fails_while_nobody_looks_is_rolled_back_by_resume(world: World, runs: Runs) -> None:
    before = world.service(NAME)["taskDefinition"]
    world.sandbox.scenarios.on(f"crash-loop:{NAME}")
    state = runs(Switch(world, "expired-credentials", rolling))
    assert (state.outcome, state.exit_code) == (Outcome.FAILED, 3)
    world.sandbox.scenarios.off("expired-credentials")
    again = runs(resume=state.run)
    assert (again.outcome, again.exit_code) == (Outcome.ROLLED_BACK, 4)
    assert again.failure is not None
    assert again.failure.what == f"{NAME} did not come up"
    assert world.service(NAME)["taskDefinition"] == before


def test_a_rollback_that_is_cut_off_is_told_and_brought_to_its_end(world: World, runs: Runs) -> None:
    """Exit code 5, for the service is down now; and yet there is a way on."""
    before = world.service(NAME)["taskDefinition"]
    world.sandbox.scenarios.on(f"crash-loop:{NAME}")
    state = runs(Switch(world, "expired-credentials", begun("rollback")))
    assert (state.outcome, state.exit_code) == (Outcome.ROLLBACK_FAILED, 5)
    assert state.failure is not None
    assert state.failure.what == "1 of 1 services could not be rolled back"
    assert "the AWS credentials have expired" in state.failure.cause
    assert f"log in again, then `sdt resume {state.run}` goes on" in state.failure.next
    assert "did not come up" in " ".join(state.failure.evidence)
    world.sandbox.scenarios.off("expired-credentials")
    again = runs(resume=state.run)
    assert (again.outcome, again.exit_code) == (Outcome.ROLLED_BACK, 4)
    assert [s.outcome for s in again.services] == [Outcome.ROLLED_BACK]
    assert again.services[0].failure is not None
    assert again.services[0].failure.what == f"{NAME} did not come up"
    assert mended(world)["taskDefinition"] == before


def test_later_waves_are_begun_only_by_resume(world: World, runs: Runs) -> None:
    world.repo.commit({"skilltracker-infra/config-server/x": "x", f"skilltracker-services/{NAME}/x": "x"})
    state = runs(Switch(world, "expired-credentials", rolling), base="HEAD^")
    assert state.exit_code == 3
    assert state.failure is not None
    assert "unattended with config-server: updated" in state.failure.next
    assert {s.name: s.outcome for s in state.services} == {
        "config-server": Outcome.INTERRUPTED,
        NAME: Outcome.SKIPPED,
    }
    mended(world)
    again = runs(resume=state.run)
    assert {s.name: s.outcome for s in again.services} == dict.fromkeys(
        ("config-server", NAME), Outcome.SUCCEEDED
    )
    ended = [e.body for e in runs.events if isinstance(e.body, StepFinished) and e.body.stage == "deploy"]
    assert [(b.service, str(b.outcome)) for b in ended] == [
        ("config-server", "interrupted"),
        ("config-server", "succeeded"),
        (NAME, "succeeded"),
    ]


def test_a_lease_that_is_lost_between_two_waves_is_told_and_the_run_resumed(world: World, runs: Runs) -> None:
    """What was rolled out already stays: it is whoever has the lease now who may change it."""
    world.repo.commit({"skilltracker-infra/config-server/x": "x", f"skilltracker-services/{NAME}/x": "x"})
    engine = world.engine()
    broken = False

    def break_it(event: Event) -> None:
        nonlocal broken
        if not broken and rolled_out(event.body):
            broken = True
            engine.leases.break_(f"dev/{NAME}", "bob", "three in the morning", world.clock.now())
            world.sandbox.advance(30)

    state = runs(break_it, base="HEAD^")
    engine.close()
    assert (state.outcome, state.exit_code) == (Outcome.REFUSED, 6)
    assert state.failure is not None
    assert "bob broke it" in state.failure.cause
    assert f"`sdt resume {state.run}` goes on" in state.failure.next
    assert "config-server: updated" in state.failure.next
    assert "rollback" not in [stage.name for stage in state.stages]
    again = runs(resume=state.run)
    assert (again.outcome, again.exit_code) == (Outcome.SUCCEEDED, 0), again.failure
    assert {s.name for s in again.services if s.outcome is Outcome.SUCCEEDED} == {"config-server", NAME}
