"""The history: what is listed, how long things take, and that a long history costs little."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sdt_console import events as ev
from sdt_console.model import Outcome
from sdt_console.runs import journal as journal_module
from sdt_console.runs.expected import durations, expected
from sdt_console.runs.history import UNFINISHED, History
from sdt_console.runs.journal import EVENTS_BUT, FIRST, OUTLINE, Journal

RUNS = 10_000


def run(number: int, *, environment: str = "dev", service: str = "a", took: float = 10.0) -> list[ev.Event]:
    """A whole run; every tenth rolled back, every hundredth cut off."""
    name, at = f"{number:08x}", number * 1000.0
    outcome = Outcome.ROLLED_BACK if number % 10 == 9 else Outcome.SUCCEEDED
    bodies: list[tuple[float, ev.Body]] = [
        (0, ev.RunStarted(environment, "b" * 40, "h" * 40, f"change {number}", "ada")),
        (1, ev.Planned({"waves": [[service]], "before": {}})),
        (2, ev.StageStarted("deploy")),
        (2, ev.StepStarted("deploy", service)),
        (3, ev.StepProgressed("deploy", service, "rolling out 0/1", 0, 1)),
        (2 + took, ev.StepFinished("deploy", service, outcome)),
        (3 + took, ev.StageFinished("deploy", outcome)),
        (4 + took, ev.RunFinished(outcome, 0 if outcome is Outcome.SUCCEEDED else 4)),
    ]
    if number % 100 == 98:
        bodies = bodies[:5]
    return [ev.Event(name, seq, at + after, body) for seq, (after, body) in enumerate(bodies)]


def filled(path: Path, runs: Iterator[list[ev.Event]]) -> Journal:
    """A journal with ``runs``, written at once: entry by entry each would wait for the disk."""
    journal = Journal(path)
    rows = ((e.run, e.seq, e.at, ev.encode(e)) for events in runs for e in events)
    journal._db.execute("BEGIN")
    journal._db.executemany("INSERT INTO events (run, seq, at, body) VALUES (?, ?, ?, ?)", rows)
    journal._db.execute("COMMIT")
    return journal


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    folder = tmp_path_factory.mktemp("long")
    journal = filled(
        folder / "j",
        (
            run(
                n,
                environment="prod" if n < 5 else "dev",
                service="old" if n == 3 else "a",
                took=float(n % 7),
            )
            for n in range(RUNS)
        ),
    )
    yield journal
    journal.close()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The entries that were decoded."""
    lines: list[str] = []

    def counted(text: str) -> ev.Event:
        lines.append(text)
        return ev.decode(text)

    monkeypatch.setattr(journal_module, "decode", counted)
    return lines


def test_the_newest_of_many_runs_cost_no_more_than_those_of_few(long: Journal, read: list[str]) -> None:
    listed = History(long).listed(20)
    assert [past.state.run for past in listed] == [f"{n:08x}" for n in range(RUNS - 1, RUNS - 21, -1)]
    assert (listed[0].title, listed[0].by) == (f"change {RUNS - 1}", "ada")
    assert len(read) <= 20 * (2 + 8)


def test_a_filter_reads_only_beginnings_and_ends(long: Journal, read: list[str]) -> None:
    listed = History(long).listed(20, environment="prod")
    assert [past.state.run for past in listed] == [f"{n:08x}" for n in (4, 3, 2, 1, 0)]
    assert len(read) <= 2 * RUNS + 5 * 8


def test_filters_go_together(long: Journal) -> None:
    history = History(long)
    assert [
        p.state.run for p in history.listed(9, environment="prod", service="old", outcome="succeeded")
    ] == ["00000003"]
    assert history.listed(9, environment="dev", service="old") == []
    cut_off = history.listed(2, outcome=UNFINISHED)
    assert [int(p.state.run, 16) for p in cut_off] == [9998, 9898]
    assert cut_off[0].state.outcome is None
    assert [p.state.outcome for p in history.listed(3, outcome="rolled-back")] == [Outcome.ROLLED_BACK] * 3


@pytest.mark.parametrize(
    ("query", "values"), [(OUTLINE, ()), (FIRST, ("r", "planned")), (EVENTS_BUT, ("r", "noted"))]
)
def test_every_query_walks_an_index(long: Journal, query: str, values: tuple[str, ...]) -> None:
    rows = long._db.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
    plan = [detail for *_, detail in rows]
    assert not any("TEMP B-TREE" in step for step in plan), plan
    # the outline walks the index of beginnings; all else goes to its run at once
    assert all(
        step.startswith(("SEARCH events USING PRIMARY KEY (run=?", "CORRELATED"))
        or "USING INDEX events_begin" in step
        for step in plan
    ), plan


def test_expected_times_are_those_of_the_last_ten_that_succeeded(long: Journal) -> None:
    found = History(long).expected("dev")
    # of the runs 9999…: those ending in 9 rolled back, 9998 was cut off
    last = [n for n in range(RUNS - 1, RUNS - 13, -1) if n % 10 != 9 and n % 100 != 98][:10]
    middle = sorted(float(n % 7) for n in last)
    assert found["deploy", "a"] == (middle[4] + middle[5]) / 2 if len(last) == 10 else middle[4]
    assert set(found) == {("deploy", "a"), ("deploy", "")}
    assert History(long).expected("staging") == {}


def test_only_what_succeeded_without_a_break_is_measured() -> None:
    def events(*bodies: tuple[float, ev.Body]) -> list[ev.Event]:
        return [ev.Event("r", seq, at, body) for seq, (at, body) in enumerate(bodies)]

    whole = events(
        (0, ev.StageStarted("build")),
        (0, ev.StepStarted("build", "a")),
        (0, ev.StepStarted("build", "b")),
        (4, ev.StepFinished("build", "a", Outcome.SUCCEEDED)),
        (1, ev.StepFinished("build", "b", Outcome.SKIPPED)),
        (6, ev.StageFinished("build", Outcome.SUCCEEDED)),
    )
    assert durations(whole) == {("build", "a"): 4.0, ("build", ""): 6.0}
    cut_off = events(
        (0, ev.StageStarted("deploy")),
        (0, ev.StepStarted("deploy", "a")),
        (900, ev.RunResumed("ada", "here")),
        (901, ev.StageStarted("deploy")),
        (902, ev.StepFinished("deploy", "a", Outcome.SUCCEEDED)),
        (903, ev.StageFinished("deploy", Outcome.SUCCEEDED)),
    )
    assert durations(cut_off) == {("deploy", ""): 2.0}
    slow = [ev.Event(e.run, e.seq, e.at * 3, e.body) for e in whole]
    assert expected([whole, slow, whole])["build", "a"] == 4.0
    assert expected([]) == {}
