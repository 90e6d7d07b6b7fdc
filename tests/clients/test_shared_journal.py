"""The journal that all share, over HTTP; and this machine's, mirrored into it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

from sdt_console.clients.dynamodb_journal import DynamoJournal
from sdt_console.errors import DivergedError, JournalError, UnsharedError
from sdt_console.events import (
    Body,
    Event,
    Intended,
    Noted,
    Planned,
    RunFinished,
    RunResumed,
    RunStarted,
    StepProgressed,
)
from sdt_console.model import Failure, Outcome
from sdt_console.runs.journal import Journal
from sdt_console.runs.mirror import MirroredJournal
from sdt_console.runs.recorder import Recorder
from sdt_console.sandbox import Sandbox
from tests.clients.shared_table import Shared, running, shared

_numbers = count(1000)
NOVEMBER, DECEMBER = 1_794_000_000.0, 1_797_000_000.0
INTENDED = Intended("deploy", "users", "ecs:UpdateService", {"service": "users"})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as made:
        yield made


@pytest.fixture
def store(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shared]:
    with shared(sandbox, next(_numbers), monkeypatch.setenv) as made:
        yield made


@pytest.fixture
def journal(store: Shared) -> DynamoJournal:
    return DynamoJournal(store.aws(), store.table)


@pytest.fixture
def mirrored(store: Shared, tmp_path: Path) -> Iterator[Callable[..., MirroredJournal]]:
    """``mirrored(machine)``: the journal of one machine, mirrored into the table."""
    opened: list[MirroredJournal] = []

    def mirrored(machine: str, there: DynamoJournal | None = None, limit: float = 10) -> MirroredJournal:
        local = Journal(tmp_path / machine / "journal.sqlite3")
        remarks: list[str] = []
        made = MirroredJournal(local, there or DynamoJournal(store.aws(), store.table), limit, remarks.append)
        made.remarks = remarks  # type: ignore[attr-defined]
        opened.append(made)
        return made

    yield mirrored
    for journal in opened:
        journal.close()


def started(title: str = "") -> RunStarted:
    return RunStarted("dev", "b", "h", title, "ada")


def run_of(*bodies: Body, run: str = "7f3a0001", at: float = NOVEMBER) -> list[Event]:
    return [Event(run, seq, at + seq, body) for seq, body in enumerate(bodies)]


FAILURE = Failure("what", "why", ("line\x1b[31m", "\u202e"), "next")
WHOLE = run_of(
    started('a "title" `x` ${{ y }}'),
    Planned({"waves": [["users"]], "before": {"users": None}}),
    INTENDED,
    *(StepProgressed("build", "users", f"layer {n}", n, 240) for n in range(240)),
    RunFinished(Outcome.ROLLED_BACK, 4, FAILURE),
)


def test_events_come_back_as_they_went_in(journal: DynamoJournal, store: Shared) -> None:
    journal.append(WHOLE[0])
    journal.append_all(WHOLE[1:])
    other = DynamoJournal(store.aws(), store.table)
    assert other.events("7f3a0001") == WHOLE
    assert other.events("unknown") == []
    assert [e.type for e in other.events_but("7f3a0001", "step-progressed")] == [
        "run-started",
        "planned",
        "intended",
        "run-finished",
    ]
    assert other.first("7f3a0001", "planned") == WHOLE[1]
    assert other.first("7f3a0001", "noted") is None
    assert store.items()["sdt/run/7f3a0001/000002"]["Event"]["S"].startswith('{"run":"7f3a0001"')


def test_a_plan_of_many_services_fits_into_an_item(journal: DynamoJournal) -> None:
    before = {
        f"service-{n}": f"arn:aws:ecs:eu-west-1:962496666337:task-definition/s-{n}:1" for n in range(9000)
    }
    plan = Planned({"before": before})
    events = run_of(started(), plan)
    for event in events:
        journal.append(event)
    assert journal.events("7f3a0001") == events


def test_an_event_is_written_once_and_never_changed(journal: DynamoJournal) -> None:
    first, *_ = run_of(started())
    journal.append(first)
    journal.append(first)  # sent again, for its answer was lost
    second = Event(first.run, 1, NOVEMBER, Noted("b"))
    journal.append_all([first, second])
    with pytest.raises(DivergedError) as caught:
        journal.append(Event(first.run, 0, NOVEMBER, Noted("another's")))
    assert caught.value.exit_code == 3
    with pytest.raises(DivergedError):
        journal.append_all([second, Event(first.run, 0, NOVEMBER, Noted("another's"))])
    assert journal.events(first.run) == [first, second]


def test_an_api_that_is_flaky_loses_and_doubles_nothing(store: Shared) -> None:
    store.sandbox.scenarios.on("flaky-api")
    try:
        journal = DynamoJournal(store.aws(), store.table)
        for event in WHOLE[:60]:
            journal.append(event)
        assert journal.events("7f3a0001") == WHOLE[:60]
        assert journal.runs() == ["7f3a0001"]
    finally:
        store.sandbox.scenarios.off("flaky-api")


def test_runs_of_all_machines_are_listed_newest_first(store: Shared) -> None:
    for run, at in (("aa11", DECEMBER), ("bb22", NOVEMBER), ("aa33", DECEMBER + 10.5)):
        journal = DynamoJournal(store.aws(), store.table)
        for event in run_of(started(), run=run, at=at):
            journal.append(event)
    journal.append(Event("bb22", 1, NOVEMBER + 1, RunFinished(Outcome.SUCCEEDED, 0)))
    assert journal.runs() == ["aa33", "aa11", "bb22"]
    assert journal.runs(limit=2) == ["aa33", "aa11"]
    assert journal.matching("aa") == ["aa11", "aa33"]
    assert journal.matching("bb22") == ["bb22"]
    assert journal.matching("") == ["aa11", "aa33", "bb22"]
    assert journal.matching("c") == []
    assert [(a.run, b.type) for a, b in journal.outline()] == [
        ("aa33", "run-started"),
        ("aa11", "run-started"),
        ("bb22", "run-finished"),
    ]
    journal.append(Event("bb22", 2, NOVEMBER + 2, RunResumed("eve")))
    assert [b.type for _, b in journal.outline()] == ["run-started"] * 3
    assert {key for key in store.items() if key.startswith("sdt/runs")} == {
        "sdt/runs",
        "sdt/runs/2026-11",
        "sdt/runs/2026-12",
    }


def test_a_table_that_is_not_there_is_a_journal_error(store: Shared) -> None:
    journal = DynamoJournal(store.aws(), "nowhere")
    for call in (lambda: journal.append(WHOLE[0]), lambda: journal.runs(), lambda: journal.events("x")):
        with pytest.raises(JournalError) as caught:
            call()
        assert caught.value.exit_code == 3
        assert "no DynamoDB table nowhere" in caught.value.cause
        assert "sdt doctor --create-table" in caught.value.next


def test_what_announces_a_change_is_shared_before_it_is_made(
    mirrored: Callable[..., MirroredJournal], journal: DynamoJournal
) -> None:
    ours = mirrored("here")
    bodies: list[Body] = [started(), Noted("a"), Noted("b"), Planned({}), Noted("c"), INTENDED]
    for event in run_of(*bodies):
        ours.append(event)
        if not isinstance(event.body, Noted):
            assert [e.seq for e in journal.events(event.run)] == list(range(event.seq + 1))
    assert ours.events("7f3a0001") == journal.events("7f3a0001")


class Slow(DynamoJournal):
    """Answers only when it is let; so a test sees what does not wait."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.let = threading.Event()
        self.calls = 0

    def append_all(self, events: Sequence[Event]) -> None:
        self.let.wait(10)
        self.calls += 1
        super().append_all(events)


def test_what_changes_nothing_does_not_wait(
    mirrored: Callable[..., MirroredJournal], store: Shared, journal: DynamoJournal
) -> None:
    slow = Slow(store.aws(), store.table)
    ours = mirrored("here", slow)
    events = run_of(*(StepProgressed("build", "users", f"{n}") for n in range(300)), INTENDED)
    for event in events[:-1]:
        ours.append(event)
    assert journal.events("7f3a0001") == []
    slow.let.set()
    ours.append(events[-1])
    assert journal.events("7f3a0001") == events
    assert slow.calls <= 5  # not a request for each


def test_without_the_shared_journal_nothing_may_be_changed(
    mirrored: Callable[..., MirroredJournal], store: Shared
) -> None:
    ours = mirrored("here", DynamoJournal(store.away(), store.table), limit=0.3)
    events = run_of(Noted("a"), INTENDED, RunFinished(Outcome.FAILED, 3))
    ours.append(events[0])
    for event in events[1:]:
        with pytest.raises(UnsharedError, match="nothing more is changed") as caught:
            ours.append(event)
        assert "did not reach AWS" in caught.value.cause
        assert caught.value.exit_code == 3
    assert ours.events("7f3a0001") == events  # this machine has them all
    assert "did not reach AWS" in ours.remarks[0]  # type: ignore[attr-defined]
    assert ours.runs() == ours.matching("7f") == ["7f3a0001"]
    assert [a.run for a, _ in ours.outline()] == ["7f3a0001"]


def test_a_run_whose_change_was_refused_can_still_be_recorded_as_failed(
    mirrored: Callable[..., MirroredJournal], store: Shared
) -> None:
    ours = mirrored("here", DynamoJournal(store.away(), store.table), limit=0.3)
    told: list[Event] = []
    recorder = Recorder("7f3a0001", ours, lambda: NOVEMBER, [told.append])
    recorder.emit(Noted("a"))
    for body in (INTENDED, RunFinished(Outcome.FAILED, 3)):
        with pytest.raises(UnsharedError):
            recorder.emit(body)
    assert [event.type for event in ours.events("7f3a0001")] == ["noted", "intended", "run-finished"]
    assert recorder.state.outcome is Outcome.FAILED
    assert [event.type for event in told] == ["noted"]


def test_a_journal_that_answers_nothing_is_not_waited_for_long(
    mirrored: Callable[..., MirroredJournal], store: Shared
) -> None:
    slow = Slow(store.aws(), store.table)
    ours = mirrored("here", slow, limit=0.2)
    begin = time.monotonic()
    with pytest.raises(UnsharedError, match="no answer in time"):
        ours.append(run_of(INTENDED)[0])
    assert time.monotonic() - begin < 2
    slow.let.set()


def test_it_catches_up_once_the_store_is_there_again(
    mirrored: Callable[..., MirroredJournal], store: Shared, journal: DynamoJournal, tmp_path: Path
) -> None:
    """What only this machine has is shared before the run goes on, by whichever process goes on."""
    cut_off = Journal(tmp_path / "here" / "journal.sqlite3")
    events = run_of(started(), INTENDED, Noted("a"), RunResumed("ada"), INTENDED)
    for event in events[:3]:
        cut_off.append(event)
    cut_off.close()
    journal.append(events[0])
    ours = mirrored("here")
    ours.append(events[3])
    assert journal.events("7f3a0001") == events[:4]
    ours.append(events[4])
    assert journal.events("7f3a0001") == events


def test_a_run_that_began_elsewhere_goes_on_here(
    mirrored: Callable[..., MirroredJournal], journal: DynamoJournal, tmp_path: Path
) -> None:
    events = run_of(started(), INTENDED, RunResumed("eve"))
    there, here = mirrored("there"), mirrored("here")
    for event in events[:2]:
        there.append(event)
    assert here.matching("7f") == ["7f3a0001"]
    assert here.events("7f3a0001") == events[:2]
    here.append(events[2])
    assert journal.events("7f3a0001") == events
    alone = Journal(tmp_path / "here" / "journal.sqlite3")
    assert alone.events("7f3a0001") == events
    alone.close()
    with pytest.raises(UnsharedError, match="continued by somebody else"):
        there.append(Event("7f3a0001", 2, NOVEMBER, INTENDED))
