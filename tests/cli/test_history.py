"""``sdt history`` and ``sdt show`` after real runs; and a run that is stopped in its middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

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
    lines = sdt("history").out.splitlines()
    assert lines[0].split() == ["RUN", "WHEN", "ENVIRONMENT", "OUTCOME", "TIME", "SERVICES"]
    assert lines[2].startswith(failed.run)
    assert lines[2].endswith("task-service")
    shown = sdt("show", failed.run[:5])
    assert shown.status == 0
    assert "what  task-service did not come up" in shown.out
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("at", "left"),
    [
        ("  detect ", "nothing was changed; run again"),
        ("  gate ", "no service was updated; run again"),
        ("rolling out", "look at task-service: updated, and not judged; then run again"),
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
    assert made["failure"]["next"] in (left, "no service was updated; run again")
    assert "Traceback" not in err
    assert list(tmp_path.glob("sdt-*")) == []
