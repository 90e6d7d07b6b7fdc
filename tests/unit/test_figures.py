"""Figures of runs: the old pipeline's own, and each rule by a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sdt_console import events as ev
from sdt_console.model import Figures, Outcome, Selection, Spread
from sdt_console.runs.facts import RunFacts, facts
from sdt_console.runs.figures import figures, report, spread
from sdt_console.text import percent
from tests.events_of import ACTIVE, DAY, HEAD, MIN, bodies, history, run

OK, BACK, FAILED = Outcome.SUCCEEDED, Outcome.ROLLED_BACK, Outcome.FAILED


def told(runs: Iterator[list[ev.Event]] | list[list[ev.Event]]) -> list[RunFacts]:
    return [found for events in runs if (found := facts(events)) is not None]


def of(*runs: list[ev.Event], authored: dict[str, float] | None = None, until: float = 7 * DAY) -> Figures:
    return figures(told(list(runs)), 0.0, until, authored or {})


def test_the_old_pipelines_history_gives_its_known_figures() -> None:
    found = figures(told(history()), 0.0, 53 * DAY, {})
    assert (found.deployments, found.succeeded, found.deployments - found.succeeded) == (53, 45, 8)
    assert percent(found.succeeded, found.deployments) == "85 %"
    assert percent(found.builds_avoided, found.builds_possible) == "60 %"
    assert found.build_time == Spread(53, 15 * MIN, 15 * MIN)
    assert found.run_time is not None
    assert 15 * MIN <= found.run_time.median_s <= 20 * MIN
    assert found.per_day == pytest.approx(45 / 53)
    assert found.per_week == pytest.approx(7 * 45 / 53)
    assert (found.failed_early, found.failed_late) == (0, 8)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], {"deployments": 0, "success_rate": None, "change_failure_rate": None, "avoided_share": None}),
        ([run(1)], {"deployments": 1, "succeeded": 1, "reached": 1, "success_rate": 1.0, "per_week": 1.0}),
        # a gate that holds a change back is a deployment that failed, and no failed change
        (
            [run(1), run(2, FAILED, until="gate")],
            {"failed_early": 1, "reached": 1, "change_failure_rate": 0.0},
        ),
        ([run(1), run(2, BACK)], {"success_rate": 0.5, "failed_late": 1, "change_failure_rate": 0.5}),
        # without a verdict
        ([run(1, Outcome.NOTHING_TO_DO, until="plan")], {"runs": 1, "deployments": 0}),
        ([run(1, Outcome.INTERRUPTED), run(2, None)], {"runs": 2, "deployments": 0}),
        ([run(1, Outcome.REFUSED, until="plan")], {"deployments": 0}),
        # by hand: a deploy counts, detects nothing; a rollback is no deployment; a build deploys nothing
        ([run(1, kind="deploy")], {"deployments": 1, "builds_possible": 0}),
        ([run(1, kind="rollback")], {"deployments": 0, "rollbacks": 1, "builds_possible": 0}),
        ([run(1, kind="build", stages=("build",))], {"deployments": 0}),
        # what is never built was not avoided
        ([run(1)], {"builds_possible": len(ACTIVE), "builds_avoided": len(ACTIVE) - 1}),
        ([run(1, selected=ACTIVE)], {"builds_possible": len(ACTIVE), "builds_avoided": 0}),
        ([run(1, reused=True)], {"images_reused": 1, "build_time": None, "image_time": None}),
    ],
)
def test_what_counts(runs: list[list[ev.Event]], expected: dict[str, Any]) -> None:
    found = of(*runs)
    assert {name: getattr(found, name) for name in expected} == expected


def test_outcomes_are_counted_the_commonest_first() -> None:
    found = of(run(1), run(2, None), run(3), run(4, BACK))
    assert list(found.outcomes.items()) == [("succeeded", 2), ("unfinished", 1), ("rolled-back", 1)]


@pytest.mark.parametrize(
    ("runs", "restored", "still"),
    [
        ([run(1)], None, []),
        ([run(1, BACK, at=0), run(2, at=100)], Spread(1, 100, 100), []),
        # a second failure is the same outage
        ([run(1, BACK, at=0), run(2, BACK, at=50), run(3, at=200)], Spread(1, 200, 200), []),
        ([run(1, BACK, at=0), run(2, kind="rollback", at=60)], Spread(1, 60, 60), []),
        # another service, or another environment, restores nothing
        ([run(1, BACK, at=0), run(2, at=100, service="b")], None, ["a"]),
        ([run(1, BACK, at=0), run(2, at=100, environment="prod")], None, ["a"]),
        # what failed before it was deployed was never out
        ([run(1, FAILED, at=0, until="gate")], None, []),
        ([run(2, at=100), run(1, BACK, at=0)], Spread(1, 100, 100), []),
    ],
)
def test_time_to_restore(runs: list[list[ev.Event]], restored: Spread | None, still: list[str]) -> None:
    found = of(*runs)
    assert found.time_to_restore == restored
    assert [outage.service for outage in found.outages] == still


@pytest.mark.parametrize(
    ("runs", "authored", "expected"),
    [
        ([run(1, at=1000)], {}, None),
        ([run(1, at=1000)], {HEAD: 400.0}, Spread(1, 600 + 17 * MIN, 600 + 17 * MIN)),
        # deployed again is not delivered again; another environment is
        ([run(1, at=0), run(2, at=9000)], {HEAD: 0.0}, Spread(1, 17 * MIN, 17 * MIN)),
        ([run(1, BACK, at=0), run(2, at=60)], {HEAD: 0.0}, Spread(1, 60 + 17 * MIN, 60 + 17 * MIN)),
        (
            [run(1, at=0), run(2, at=60, environment="prod")],
            {HEAD: 0.0},
            Spread(2, 17 * MIN + 30, 17 * MIN + 60),
        ),
        ([run(1, at=0)], {HEAD: 9e9}, Spread(1, 0.0, 0.0)),
        ([run(1, at=0, kind="rollback")], {HEAD: 0.0}, None),
    ],
)
def test_lead_time(runs: list[list[ev.Event]], authored: dict[str, float], expected: Spread | None) -> None:
    assert of(*runs, authored=authored).lead_time == expected


def test_environments_come_in_the_catalogs_order_and_add_up() -> None:
    runs = told(
        [run(1), run(2, environment="prod"), run(3, BACK, environment="prod"), run(4, environment="x")]
    )
    found = report(runs, 0.0, 7 * DAY, {}, ["prod", "staging", "dev"])
    assert list(found.environments) == ["prod", "dev", "x"]
    assert sum(one.deployments for one in found.environments.values()) == found.total.deployments == 4
    assert [one.succeeded for one in found.environments.values()] == [1, 1, 1]
    assert (found.total.environment, found.environments["prod"].environment) == ("", "prod")


def test_a_run_that_was_cut_off_and_resumed_is_not_measured() -> None:
    whole = bodies(OK)
    resumed = [*whole[:6], (6.0, ev.RunResumed("ada")), *whole[6:]]
    events = [ev.Event("r", seq, at, body) for seq, (at, body) in enumerate(resumed)]
    found = of(events)
    assert (found.succeeded, found.run_time) == (1, None)


def test_what_is_no_run_has_no_facts() -> None:
    assert facts([]) is None
    assert facts([ev.Event("r", 0, 0.0, ev.Unknown("x", {}))]) is None


@pytest.mark.parametrize(
    ("reason", "buildable"),
    [
        ("nothing it is made of changed", True),
        ("only ignored files changed (2)", True),
        ("pending: its code is not there yet (2 changed files)", False),
        ("data service: watched, never built", False),
        ("its folder a/b is not in the repository", False),
        ("its folder a/b was deleted: nothing to build", False),
    ],
)
def test_what_a_change_could_have_selected(reason: str, buildable: bool) -> None:
    assert Selection("a", False, reason).buildable is buildable
    assert Selection("a", True, reason).buildable


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([5.0], Spread(1, 5.0, 5.0)),
        ([3.0, 1.0], Spread(2, 2.0, 3.0)),
        ([float(n) for n in range(1, 11)], Spread(10, 5.5, 9.0)),
    ],
)
def test_a_spread(values: list[float], expected: Spread | None) -> None:
    assert spread(values) == expected


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(45, 53, "85 %"), (0, 3, "0 %"), (3, 3, "100 %"), (999, 1000, "99 %"), (1, 1000, "1 %"), (0, 0, "–")],
)
def test_percent_says_all_and_none_only_of_all_and_none(part: int, whole: int, text: str) -> None:
    assert percent(part, whole) == text
