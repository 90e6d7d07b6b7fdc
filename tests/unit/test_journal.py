"""The journal: durable, in order, never twice, and clear when it cannot be written."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from sdt_console.errors import DivergedError
from sdt_console.events import Event, Noted, RunFinished, RunStarted
from sdt_console.model import Failure, Outcome
from sdt_console.runs.journal import Journal, JournalError
from sdt_console.runs.recorder import Recorder


def event(seq: int, run: str = "r1", at: float = 1.0) -> Event:
    return Event(run, seq, at, Noted(f"entry {seq}"))


def test_events_come_back_as_they_went_in(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.sqlite3"
    failure = Failure("what", "why", ("line\x1b[31m", "‮"), "next")
    entries = [
        Event("r1", 0, 1.5, RunStarted("dev", "b", "h", 'a "title" `x` ${{ y }}', "ada")),
        Event("r1", 1, 2.5, RunFinished(Outcome.ROLLED_BACK, 4, failure)),
    ]
    journal = Journal(path)
    for entry in entries:
        journal.append(entry)
    journal.close()
    again = Journal(path)
    assert again.events("r1") == entries
    assert again.events("unknown") == []
    again.close()


def test_the_folder_is_the_users_alone(tmp_path: Path) -> None:
    Journal(tmp_path / "state" / "j").close()
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_writes_are_durable(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    journal.close()


def test_an_entry_is_never_written_twice(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.append(event(0))
    with pytest.raises(DivergedError, match="run r1 is continued by another process") as caught:
        journal.append(event(0))
    assert caught.value.next == "see `sdt show r1`"
    journal.close()


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    for n, run in enumerate(("a", "b", "c")):
        journal.append(event(0, run, at=float(n)))
        journal.append(event(1, run, at=99.0))
    assert journal.runs() == ["c", "b", "a"]
    assert journal.runs(limit=1) == ["c"]
    journal.close()


def test_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(JournalError, match="newer sdt"):
        Journal(path)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(os.urandom(4096))
    with pytest.raises(JournalError) as caught:
        Journal(path)
    assert "SDT_STATE" in caught.value.next


def test_what_cannot_be_recorded_is_told_to_nobody(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    told: list[Event] = []
    recorder = Recorder("r1", journal, lambda: 1.0, [told.append])
    recorder.emit(Noted("one"))
    journal.close()
    with pytest.raises(JournalError):
        recorder.emit(Noted("two"))
    assert [e.seq for e in told] == [0]


def test_what_comes_after_the_end_is_neither_recorded_nor_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    told: list[Event] = []
    recorder = Recorder("r1", journal, lambda: 1.0, [told.append])
    recorder.emit(RunStarted("dev", "b", "h", "t", "ada"))
    recorder.end(RunFinished(Outcome.SUCCEEDED, 0))
    recorder.emit(Noted("a thread that was late"))
    assert [e.type for e in journal.events("r1")] == [e.type for e in told] == ["run-started", "run-finished"]
    assert recorder.state.outcome is Outcome.SUCCEEDED
    resumed = Recorder("r1", journal, lambda: 2.0, [], journal.events("r1"))
    resumed.emit(Noted("gone on with"))
    assert len(journal.events("r1")) == 3
    journal.close()
