"""What is refused before a run: nothing empty is "the default", and ``--json`` always gets a document."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from sdt_console import events as ev
from sdt_console.cli import running
from sdt_console.model import Request
from sdt_console.pipeline.plan import to_json
from sdt_console.pipeline.single import build_plan
from sdt_console.runs.journal import Journal
from tests.catalogs import OURS, ours
from tests.command import Sdt
from tests.world import World


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("deploy", "user-service", "--tag", ""), "--tag"),
        (("deploy", "user-service", "--tag="), "--tag"),
        (("deploy", "user-service", ""), "SERVICE…"),
        (("deploy", ""), "SERVICE…"),
        (("deploy", "user-service", "--repo", ""), "--repo"),
        (("build", ""), "[SERVICE…]"),
        (("build", "--head", ""), "--head"),
        (("rollback", "user-service", "--to", ""), "--to"),
        (("rollback", "--run", ""), "--run"),
        (("rollback", "--run", "", "user-service"), "--run"),
        (("--ci", "--base", ""), "--base"),
        (("--ci", "--head", ""), "--head"),
        (("--ci", "--repo", ""), "--repo"),
        (("plan", "--base", ""), "--base"),
        (("detect", "--base="), "--base"),
        (("resume", ""), "RUN"),
        (("show", ""), "RUN"),
        (("replay", ""), "RUN"),
        (("apply", ""), "FILE"),
        (("history", "--service", ""), "--service"),
        (("status", ""), "[SERVICE…]"),
        (("health", "--env", ""), "--env"),
    ],
)
def test_nothing_empty_is_the_default(
    sdt: Sdt, journal: Journal, arguments: tuple[str, ...], name: str
) -> None:
    ran = sdt(*arguments)
    assert ran.status == 2
    assert f"Error: {name} is empty" in ran.err
    assert ran.out == ""
    assert journal.runs() == ["cut-off"]


def test_what_only_looks_empty_is_taken(sdt: Sdt, journal: Journal) -> None:
    assert sdt("show", "cut", "--events").status == 0
    assert sdt("history", "--service=", "--json").status == 2
    assert sdt("history", "--json", "--env", "dev").status == 0


BEGUN = ev.RunStarted("production", "b" * 40, "h" * 40, "t", "ada", request={"kind": "build"})
PLAN = {"waves": [["user-service"]], "before": {"user-service": "arn:x:1"}}


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """One run, of production, that was cut off."""
    monkeypatch.chdir(OURS.parent)
    made = Journal(Path(os.environ["SDT_STATE"]) / "journal.sqlite3")
    bodies: list[ev.Body] = [BEGUN, ev.Planned(PLAN)]
    for seq, body in enumerate(bodies):
        made.append(ev.Event("cut-off", seq, 1e9 + seq, body))
    yield made
    made.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ("build", "user-service", "--env", "production"),
        ("build", "--env", "production"),
        ("deploy", "user-service", "--env", "production"),
        ("rollback", "user-service", "--env", "production"),
        ("rollback", "--run", "cut-off"),
        ("resume", "cut-off"),
        ("resume", "cut"),
    ],
)
def test_a_protected_environment_is_asked_for_twice(
    sdt: Sdt, journal: Journal, arguments: tuple[str, ...]
) -> None:
    ran = sdt(*arguments)
    assert ran.status == 2
    assert "production is protected" in ran.err
    assert "--yes" in ran.err
    assert len(journal.events("cut-off")) == 2
    assert "production is protected" not in sdt(*arguments, "--yes").err


def test_a_plan_that_only_builds_is_asked_for_twice_as_well(
    sdt: Sdt, journal: Journal, tmp_path: Path
) -> None:
    name = "user-service"
    images = {name: f"127.0.0.1:5000/sdt/production/{name}:{'a' * 40}"}
    plan = build_plan(ours(), "production", Request("build", services=(name,)), images, "a" * 40)
    (tmp_path / "plan.json").write_text(json.dumps(to_json(plan)))
    ran = sdt("apply", tmp_path / "plan.json")
    assert ran.status == 2
    assert "production is protected" in ran.err


@pytest.mark.parametrize(
    ("arguments", "status", "what"),
    [
        (("resume", "cut-off"), 2, "production is protected"),
        (("resume", "cut-off", "--yes", "--read-only"), 2, "a run refused"),
        (("resume", "cut-off", "--yes"), 2, "the plan of run cut-off is not a plan of this version"),
        (("deploy", "--json=1"), 2, "Option '--json' does not take a value."),
        (("detct",), 2, "No such command 'detct'; did you mean detect?"),
        (("history", "--limit", "x"), 2, "Invalid value for '--limit'"),
        (("show", ""), 2, "RUN is empty"),
        (("show", "nosuch"), 2, "no run 'nosuch'"),
        (("history", "--service", "task-servise"), 2, "no service 'task-servise'"),
        (("history", "--env", "prodcution"), 2, "no environment 'prodcution'"),
        (("status", "--env", "dev"), 3, "no AWS credentials"),
    ],
)
def test_with_json_every_refusal_is_a_document(
    sdt: Sdt, journal: Journal, arguments: tuple[str, ...], status: int, what: str
) -> None:
    for given in ((*arguments, "--json"), ("--json", *arguments)):
        ran = sdt(*given)
        assert ran.status == status, ran.err
        made = ran.json
        assert set(made) == {"version", "error", "exit_code"}
        assert (made["version"], made["exit_code"]) == (1, status)
        assert set(made["error"]) == {"what", "cause", "evidence", "next"}
        assert what in made["error"]["what"]
        assert what in ran.err
    assert sdt(*arguments).out == ""


def test_what_stands_behind_the_dashes_is_not_an_option(sdt: Sdt, journal: Journal) -> None:
    ran = sdt("show", "--", "--json")
    assert (ran.status, ran.out) == (2, "")


def test_history_names_the_nearest_and_keeps_to_the_journal_without_a_catalog(
    sdt: Sdt, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "did you mean task-service?" in sdt("history", "--service", "task-servise").err
    assert "did you mean production?" in sdt("history", "--env", "prodcution").err
    assert sdt("history", "--service", "task-service").status == 0
    monkeypatch.chdir(tmp_path)
    for options in (("--service", "nosuch"), ("--env", "nosuch")):
        ran = sdt("history", *options)
        assert (ran.status, ran.out) == (0, "")
        assert "no such run" in ran.err


def test_ctrl_c_before_there_is_a_run_is_no_traceback() -> None:
    async def planning() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(30)

    with pytest.raises(click.Abort):
        asyncio.run(running._until_stopped(planning(), lambda: None))


def test_a_run_that_cancels_itself_is_a_defect() -> None:
    async def planning() -> None:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="nobody asked"):
        asyncio.run(running._until_stopped(planning(), lambda: None))


# The answer to the first call never comes: sdt is stopped while it waits for it.
WAITS = """
import os, signal, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
class Silent(BaseHTTPRequestHandler):
    def do_POST(self):
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.5)
        self.send_response(400); self.end_headers(); self.wfile.write(b"{}")
    def log_message(self, *args): pass
server = HTTPServer(("127.0.0.1", 0), Silent)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "AWS_ACCESS_KEY_ID": "x",
               "AWS_SECRET_ACCESS_KEY": "x"}
from sdt_console.cli.main import run
sys.exit(run(["deploy", "user-service", "--env", "dev", "--tag", "x", "--json"]))
"""


def test_ctrl_c_while_it_plans_is_told_in_one_word() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WAITS],
        cwd=OURS.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr.splitlines()[-1] == "interrupted"
    assert "Traceback" not in done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    assert (made["error"]["what"], made["exit_code"]) == ("interrupted", 130)


def test_builds_hold_what_they_build(sdt: Sdt, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDT_STATE", str(world.state))
    from sdt_console.process import this_process

    engine = world.engine()
    engine.leases.acquire(["dev/task-service"], this_process("ann", "feed"), engine.clock.now() + 1e9, 60)
    engine.close()
    arguments = (
        "build",
        "task-service",
        "--repo",
        world.backend.path,
        "--builder",
        "sandbox",
        "--env",
        "dev",
    )
    ran = sdt(*arguments, "--json", "--catalog", OURS)
    assert ran.status == 6, ran.err
    assert ran.json["failure"]["what"] == "dev/task-service is held by another run"
