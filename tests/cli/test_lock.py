"""``sdt lock`` and ``sdt lock break``: on this machine's leases, and on those that all share."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdt_console.errors import LeaseLostError
from sdt_console.model import Hold
from sdt_console.runs.lease import SqliteLeases
from tests.catalogs import OURS, SMALL
from tests.command import Sdt
from tests.leases import ADA, BOB, A, B, C

BREAK = ("lock", "break", A, "--reason", "the runner is gone")


@pytest.fixture
def leases() -> Iterator[SqliteLeases]:
    """This machine's, as ``sdt`` itself opens them."""
    made = SqliteLeases(Path(os.environ["SDT_STATE"]) / "leases.sqlite3")
    yield made
    made.close()


@pytest.fixture
def held(leases: SqliteLeases) -> Hold:
    return leases.acquire([A], ADA, time.time(), 60).holds[0]


def test_nothing_held_is_told(sdt: Sdt) -> None:
    ran = sdt("lock")
    assert (ran.status, ran.out, ran.err) == (0, "", "nothing is held\n")
    assert sdt("lock", "--json").json == {"version": 1, "locks": [], "broken": []}


def test_who_holds_what_is_listed(sdt: Sdt, leases: SqliteLeases, held: Hold) -> None:
    leases.acquire([B], BOB, time.time() - 100, 60)
    lines = sdt("lock").out.splitlines()
    assert lines[0].split() == ["SERVICE", "OWNER", "HOST", "RUN", "SINCE", "EXPIRES", "URL"]
    assert lines[1].split()[:4] == [A, "ada", "build-7", "run-a"]
    assert lines[1].endswith("https://ci.example/1")
    assert lines[2].split()[:4] == [B, "bob", "laptop", "run-b"]
    assert lines[2].endswith("expired")
    first, second = sdt("lock", "--json").json["locks"]
    assert first == {
        "key": A,
        "owner": "ada",
        "host": "build-7",
        "pid": 11,
        "run": "run-a",
        "url": "https://ci.example/1",
        "since": held.since,
        "heartbeat": held.heartbeat,
        "expires": held.expires,
        "fencing": 1,
        "expired": False,
    }
    assert second["expired"] is True
    assert "token" not in first  # whoever has it may release


def test_of_one_environment_or_of_all(sdt: Sdt, leases: SqliteLeases) -> None:
    assert sdt("lock", "--env", "prod").status == 2
    leases.acquire([A, C], ADA, time.time(), 60)
    listed = {env: sdt("lock", "--json", *env).json["locks"] for env in ((), ("--env", "production"))}
    assert [lock["key"] for lock in listed[()]] == [A, C]
    assert [lock["key"] for lock in listed["--env", "production"]] == [C]


def test_a_broken_lock_is_recorded_and_told_to_its_loser(
    sdt: Sdt, leases: SqliteLeases, held: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "eve")
    ran = sdt(*BREAK, "--yes", "--json")
    assert ran.status == 0, ran.err
    assert ran.json["broken"] == [
        {
            "key": A,
            "run": "run-a",
            "owner": "ada",
            "by": "eve",
            "reason": "the runner is gone",
            "at": ran.json["broken"][0]["at"],
        }
    ]
    assert f"{A}: eve took it from run run-a of ada at 20" in ran.err
    with pytest.raises(LeaseLostError, match=r"eve broke it at .*: the runner is gone"):
        leases.renew([held], time.time(), 60)
    assert "the runner is gone" in sdt("lock").err
    (entry,) = sdt("lock", "--json").json["broken"]
    assert (entry["by"], entry["reason"], entry["run"]) == ("eve", "the runner is gone", "run-a")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (BREAK, "there is no terminal to ask in"),
        ((*BREAK, "--yes", "--read-only"), "this session is read-only"),
        (("lock", "break", A, "--yes"), "Missing option '--reason'"),
        (("lock", "break", A, "--reason", " ", "--yes"), "the reason is empty"),
        (("lock", "break", B, "--reason", "x", "--yes"), f"held: {A}"),
        (("lock", "break", "config", "--reason", "x", "--yes"), "is not ENV/SERVICE"),
    ],
)
def test_what_is_not_meant_or_not_possible_changes_nothing(
    sdt: Sdt, leases: SqliteLeases, held: Hold, arguments: tuple[str, ...], says: str
) -> None:
    ran = sdt(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert leases.holds() == (held,)
    assert leases.broken() == ()


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 2)])
def test_in_a_terminal_it_asks(leases: SqliteLeases, held: Hold, answer: str, status: int) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sdt_console", *BREAK],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=OURS.parent,
    )
    os.close(slave)
    os.write(master, f"{answer}\n".encode())
    out, err = process.communicate(timeout=60)
    os.close(master)
    assert process.returncode == status, err
    assert out == ""
    assert f"ada on build-7 has {A} since 20" in err
    assert (leases.holds() == ()) == (status == 0)


def test_what_others_wrote_is_shown_and_not_obeyed(sdt: Sdt, leases: SqliteLeases) -> None:
    odd = ADA.__class__("a\x1b[31mda", "h\nost", 1, "r", "[b]x[/b]", "elsewhere")
    leases.acquire([A], odd, time.time(), 60)
    out = sdt("lock").out
    assert "a\\x1b[31mda" in out
    assert "h\\nost" in out
    assert "[b]x[/b]" in out
    assert "\x1b" not in out


def test_shared_leases_are_those_of_the_catalogs_table(sdt: Sdt, tmp_path: Path) -> None:
    """The sandbox has the table that the catalog names, and it is empty; this machine's are not looked at."""
    SqliteLeases(Path(os.environ["SDT_STATE"]) / "leases.sqlite3").acquire([A], ADA, time.time(), 60)
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(SMALL.replace("[source]", '[store]\ntable = "sdt-runs"\n\n[source]', 1))
    ran = sdt("lock", "--sandbox", "--catalog", catalog)
    assert (ran.status, ran.out) == (0, ""), ran.err
    assert ran.err.endswith("nothing is held\n")
