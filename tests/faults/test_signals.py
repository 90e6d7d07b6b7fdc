"""Ctrl-C and SIGTERM in the middle of a rollout, on real processes: what is left is told, and resumed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.catalogs import OURS, ROOT
from tests.git import Repo

SDT = (sys.executable, "-m", "sdt_console")
# A rollout of some six seconds, looked at every two: there is a middle to stop in.
SPEED = "15"
ROLLING = re.compile(r"deploy +task-service +rolling out")


@dataclass
class Place:
    """``sdt sandbox`` as a process of its own, and a state folder."""

    told: dict[str, Any]
    state: Path

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, **self.told["environ"], "SDT_STATE": str(self.state)}

    def sdt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SDT, *arguments], cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False,
            timeout=100,
        )  # fmt: skip

    def json(self, *arguments: str) -> Any:
        ran = self.sdt(*arguments, "--json")
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def deploying(self) -> subprocess.Popen[str]:
        """A run of the pipeline, stopped in no way yet, whose rollout has just begun."""
        repo = Repo(Path(self.told["repository"]))
        repo.commit({"skilltracker-services/task-service/change": os.urandom(8).hex()})
        process = subprocess.Popen(
            [*SDT, "--ci", "--json", "--env", "dev", "--repo", str(repo.path), "--base", "HEAD^",
             "--builder", "sandbox", "--skip-gate", "maven", "--skip-gate", "sonarqube"],
            cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if ROLLING.search(line):
                return process
        raise AssertionError(f"it never rolled out, and ended with {process.wait()}")

    def newest(self) -> str:
        return str(self.json("history")[0]["run"])

    def entries(self, run: str) -> list[str]:
        """Types of the run's events, in order."""
        ran = self.sdt("show", run, "--events")
        assert ran.returncode == 0, ran.stderr
        return [json.loads(line)["type"] for line in ran.stdout.splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    process = subprocess.Popen(
        [*SDT, "sandbox", "--json", "--speed", SPEED], cwd=OURS.parent, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield Place(json.loads(process.stdout.readline()), tmp_path / "state")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_once_it_lets_go_in_order_and_can_be_resumed(place: Place, number: signal.Signals) -> None:
    process = place.deploying()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopping at the next safe point; once more leaves at once" in err
    made = json.loads(out)
    assert (made["outcome"], made["exit_code"]) == ("interrupted", 130)
    assert made["failure"]["next"] == (
        f"look at task-service: updated, and not judged; `sdt resume {made['run']}` goes on"
    )
    assert place.entries(made["run"])[-1] == "run-finished"
    assert place.json("lock")["locks"] == []
    again = place.json("resume", made["run"])
    assert (again["run"], again["outcome"]) == (made["run"], "succeeded")
    assert place.json("show", made["run"])["outcome"] == "succeeded"


def test_stopped_twice_it_leaves_as_it_stands_and_can_be_resumed(place: Place) -> None:
    process = place.deploying()
    # Both are there when it looks: the first is not obeyed to its end before the second comes.
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "left at once; see `sdt history`, and `sdt resume RUN`" in err
    assert out == ""
    run = place.newest()
    entries = place.entries(run)
    assert "run-finished" not in entries
    assert entries[-1] in ("step-progressed", "done")  # nothing was waited for, nothing was put in order
    (lock,) = place.json("lock")["locks"]
    assert (lock["key"], lock["run"]) == ("dev/task-service", run)
    again = place.sdt("resume", run, "--json")
    assert again.returncode == 0, again.stderr
    assert re.search(r"dev/task-service was taken over .*its process is gone", again.stderr)
    made = json.loads(again.stdout)
    assert (made["run"], made["outcome"]) == (run, "succeeded")
    assert place.json("lock")["locks"] == []
