"""What a run made of a service, as its events tell it."""

from __future__ import annotations

from sdt_console import events as ev
from sdt_console.model import Failure, Outcome, ServiceResult
from sdt_console.runs.fold import fold

PLANNED = ev.Planned({"waves": [["a"]], "before": {"a": "td:1"}})
UPDATE = ev.Intended("deploy", "a", "ecs:UpdateService", {"taskDefinition": "td:2"})
OWN = Failure("a did not come up", "exit 1", ("a line of its log",), "mend it")
LEFT = Failure("a did not come up", "no capacity", (), "look now")


def service(*bodies: ev.Body) -> ServiceResult:
    started = ev.RunStarted("dev", "b", "h")
    events = [ev.Event("r", seq, float(seq), body) for seq, body in enumerate((started, PLANNED, *bodies))]
    (result,) = fold(events).services
    return result


def test_the_first_failure_stays_when_the_way_back_fails_too() -> None:
    found = service(
        UPDATE,
        ev.StepFinished("deploy", "a", Outcome.FAILED, result={"task_definition": "td:2"}, failure=OWN),
        ev.StepFinished("rollback", "a", Outcome.ROLLBACK_FAILED, failure=LEFT),
    )
    assert found.outcome is Outcome.ROLLBACK_FAILED
    assert found.failure is not None
    assert (found.failure.what, found.failure.cause, found.failure.next) == (OWN.what, OWN.cause, OWN.next)
    assert found.failure.evidence == (
        "a line of its log",
        "not rolled back: a did not come up: no capacity",
    )
    assert found.task_definition == "td:2"


def test_a_service_that_only_its_way_back_failed_has_that_failure() -> None:
    found = service(
        UPDATE,
        ev.StepFinished("deploy", "a", Outcome.SUCCEEDED, result={"task_definition": "td:2"}),
        ev.StepFinished("rollback", "a", Outcome.ROLLBACK_FAILED, failure=LEFT),
    )
    assert (found.outcome, found.failure, found.rejected) == (Outcome.ROLLBACK_FAILED, LEFT, "")


def test_what_it_runs_after_a_failed_way_back_is_what_that_says() -> None:
    live = {"task_definition": "td:1", "running": 0, "desired": 1}
    found = service(
        UPDATE,
        ev.StepFinished("deploy", "a", Outcome.FAILED, result={"task_definition": "td:2"}, failure=OWN),
        ev.StepFinished("rollback", "a", Outcome.ROLLBACK_FAILED, result=live, failure=LEFT),
    )
    assert (found.task_definition, found.tried, found.rejected) == ("td:1", "td:2", "td:2")


def test_only_what_was_tried_and_judged_is_rejected() -> None:
    before = ev.StepFinished("deploy", "a", Outcome.FAILED, failure=OWN)
    assert service(before).rejected == ""
    cut_off = ev.StepFinished("deploy", "a", Outcome.INTERRUPTED, failure=OWN)
    taken = ev.StepFinished("deploy", "a", Outcome.REFUSED, failure=OWN)
    assert {service(UPDATE, ended).rejected for ended in (cut_off, taken)} == {""}
    late = ev.StepFinished("health", "a", Outcome.FAILED, failure=OWN)
    assert service(UPDATE, ev.StepFinished("deploy", "a", Outcome.SUCCEEDED), late).rejected == "td:2"
