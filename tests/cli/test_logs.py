"""``sdt logs`` on a whole account: what is printed is what CloudWatch has, and what cannot be is said."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from sdt_console.sandbox import Sandbox
from tests.catalogs import OURS, ours
from tests.command import Ran, Sdt
from tests.world import World

LONG_AGO = "2025-01-01"  # the world's clock stands in the middle of that year
USERS, REDIS = "/ecs/sdt/dev/user-service", "/ecs/sdt/dev/redis"


def stored(group: str) -> list[dict[str, Any]]:
    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event for page in pages for event in page["events"]]


def objects(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(row) for row in ran.out.splitlines()]


def logs(sdt: Sdt, *arguments: object) -> Ran:
    return sdt("logs", *arguments, "--catalog", OURS, "--since", LONG_AGO)


def test_every_event_of_all_services_once_in_the_order_of_time(sdt: Sdt, world: World) -> None:
    ran = logs(sdt, "user-service", "redis", "task-service", "--json")
    found = objects(ran)
    assert ran.status == 0
    assert ran.err == ""
    for name in ("user-service", "redis", "task-service"):
        mine = [line for line in found if line["service"] == name]
        events = stored(f"/ecs/sdt/dev/{name}")
        assert "\n".join(line["message"] for line in mine) == "\n".join(e["message"] for e in events)
        assert sum(line["events"] for line in mine) == len(events) > 20
    assert [line["at"] for line in found] == sorted(line["at"] for line in found)
    assert set(found[0]) == {
        "version", "type", "at", "service", "level", "message", "group", "stream", "task", "id",
        "ingested_at", "events", "continued", "fields",
    }  # fmt: skip
    assert {line["level"] for line in found} >= {"info", "warn", "debug"}


def test_a_crash_is_one_line_with_its_trace(sdt: Sdt, world: World) -> None:
    world.sandbox.scenarios.on("crash-loop:config-server")
    world.client("ecs").update_service(
        cluster="sdt-dev-cluster", service="sdt-dev-config-server", forceNewDeployment=True
    )
    world.sandbox.advance(240)
    ran = logs(sdt, "config-server", "--include", "Application run failed", "--json")
    crash = objects(ran)[0]
    assert crash["events"] == 7
    assert crash["level"] == "error"
    assert crash["message"].endswith("\t... 23 common frames omitted")
    shown = logs(sdt, "config-server", "--include", "Application run failed", "--utc").out.splitlines()
    assert " config-server ERROR " in shown[0]
    assert all("config-server" in row for row in shown)
    assert "\x1b" not in "".join(shown)


def test_levels_expressions_and_times_pick_lines(sdt: Sdt, world: World) -> None:
    everything = objects(logs(sdt, "user-service", "--json"))
    grave = objects(logs(sdt, "user-service", "--json", "--level", "warn"))
    assert grave == [line for line in everything if line["level"] in ("warn", "error", "fatal")]
    some = objects(logs(sdt, "user-service", "--json", "--include", "/42", "--exclude", "history"))
    assert some == [x for x in everything if "/42" in x["message"] and "history" not in x["message"]]
    middle = everything[len(everything) // 2]["at"]
    until = objects(logs(sdt, "user-service", "--json", "--until", middle))
    assert until == [line for line in everything if line["at"] <= middle]
    task = everything[0]["task"]
    assert objects(logs(sdt, "user-service", "--json", "--task", task[:8])) == [
        line for line in everything if line["task"] == task
    ]


def test_what_a_terminal_would_obey_is_shown(sdt: Sdt, world: World) -> None:
    logs_, now = world.client("logs"), int(time.time() * 1000)
    logs_.create_log_stream(logGroupName=USERS, logStreamName="x")
    event = {"timestamp": now, "message": "INFO \x1b]0;owned\x07 \x9b31m ‮ [bold]"}
    logs_.put_log_events(logGroupName=USERS, logStreamName="x", logEvents=[event])
    out = logs(sdt, "user-service").out
    assert "\\x1b]0;owned\\x07 \\x9b31m \\u202e [bold]" in out
    assert "\x1b" not in out


def test_an_unknown_group_is_told_and_the_others_are_shown(sdt: Sdt, world: World) -> None:
    world.client("logs").delete_log_group(logGroupName=USERS)
    ran = logs(sdt, "user-service", "redis")
    assert ran.status == 3
    assert ran.err == f"user-service: the log group {USERS} does not exist\n"
    assert len(ran.out.splitlines()) == len(stored(REDIS))
    alone = logs(sdt, "user-service")
    assert alone.status == 3
    assert "ResourceNotFoundException" in alone.err
    assert "awslogs-group" in alone.err


def test_a_right_that_is_missing_is_named_with_what_works_without(sdt: Sdt, world: World) -> None:
    world.sandbox.faults.denied = frozenset({"FilterLogEvents"})
    ran = logs(sdt, "user-service")
    assert ran.status == 3
    assert "not allowed to call logs:FilterLogEvents" in ran.err
    assert "`sdt health SERVICE` works without it" in ran.err
    world.sandbox.faults.denied = frozenset({"DescribeServices"})
    ran = logs(sdt, "redis")
    assert ran.status == 0
    assert "log groups are named as the catalog says: not allowed to call ecs:DescribeServices" in ran.err
    assert len(ran.out.splitlines()) == len(stored(REDIS))


def test_expired_credentials_are_a_sentence(sdt: Sdt, world: World) -> None:
    world.sandbox.scenarios.on("expired-credentials")
    ran = logs(sdt, "user-service")
    assert (ran.status, ran.out) == (3, "")
    assert "credentials have expired" in ran.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nope"], "no service 'nope'"),
        ([], "no service is named"),
        (["redis", "--all"], "--all names every service"),
        (["redis", "-f", "--until", "1m"], "--until ends what --follow"),
        (["redis", "--include", "a(b"], "at character 2"),
        (["redis", "--exclude", "(a+)+"], "may take for ever"),
        (["redis", "--level", "loud"], "no level 'loud'"),
        (["redis", "--until", "2024-01-01"], "--until is before --since"),
        (["redis", "--until", "soon"], "'soon' is no time"),
        (["redis", "--task", "zzz"], "no task 'zzz'"),
        (["--utc", "archive"], "sdt logs archive …"),
    ],
)
def test_what_makes_no_sense_is_refused(sdt: Sdt, world: World, arguments: list[str], told: str) -> None:
    ran = logs(sdt, *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert told in ran.err


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox on the machine's clock, for commands that follow."""
    with Sandbox.start(ours(), environments=["dev"]) as sandbox:
        for key, value in sandbox.environ.items():
            monkeypatch.setenv(key, value)
        yield sandbox


PENDING, GROUP = "bff-service", "/ecs/sdt/dev/bff-service"  # nobody else writes there


def put(text: str) -> None:
    event = {"timestamp": int(time.time() * 1000), "message": text}
    boto3.client("logs").put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=[event])


def start(*arguments: str) -> subprocess.Popen[str]:
    boto3.client("logs").create_log_stream(logGroupName=GROUP, logStreamName="s")
    put("INFO history")
    process = subprocess.Popen(
        [sys.executable, "-m", "sdt_console", "logs", PENDING, "--catalog", str(OURS), "-f", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=0,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert "INFO history" in line_of(process)
    return process


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], 60)
    assert ready, "nothing came"
    return process.stdout.readline()


@pytest.mark.parametrize("how", ["--no-live", "--live"])
def test_a_follow_prints_what_comes_and_ends_with_130(account: Sandbox, how: str) -> None:
    process = start(how)
    for number in range(3):
        put(f"INFO number {number}")
        assert f"INFO number {number}\n" in line_of(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


def test_a_follow_without_live_tail_says_so_and_goes_on(account: Sandbox) -> None:
    account.faults.denied = frozenset({"StartLiveTail"})
    process = start()
    put("INFO one")
    assert "INFO one\n" in line_of(process)
    assert process.stderr is not None
    told = process.stderr.readline()
    assert "no Live Tail (the right logs:StartLiveTail is missing); searching about once a second" in told
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


def test_a_follow_ends_quietly_when_its_reader_has_gone(account: Sandbox) -> None:
    process = start("--no-live")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(30) == 141
    assert process.stderr is not None
    assert process.stderr.read() == ""
