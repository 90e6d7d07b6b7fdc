"""``sdt history`` and ``sdt show`` after real runs; and a run that is stopped in its middle."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sdt_console import events as ev
from sdt_console.model import Outcome
from sdt_console.runs.journal import Journal
from tests.catalogs import OURS
from tests.command import Sdt
from tests.world import World


def test_runs_are_listed_and_shown(sdt: Sdt, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDT_STATE", str(world.state))
    world.sandbox.scenarios.on("image-missing:task-service")
    failed = world.run()
    world.sandbox.scenarios.off("image-missing:task-service")
    nothing = world.run("HEAD", "HEAD")
    listed = sdt("history", "--json").json
    assert [(run["run"], run["outcome"]) for run in listed] == [
        (nothing.run, "nothing-to-do"),
        (failed.run, "rolled-back"),
    ]
    told = sdt("history")
    lines = told.out.splitlines()
    assert lines[0].split() == ["RUN", "WHEN", "ENV", "OUTCOME", "TIME", "SERVICES", "ABOUT"]
    assert lines[2].startswith(failed.run)
    assert "↩ rolled-back" in lines[2]
    assert "task-service  List overdue tasks (#812)" in lines[2]
    # a run that had nothing to do says nothing about success
    assert told.err == "2 runs: 1 nothing-to-do, 1 rolled-back; success rate 0 % (0 of 1)\n"
    shown = sdt("show", failed.run[:5])
    assert shown.status == 0
    assert "what  task-service did not come up" in shown.out
    assert re.search(r"task-service ✖ +↩ rolled-back +1 ← 2", shown.out)
    document = sdt("show", failed.run, "--json").json
    assert document["services"][0]["failure"]["what"] == "task-service did not come up"
    events = [json.loads(line) for line in sdt("show", failed.run, "--events").out.splitlines()]
    assert [e["seq"] for e in events] == list(range(len(events)))
    assert (events[0]["type"], events[-1]["type"]) == ("run-started", "run-finished")


def test_no_run_and_an_unknown_one_are_told(sdt: Sdt) -> None:
    empty = sdt("history")
    assert (empty.status, empty.out) == (0, "")
    assert "no run yet" in empty.err
    assert sdt("history", "--json").json == []
    unknown = sdt("show", "7f3a")
    assert unknown.status == 2
    assert "no run '7f3a'" in unknown.err
    assert "sdt history" in unknown.err


BEGUN = ev.RunStarted("dev", "b" * 40, "h" * 40, "a \x1b[31mtitle\n[/x] " + "x" * 90, "ada")
WHOLE: list[ev.Body] = [
    BEGUN,
    ev.StageStarted("deploy"),
    ev.Planned({"waves": [["user-service"], ["task-service", "web"]], "before": {}}),
    ev.StepStarted("deploy", "user-service"),
    ev.StepProgressed("deploy", "user-service", "rolling out 1/2", 1, 2),
    ev.StepFinished("deploy", "user-service", Outcome.SUCCEEDED),
    ev.StageFinished("deploy", Outcome.SUCCEEDED),
    ev.RunFinished(Outcome.SUCCEEDED, 0),
]


@pytest.fixture
def journal() -> Iterator[Journal]:
    """Three runs: one of dev, one of prod with an event of a newer sdt, and one that was cut off."""
    made = Journal(Path(os.environ["SDT_STATE"]) / "journal.sqlite3")
    newer = [replace(BEGUN, environment="prod"), ev.Unknown("gate-asked", {"gate": "x"}), *WHOLE[1:]]
    for number, bodies in enumerate((WHOLE, newer, WHOLE[:5]), 1):
        for seq, body in enumerate(bodies):
            made.append(ev.Event(f"run{number}", seq, 1e9 + number * 1000 + seq, body))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        ((), ["run3", "run2", "run1"]),
        (("--env", "prod"), ["run2"]),
        (("--service", "task-service"), ["run3", "run2", "run1"]),
        (("--outcome", "failed", "--service", "task-service"), []),
        (("--outcome", "unfinished"), ["run3"]),
        (("--outcome", "succeeded", "--env", "dev", "--service", "web"), ["run1"]),
        (("--limit", "1"), ["run3"]),
    ],
)
def test_the_list_is_narrowed(sdt: Sdt, journal: Journal, options: tuple[str, ...], runs: list[str]) -> None:
    told = sdt("history", *options)
    assert [line.split()[0] for line in told.out.splitlines()[1:]] == runs
    assert ("no such run" in told.err) == (not runs)
    assert [run["run"] for run in sdt("history", *options, "--json").json] == runs


@pytest.mark.parametrize("width", [80, 120, 200])
def test_every_run_is_one_line_that_fits(
    sdt: Sdt, journal: Journal, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    told = sdt("history")
    lines = told.out.splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= width
    assert "\x1b" not in told.out
    assert "◐ unfinished" in lines[1]
    assert "user-service" in lines[3]
    assert ("a \\x1b[31mtitle\\n[/x]" in lines[3]) == (width >= 100)
    assert told.err == "3 runs: 2 succeeded, 1 unfinished; success rate 100 % (2 of 2)\n"


def test_show_says_where_an_unfinished_run_stands(sdt: Sdt, journal: Journal) -> None:
    told = sdt("show", "run3").out
    assert "◐ unfinished  run run3  dev" in told
    assert "stands  in deploy, last heard of 4.0 s after it began" in told
    assert "deploy user-service: rolling out 1/2" in told
    assert "`sdt resume run3`" in told
    assert "not deployed: user-service, task-service, web" in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("at", "left"),
    [
        ("  detect ", "nothing was changed; run again"),
        ("  gate ", "no service was updated; `sdt resume RUN` goes on"),
        ("rolling out", "look at task-service: updated, and not judged; `sdt resume RUN` goes on"),
    ],
)
def test_a_run_that_is_stopped_says_so_and_what_it_left(
    tmp_path: Path, number: signal.Signals, at: str, left: str
) -> None:
    environment = os.environ | {"SDT_STATE": str(tmp_path / "state"), "TMPDIR": str(tmp_path)}
    arguments = [
        "--ci",
        "--sandbox",
        "--builder",
        "sandbox",
        "--json",
        "--scenario",
        "slow-start:task-service",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "sdt_console", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=OURS.parent,
        env=environment,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if at in line:
            process.send_signal(number)
            break
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    made = json.loads(out)
    assert (made["outcome"], made["exit_code"]) == ("interrupted", 130)
    # the signal may arrive a stage later than it was sent
    told = made["failure"]["next"].replace(made["run"], "RUN")
    assert told in (left, "no service was updated; `sdt resume RUN` goes on")
    assert "Traceback" not in err
    assert list(tmp_path.glob("sdt-*")) == []
