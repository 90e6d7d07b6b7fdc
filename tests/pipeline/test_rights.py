"""Rights on the sandbox: IAM's simulator asked for all of the table, on the account's own resources."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from botocore.session import get_session

from sdt_console.model import Finding
from sdt_console.pipeline.checks.rights import rights
from sdt_console.pipeline.preflight import inspect
from sdt_console.pipeline.rights import FEATURES
from tests.pipeline.test_preflight import TASK, USER, opened
from tests.world import World

HOME = "eu-west-1:962496666337"
Statement = dict[str, Any]


def simulated(*services: str) -> list[Finding]:
    async def both() -> list[Finding]:
        with opened() as account:
            _, seen = await inspect(account, services or (USER, TASK))
            assert seen is not None
            return await rights(account, services or (USER, TASK), seen)

    return asyncio.run(both())


def become(world: World, monkeypatch: pytest.MonkeyPatch, *statements: Statement) -> None:
    """Go on as a role, in a folder of its own, that has these statements."""
    iam = world.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}],
    }
    role = iam.create_role(RoleName="ci", Path="/deployers/", AssumeRolePolicyDocument=json.dumps(trust))[
        "Role"
    ]
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_role_policy(RoleName="ci", PolicyName="own", PolicyDocument=json.dumps(policy))
    given = world.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="run")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])


def allow(*actions: str, on: Any = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


READ = allow(
    "ecs:Describe*",
    "ecs:List*",
    "ecr:*",
    "elasticloadbalancing:Describe*",
    "logs:*",
    "ssm:*",
    "secretsmanager:*",
)


def test_who_may_do_everything_lacks_nothing(world: World) -> None:
    (found,) = simulated()
    assert found.severity == "ok"
    assert found.what.startswith("arn:aws:iam::962496666337:user/sandbox has the ")


def test_what_a_role_lacks_is_told_feature_by_feature(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    become(world, monkeypatch, READ)

    found = simulated()
    assert [(f.severity, f.what) for f in found] == [
        (
            "error",
            "deploy does not work without ecs:RegisterTaskDefinition, ecs:TagResource, ecs:UpdateService, "
            "ecs:StopServiceDeployment, iam:PassRole",
        ),
        ("error", "rollback does not work without ecs:UpdateService"),
    ]
    assert found[0].next == "have them granted to arn:aws:iam::962496666337:role/deployers/ci"


def test_rights_are_asked_for_on_the_resources_of_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rights on one service are enough for that one, and not for another."""
    service = f"arn:aws:ecs:{HOME}:service/sdt-dev-cluster/sdt-dev-{USER}"
    become(
        world,
        monkeypatch,
        READ,
        allow("ecs:UpdateService", on=service),
        allow(
            "ecs:RegisterTaskDefinition",
            "ecs:TagResource",
            on=f"arn:aws:ecs:{HOME}:task-definition/sdt-dev-*:*",
        ),
        allow("ecs:StopServiceDeployment", on=f"arn:aws:ecs:{HOME}:service-deployment/sdt-dev-cluster/*"),
        allow(
            "iam:PassRole",
            on="arn:aws:iam::962496666337:role/sdt-dev-*",
            Condition={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
    )

    assert [f.severity for f in simulated(USER)] == ["ok"]
    assert [f.what for f in simulated(USER, TASK)] == [
        "deploy does not work without ecs:UpdateService",
        "rollback does not work without ecs:UpdateService",
    ]


def test_a_condition_that_a_simulation_cannot_know_is_not_called_denied(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    condition = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    become(world, monkeypatch, READ, allow("ecs:*", "iam:PassRole", Condition=condition))

    found = simulated()
    assert {f.severity for f in found} == {"warning"}
    assert found[0].what == "deploy needs ecs:RegisterTaskDefinition, which is allowed on a condition only"
    assert found[0].cause == "a simulation does not know aws:SourceVpc"


def test_what_cannot_be_simulated_is_never_green(world: World) -> None:
    world.sandbox.faults.denied = frozenset({"SimulatePrincipalPolicy"})

    (found,) = simulated()
    assert (found.severity, found.where) == ("warning", "rights")
    assert found.what == "rights could not be simulated: what is not told here may still be refused"
    assert "iam:SimulatePrincipalPolicy" in found.cause


def test_every_action_in_the_table_is_a_call_of_that_service() -> None:
    """Against the SDK's own models; what IAM has and the API has not is named here."""
    session = get_session()
    names = {"elasticloadbalancing": "elbv2"}
    beyond_the_api = {"iam:PassRole"}
    known = {
        prefix: set(session.get_service_model(names.get(prefix, prefix)).operation_names)
        for prefix in {right.action.partition(":")[0] for feature in FEATURES for right in feature.rights}
    }
    wrong = {
        right.action
        for feature in FEATURES
        for right in feature.rights
        if right.action.partition(":")[2] not in known[right.action.partition(":")[0]]
    }
    assert wrong == beyond_the_api
