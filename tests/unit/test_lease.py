"""Leases in SQLite: the rules, the file, and processes that want the same."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdt_console.errors import StoreError
from sdt_console.runs.lease import Leases, SqliteLeases
from tests.leases import ADA, NOW, A, LeaseRules, assert_fenced, contend

CONTENDER = """
import json, os, sys
from pathlib import Path
from sdt_console.errors import LeaseHeldError
from sdt_console.process import this_process
from sdt_console.runs.lease import SqliteLeases

leases, log = SqliteLeases(Path(sys.argv[1])), Path(sys.argv[2])
me = this_process("me", f"run-{os.getpid()}")
got = 0
sys.stdout.write("ready\\n"); sys.stdout.flush()
sys.stdin.readline()
while got < 40:
    try:
        holds = leases.acquire(["dev/a", "dev/b"], me, 1.0, 60).holds
    except LeaseHeldError:
        continue
    got += 1
    with log.open("a") as file:  # two lines by one process, with nobody's in between
        file.write(json.dumps([os.getpid(), holds[0].fencing]) + "\\n"); file.flush()
        file.write(json.dumps([os.getpid(), holds[1].fencing]) + "\\n"); file.flush()
    leases.release(holds)
"""


class TestSqlite(LeaseRules):
    @pytest.fixture
    def leases(self, tmp_path: Path) -> Iterator[Leases]:
        made = SqliteLeases(tmp_path / "state" / "leases.sqlite3")
        yield made
        made.close()


def test_the_file_is_the_users_alone_and_its_writes_are_durable(tmp_path: Path) -> None:
    leases = SqliteLeases(tmp_path / "state" / "leases.sqlite3")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert leases._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert leases._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    leases.close()


def test_another_session_sees_the_same(tmp_path: Path) -> None:
    one, other = (SqliteLeases(tmp_path / "leases.sqlite3") for _ in range(2))
    held = one.acquire([A], ADA, NOW, 60).holds
    assert other.holds() == held
    one.close()
    other.close()


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    path = tmp_path / "leases.sqlite3"
    path.write_bytes(os.urandom(4096))
    with pytest.raises(StoreError) as caught:
        SqliteLeases(path)
    assert caught.value.exit_code == 3
    assert "SDT_STATE" in caught.value.next
    with pytest.raises(StoreError, match="cannot use the leases"):
        SqliteLeases(path / "below a file")


def test_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "leases.sqlite3"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(StoreError, match="newer sdt"):
        SqliteLeases(path)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_many_contenders_never_hold_a_service_twice(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    path = tmp_path_factory.mktemp("contend") / "leases.sqlite3"
    given = contend(lambda: SqliteLeases(path), contenders=6, rounds=8, seed=seed)
    assert given
    assert_fenced(given)


def test_two_processes_take_turns(tmp_path: Path) -> None:
    log = tmp_path / "log"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CONTENDER, str(tmp_path / "leases.sqlite3"), str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[::2] == lines[1::2]
    assert [fencing for _, fencing in lines[::2]] == list(range(1, 81))
    assert {pid for pid, _ in lines} == {process.pid for process in processes}
