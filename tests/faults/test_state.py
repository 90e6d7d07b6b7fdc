"""The state folder cannot be written, or not any more: nothing is changed that could not be recorded."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sdt_console.events import Body, Event, Intended, Planned, RunFinished, StageFinished
from sdt_console.model import Outcome, RunState
from sdt_console.pipeline.change import REGISTER, UPDATE
from sdt_console.runs.journal import Journal
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.repository import generate
from tests.catalogs import OURS, ROOT, ours
from tests.faults.test_trouble import MOMENTS, Moment, announced, mended
from tests.world import SKIP, World

NAME = "task-service"
READS = ("Describe", "List", "Get", "BatchGet", "BatchCheck", "Simulate", "Filter")
GATES = ("--skip-gate", "maven", "--skip-gate", "sonarqube")


def written(sandbox: Sandbox) -> dict[str, int]:
    """How often each call that changes something came."""
    return {name: count for name, count in sandbox.faults.calls.items() if not name.startswith(READS)}


def a_file(state: Path) -> None:
    state.write_text("a file where the folder should be")


def under_a_file(state: Path) -> None:
    state.parent.rmdir()
    state.parent.write_text("a file where the folder's parent should be")


def no_database(state: Path) -> None:
    state.mkdir()
    (state / "journal.sqlite3").write_bytes(b"not a database, and long enough to be told from one" * 100)


def a_folder(state: Path) -> None:
    (state / "journal.sqlite3").mkdir(parents=True)


def no_leases(state: Path) -> None:
    state.mkdir()
    (state / "leases.sqlite3").write_bytes(b"not a database, and long enough to be told from one" * 100)


def from_the_future(state: Path) -> None:
    state.mkdir()
    Journal(state / "journal.sqlite3")._db.execute("PRAGMA user_version=7")


def missing(state: Path) -> None:
    pass


def read_only(state: Path) -> None:
    state.mkdir()
    Journal(state / "journal.sqlite3").close()
    for file in state.iterdir():
        file.chmod(0o400)
    state.chmod(0o500)


@pytest.mark.parametrize(
    ("trouble", "how", "told"),
    [
        (a_file, "", "cannot open the journal"),
        (under_a_file, "", "cannot open the journal"),
        (no_database, "", "file is not a database"),
        (a_folder, "", "cannot open the journal"),
        (no_leases, "", "cannot use the leases"),
        (from_the_future, "", "was written by a newer sdt"),
        (read_only, "weak", "cannot open the journal"),
        (missing, "full", "cannot open the journal"),
    ],
)
def test_a_state_that_cannot_be_written_is_refused_before_any_change(
    world: World, tmp_path: Path, trouble: Callable[[Path], None], how: str, told: str
) -> None:
    state = tmp_path / "there" / "state"
    state.parent.mkdir()
    trouble(state)
    before = world.service(NAME)
    world.sandbox.faults.calls.clear()
    ran = sdt(how, "--ci", "--repo", str(world.backend.path), *GATES, state=state)
    if state.is_dir():
        state.chmod(0o700)
    assert ran.returncode == 3, ran.stderr
    assert told in ran.stderr + ran.stdout
    assert re.search(
        r"next:? +(free space or correct the folder's rights|update sdt)", ran.stderr + ran.stdout
    )
    assert "Traceback" not in ran.stderr
    assert written(world.sandbox) == {}
    assert world.service(NAME) == before


def sdt(how: str, *arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    """``sdt``, hindered as :mod:`tests.faults.hindered` says."""
    program = ["tests.faults.hindered", how] if how else ["sdt_console"]
    return subprocess.run(
        [sys.executable, "-m", *program, *arguments, "--catalog", str(OURS), "--env", "dev",
         "--builder", "sandbox"],
        cwd=ROOT, env=os.environ | {"SDT_STATE": str(state)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


class Fill:
    """From a moment on the journal's file cannot be written."""

    def __init__(self, journal: Journal, at: Moment) -> None:
        self._journal = journal
        self._at = at
        self.seq = -1

    def __call__(self, event: Event) -> None:
        if self.seq < 0 and self._at(event.body):
            self.seq = event.seq
            self._journal._db.execute("PRAGMA query_only = ON")


def run(world: World, at: Moment | None = None, resume: str = "") -> tuple[RunState, int]:
    """A run, or the rest of one; and the last entry that could be recorded."""
    engine = world.engine()
    assert isinstance(engine.journal, Journal)
    fill = Fill(engine.journal, at or (lambda _: False))
    told: list[Callable[[Event], None]] = [world.events.append, fill]
    try:
        if resume:
            return asyncio.run(engine.resume(resume, subscribers=told)), fill.seq
        return asyncio.run(engine.run(skip_gates=SKIP, subscribers=told)), fill.seq
    finally:
        engine.close()


def recorded(world: World, name: str) -> list[Event]:
    journal = Journal(world.state / "journal.sqlite3")
    try:
        return journal.events(name)
    finally:
        journal.close()


def healthy(body: Body) -> bool:
    return isinstance(body, StageFinished) and body.stage == "health"


AT: dict[str, tuple[Moment, int, int]] = {
    "planned": (lambda body: isinstance(body, Planned), 0, 0),
    "build": (announced("build", "build"), 0, 0),
    "push": (announced("push", "push"), 0, 0),
    "register": (announced(REGISTER), 1, 0),
    "update": (announced(UPDATE), 1, 1),
    "rolling": (MOMENTS["rolling"], 1, 1),
    "rolled-out": (MOMENTS["rolled-out"], 1, 1),
    "healthy": (healthy, 1, 1),
}
"""Moment → how often a revision is registered, and how often the service updated, by then: what is announced
is recorded, and so it is done."""


@pytest.mark.parametrize("moment", AT)
def test_a_journal_that_fails_in_mid_run_stops_every_change_after_it(world: World, moment: str) -> None:
    at, registered, updated = AT[moment]
    before = world.service(NAME)["taskDefinition"]
    world.sandbox.faults.calls.clear()
    state, last = run(world, at)
    assert (state.outcome, state.exit_code) == (Outcome.FAILED, 3)
    assert state.failure is not None
    assert state.failure.what == f"cannot write the journal {world.state / 'journal.sqlite3'}"
    assert state.failure.cause == "attempt to write a readonly database"
    assert state.failure.next.startswith("free space or correct the folder's rights")
    assert (f"`sdt resume {state.run}`" in state.failure.next) == (moment != "planned")
    calls = written(world.sandbox)
    assert [calls.get(call, 0) for call in ("RegisterTaskDefinition", "UpdateService")] == [
        registered,
        updated,
    ]
    left = f"ECS goes on unattended with {NAME}: updated, and not judged"
    assert (left in state.failure.next) == bool(updated and moment != "healthy")
    entries = recorded(world, state.run)
    assert entries[-1].seq == last  # not one more, though the journal could be read all the time
    assert isinstance(
        world.events[-1].body, RunFinished
    )  # told to whoever listens, for CI, Slack and the screen
    again, _ = run(world, resume=state.run)
    assert (again.outcome, again.exit_code) == (Outcome.SUCCEEDED, 0), again.failure
    entries = recorded(world, state.run)
    assert [e.seq for e in entries] == list(range(len(entries)))
    assert sum(isinstance(e.body, Intended) and e.body.action == REGISTER for e in entries) == 1
    calls = written(world.sandbox)
    assert [calls.get(call, 0) for call in ("RegisterTaskDefinition", "UpdateService")] == [1, 1]
    assert mended(world)["taskDefinition"] == again.services[0].task_definition != before


def test_side_by_side_all_rollouts_are_left_at_once(world: World) -> None:
    """Those whose entries could not be recorded are not followed to an end that nobody would know."""
    names = ("task-service", "user-service", "search-service")
    world.repo.commit({f"skilltracker-services/{name}/x": "x" for name in names})
    count = 0

    def third(body: Body) -> bool:
        nonlocal count
        count += MOMENTS["updated"](body)
        return count == len(names)

    state, _ = run(world, third)
    assert state.exit_code == 3
    assert state.failure is not None
    for name in names:
        assert name in state.failure.next.partition("unattended with")[2]
    again, _ = run(world, resume=state.run)
    assert {s.name: s.outcome for s in again.services} == dict.fromkeys(names, Outcome.SUCCEEDED)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[tuple[Sandbox, Path, dict[str, str]]]:
    """A sandbox in real time, a repository, and what points there."""
    backend = generate(tmp_path / "backend", ours())
    with Sandbox.start(ours(), speed=1200, environments=["dev"], commit=backend.base) as sandbox:
        yield sandbox, backend.path, dict(sandbox.environ)


def test_a_disk_that_gets_full_in_mid_rollout_is_told_and_resumed(
    account: tuple[Sandbox, Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, repo, environ = account
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    state = tmp_path / "state"
    ran = sdt(f"full:intended:{UPDATE}", "--ci", "--json", "--repo", str(repo), *GATES, state=state)
    assert ran.returncode == 3, ran.stderr
    made: dict[str, Any] = json.loads(ran.stdout)
    assert made["outcome"] == "failed"
    told = made["failure"]
    assert told["what"].startswith("cannot write the journal")
    assert told["cause"] in ("disk I/O error", "database or disk is full")
    assert f"`sdt resume {made['run']}`" in told["next"]
    assert f"unattended with {NAME}: updated, and not judged" in told["next"]
    assert "Traceback" not in ran.stderr
    assert written(sandbox)["UpdateService"] == 1
    again = sdt("", "resume", made["run"], "--json", state=state)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["outcome"] == "succeeded"
    calls = written(sandbox)
    assert (calls["RegisterTaskDefinition"], calls["UpdateService"]) == (1, 1)
