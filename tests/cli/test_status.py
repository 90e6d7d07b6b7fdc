"""``sdt status`` as a person and a program see it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from sdt_console.model import Part, ServiceSight, ServiceState, Snapshot
from sdt_console.reports.cells import folded, plain, width
from sdt_console.reports.status import chosen, picture, told
from tests.catalogs import OURS
from tests.command import Sdt
from tests.world import World

CONTRACT = {
    "name", "group", "state", "running", "desired", "rollout", "task_definition", "image", "commit",
    "deployed_at", "health",
}  # fmt: skip


def sight(name: str, state: ServiceState = ServiceState.UP, **more: object) -> ServiceSight:
    given: dict[str, object] = {
        "group": "core",
        "running": 1,
        "desired": 1,
        "rollout": "steady",
        "task_definition": f"arn:aws:ecs:eu-west-1:1:task-definition/{name}:4",
        "tag": "8d2e71b",
        "commit": "8d2e71b",
        "deployed_at": 1_000.0,
    }
    return ServiceSight(name, state=state, **(given | more))  # type: ignore[arg-type]  # a test's table


def snapshot(*sights: ServiceSight, **more: object) -> Snapshot:
    parts = {"services": Part("services", 1_990.0)}
    given: dict[str, object] = {"region": "eu-west-1", "account": "1" * 12, "at": 2_000.0, "parts": parts}
    return Snapshot("dev", "cluster", services={s.name: s for s in sights}, **(given | more))  # type: ignore[arg-type]


def shown(seen: Snapshot, columns: int = 80, **options: object) -> list[str]:
    services = chosen(seen, (), "", "group")
    return [plain(line) for line in picture(seen, services, 2_000.0, columns, **options)]  # type: ignore[arg-type]


def test_the_document(world: World, sdt: Sdt) -> None:
    ran = sdt("status", "--json", "--catalog", OURS)
    assert (ran.status, ran.err) == (0, "")
    found = ran.json
    assert found["version"] == 1
    assert (found["environment"], found["cluster"]) == ("dev", "sdt-dev-cluster")
    assert isinstance(found["at"], float)
    assert [s["name"] for s in found["services"]][:2] == ["config-server", "discovery-server"]
    assert len(found["services"]) == 22
    for service in found["services"]:
        assert service.keys() >= CONTRACT
        assert service["state"] in ("up", "pending")
    user = found["services"][3]
    raw = world.service("user-service")
    assert user["task_definition"] == raw["taskDefinition"]
    assert (user["running"], user["desired"]) == (raw["runningCount"], raw["desiredCount"])
    assert user["image"].endswith(user["commit"])


def test_the_table_fits_eighty_columns_and_health_is_asked_when_wanted(
    world: World, sdt: Sdt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    world.client("ecs").update_service(cluster="sdt-dev-cluster", service="sdt-dev-redis", desiredCount=0)
    world.sandbox.advance(60)
    ran = sdt("status", "--health", "--catalog", OURS)
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert all(width(line) <= 80 for line in lines)
    assert lines[0].startswith("dev  sdt-dev-cluster  eu-west-1")
    assert "17 of 18 up" in lines[0]
    assert re.match(r"✔ up +user-service +1/1 +steady +[0-9a-f]{7} +\d+[smhd] +✔ healthy$", lines[8])
    assert "✖ redis  down" in ran.out
    assert "desired is 0: nothing is meant to run" in ran.out


def test_filters_and_order(world: World, sdt: Sdt) -> None:
    world.client("ecs").update_service(cluster="sdt-dev-cluster", service="sdt-dev-redis", desiredCount=0)
    world.sandbox.advance(60)

    def names(*options: str) -> list[str]:
        return [s["name"] for s in sdt("status", "--json", "--catalog", OURS, *options).json["services"]]

    assert names("--state", "down") == ["redis"]
    assert names("--group", "core") == ["config-server", "discovery-server", "api-gateway"]
    assert names("--sort", "state")[0] == "redis"
    assert names("--sort", "name")[0] == "analytics-service"
    assert names("redis", "user-service") == ["user-service", "redis"]
    assert sdt("status", "nobody", "--catalog", OURS).status == 2


def test_all_environments_the_one_that_fails_is_told(world: World, sdt: Sdt) -> None:
    ran = sdt("status", "--env", "all", "--json", "redis", "--catalog", OURS)
    assert ran.status == 3
    dev, staging, production = ran.json["environments"]
    assert dev["services"][0]["state"] == "up"
    assert staging["error"]["what"] == "no cluster sdt-staging-cluster in eu-west-1"
    assert production["services"] == []
    assert "staging: error: no cluster sdt-staging-cluster" in ran.err


def test_expired_credentials(world: World, sdt: Sdt) -> None:
    world.sandbox.scenarios.on("expired-credentials")
    ran = sdt("status", "--catalog", OURS)
    assert ran.status == 3
    assert ran.err.splitlines()[0] == "error: the AWS credentials have expired"
    assert "next: log in again" in ran.err


@pytest.mark.usefixtures("world")
def test_a_watch_into_a_pipe_is_a_line_a_service_and_ends_with_the_pipe() -> None:
    command = [sys.executable, "-m", "sdt_console", "status", "--watch", "--json", "redis", "--catalog", OURS]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        process.send_signal(2)
        process.communicate(timeout=30)
    assert line["service"]["name"] == "redis"
    assert line["service"]["state"] == "up"
    assert process.returncode == 130


def test_what_is_wrong_stands_below_with_the_next_step() -> None:
    down = sight(
        "task-service",
        ServiceState.DOWN,
        running=0,
        why="its container exited with 1, 4 times",
        next="read its log",
    )
    lines = shown(snapshot(sight("a"), down), groups=("core",))
    assert lines[-3].startswith("✖ task-service  down")
    assert lines[-2:] == ["  why   its container exited with 1, 4 times", "  next  read its log"]


def test_nothing_from_aws_is_obeyed_by_the_terminal() -> None:
    nasty = "\x1b]0;x\x07[red]\u202e"
    seen = snapshot(
        sight("a", ServiceState.DOWN, tag=nasty, commit="", rollout=nasty, why=nasty, subject=nasty),
        unmanaged=(nasty,),
        paused=nasty,
    )
    text = "\n".join(shown(seen, 160)) + told(seen.services["a"])
    assert not any(ord(c) < 32 and c != "\n" for c in text)
    assert "\u202e" not in text
    assert "[red]" in text


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_columns_fall_away_by_priority(columns: int) -> None:
    seen = snapshot(
        sight(
            "recommendation-service",
            subject="Faster task search, and a long story about it",
            health="healthy",
        ),
        sight("世界-service", ServiceState.ROLLING_BACK, rollout="rolling back", why="x " * 200),
    )
    lines = shown(seen, columns)
    assert all(width(line) <= columns for line in lines)
    assert any(line.startswith("✔ up") and "recommendation" in line for line in lines)
    assert ("Faster" in "".join(lines)) == (columns >= 120)


def test_a_low_terminal_counts_what_is_well() -> None:
    many = [sight(f"s{i}") for i in range(40)] + [sight("bad", ServiceState.DEGRADED, why="1 of 2 tasks run")]
    lines = shown(snapshot(*many), height=10)
    assert len(lines) <= 10
    assert "40 more up" in lines
    assert any("bad" in line for line in lines)


def test_ages_and_errors_of_parts_are_told() -> None:
    parts = {
        "services": Part("services", 1_940.0, "ecs:DescribeServices is throttled"),
        "tasks": Part("tasks", 0.0, "not allowed to call ecs:ListTasks"),
    }
    text = "\n".join(shown(snapshot(sight("a"), parts=parts), 120))
    assert "1m old" in text
    assert "services not read: ecs:DescribeServices is throttled (shown as of 1m ago)" in text
    assert "tasks not read: not allowed to call ecs:ListTasks" in text


def test_folding() -> None:
    assert folded("a bb ccc", 4) == ["a bb", "ccc"]
    assert folded("abcdefgh i", 4) == ["abcd", "efgh", "i"]
    assert folded("", 4) == [""]


def test_the_help_shows_an_example(sdt: Sdt) -> None:
    assert "sdt status --watch" in sdt("status", "--help").out
