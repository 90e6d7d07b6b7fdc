"""``sdt secrets`` on a whole account: what task definitions name is there, and how old; never a value."""

from __future__ import annotations

from typing import Any

import pytest

from sdt_console.model import SecretSight, SecretState
from sdt_console.watch.secrets import SecretsLook
from tests.catalogs import OURS
from tests.command import Sdt
from tests.world import World

NAME = "sdt/dev/database"
CLUSTER = "sdt-dev-cluster"
DAY = 86400.0


@pytest.fixture
def aimed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("SDT_CATALOG", str(OURS))
    monkeypatch.setenv("COLUMNS", "80")
    return world


def name(world: World, service: str, *sources: str) -> None:
    """Let ``service`` run a revision that names ``sources``."""
    ecs = world.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition=f"sdt-dev-{service}")["taskDefinition"]
    kept = ("family", "taskRoleArn", "executionRoleArn", "networkMode", "cpu", "memory")
    container = definition["containerDefinitions"][0]
    container["secrets"] = [{"name": f"V{n}", "valueFrom": source} for n, source in enumerate(sources)]
    made = ecs.register_task_definition(
        **{key: definition[key] for key in kept},
        requiresCompatibilities=["FARGATE"],
        containerDefinitions=[container],
    )
    ecs.update_service(
        cluster=CLUSTER,
        service=f"sdt-dev-{service}",
        taskDefinition=made["taskDefinition"]["taskDefinitionArn"],
    )


def test_each_secret_is_told_once_with_its_age(sdt: Sdt, aimed: World) -> None:
    found = sdt("secrets", "--json").json
    (secret,) = found["secrets"]
    assert (found["version"], found["environment"], found["services"]) == (1, "dev", 22)
    assert (secret["name"], secret["source"], secret["exists"]) == (NAME, "secrets-manager", True)
    assert (secret["keys"], len(secret["users"])) == (["password"], 19)
    assert secret["age_days"] == 0
    assert secret["rotates"] is False
    assert found["notes"] == []
    told = sdt("secrets")
    lines = told.out.splitlines()
    assert lines[0].split() == ["SECRET", "CHANGED", "ROTATED", "AGE", "NAMED", "BY"]
    assert lines[1].split()[:2] == ["✔", NAME]
    assert "no rotation" in lines[1]
    assert max(map(len, lines)) <= 80


def test_no_value_is_ever_asked_for_or_shown(sdt: Sdt, aimed: World) -> None:
    calls = aimed.sandbox.faults.calls
    calls.clear()
    told = sdt("secrets")
    assert set(calls) <= {
        "DescribeServices",
        "DescribeTaskDefinition",
        "DescribeSecret",
        "DescribeParameters",
    }
    assert calls["DescribeSecret"] == 1
    value = aimed.client("secretsmanager").get_secret_value(SecretId=NAME)["SecretString"]
    assert "sandbox" in value
    assert "sandbox" not in told.out + told.err


def test_what_is_missing_or_being_deleted_is_told_with_who_names_it(sdt: Sdt, aimed: World) -> None:
    manager = aimed.client("secretsmanager")
    gone = "arn:aws:secretsmanager:eu-west-1:962496666337:secret:sdt/dev/gone-AbCdEf"
    there = manager.create_secret(Name="sdt/dev/there", SecretString="x")["ARN"]
    away = "arn:aws:secretsmanager:us-east-1:962496666337:secret:sdt/dev/away-AbCdEf"
    aimed.client("ssm").put_parameter(Name="/sdt/dev/url", Value="u", Type="String")
    name(
        aimed,
        "user-service",
        f"{gone}:key::",
        f"{there}:a:AWSPREVIOUS:",
        away,
        "/sdt/dev/url",
        "/sdt/dev/nothing",
    )
    manager.delete_secret(SecretId=NAME)
    found = {s["name"]: s for s in sdt("secrets", "--json").json["secrets"]}
    assert set(found) == {
        NAME,
        "sdt/dev/gone",
        "sdt/dev/there",
        "sdt/dev/away",
        "/sdt/dev/url",
        "/sdt/dev/nothing",
    }
    told = {key: s["problem"]["what"] for key, s in found.items() if s["problem"]}
    assert told == {
        NAME: f"secret {NAME} is scheduled for deletion",
        "sdt/dev/gone": "no secret sdt/dev/gone",
        "sdt/dev/there": "secret sdt/dev/there has no version AWSPREVIOUS",
        "sdt/dev/away": "sdt/dev/away is in us-east-1 and was not looked at",
        "/sdt/dev/nothing": "no parameter /sdt/dev/nothing",
    }
    assert found["sdt/dev/gone"]["problem"]["cause"].startswith(
        "named by user-service as V0: a new task would"
    )
    assert found["/sdt/dev/url"]["source"] == "parameter-store"
    assert (found["/sdt/dev/url"]["exists"], found["/sdt/dev/url"]["age_days"]) == (True, 0)
    assert found["sdt/dev/away"]["exists"] is None
    picture = sdt("secrets", "user-service").out
    assert "✖ no secret sdt/dev/gone" in picture
    assert "aws secretsmanager create-secret --name sdt/dev/gone" in picture
    assert NAME not in picture  # the revision that runs now does not name it


@pytest.mark.parametrize(
    ("denied", "right"),
    [
        ("DescribeSecret", "secretsmanager:DescribeSecret"),
        ("DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
    ],
)
def test_what_is_denied_is_told_and_the_rest_is_shown(
    sdt: Sdt, aimed: World, denied: str, right: str
) -> None:
    aimed.sandbox.faults.denied = frozenset({denied})
    told = sdt("secrets")
    assert told.status == 0
    assert told.out.count(f"not allowed to call {right}") == 1
    assert "no secret" not in told.out
    assert ("?  sdt/dev/database" in told.out) == (denied == "DescribeSecret")


@pytest.mark.parametrize(
    ("sight", "age"),
    [
        (SecretSight("a", "secrets-manager", ()), None),
        (SecretSight("a", "secrets-manager", (), created_at=1.0), 9.0),
        (SecretSight("a", "secrets-manager", (), created_at=1.0, changed_at=4.0), 6.0),
        (SecretSight("a", "secrets-manager", (), changed_at=9.0, rotated_at=2.0), 8.0),
        (SecretSight("a", "secrets-manager", (), changed_at=11.0), 0.0),
    ],
)
def test_the_age_is_since_the_rotation(sight: SecretSight, age: float | None) -> None:
    assert sight.age(10.0) == age


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ({"rotates": True, "next_rotation_at": 7 * DAY}, "the rotation of s is 3 days overdue"),
        ({"rotates": True, "next_rotation_at": 11 * DAY}, None),
        ({"rotates": False, "next_rotation_at": 7 * DAY}, None),
        ({"rotates": True}, None),
    ],
)
def test_a_rotation_that_does_not_come_is_told(state: dict[str, Any], what: str | None) -> None:
    from sdt_console.named import secret

    ref = secret("V", "arn:aws:secretsmanager:eu-west-1:1:secret:s-AbCdEf")
    seen = SecretState("s", versions=frozenset({"v"}), stages=frozenset({"AWSCURRENT"}), **state)
    problem = SecretsLook._problem([ref], ("a",), seen, 10 * DAY)
    assert (problem.what if problem else None) == what
