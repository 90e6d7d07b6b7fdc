"""What preflight says of services, credentials and task definitions that the sandbox does not make."""

from __future__ import annotations

from typing import Any

import pytest

from sdt_console.errors import CloudError
from sdt_console.model import Finding, Validity
from sdt_console.named import log_groups, secret
from sdt_console.outside import Outside
from sdt_console.pipeline.checks import credentials, service, task
from sdt_console.pipeline.checks.account import Account
from sdt_console.pipeline.checks.look import Seen
from sdt_console.settings import Settings, SystemClock
from tests.catalogs import ours

SECRET = "arn:aws:secretsmanager:eu-west-1:962496666337:secret:sdt/dev/db-AbCdEf"
RUNS = {"status": "ACTIVE", "desiredCount": 1, "runningCount": 1}


@pytest.fixture
def account() -> Account:
    """Nothing is asked of its clients here."""
    out = Outside(Settings(), "eu-west-1")
    return Account(
        ours(), "dev", SystemClock(), out.ecs, out.ecr, out.identity, out.secrets, out.logs, out.balancers
    )


@pytest.mark.parametrize(
    ("raw", "severity", "what"),
    [
        (RUNS, None, ""),
        (RUNS | {"deploymentConfiguration": {"strategy": "ROLLING"}}, None, ""),
        (
            RUNS | {"deploymentController": {"type": "CODE_DEPLOY"}},
            "error",
            "deployment controller CODE_DEPLOY",
        ),
        (RUNS | {"deploymentController": {"type": "EXTERNAL"}}, "error", "deployment controller EXTERNAL"),
        (RUNS | {"deploymentConfiguration": {"strategy": "BLUE_GREEN"}}, "error", "is deployed BLUE_GREEN"),
        (RUNS | {"status": "DRAINING"}, "error", "no service sdt-dev-user-service in sdt-dev-cluster"),
        (None, "error", "no service sdt-dev-user-service in sdt-dev-cluster"),
        ({"status": "ACTIVE"}, "warning", "is scaled to 0"),
    ],
)
def test_a_service(account: Account, raw: dict[str, Any] | None, severity: str | None, what: str) -> None:
    found = list(service.of_service(account, "user-service", raw))

    assert [f.severity for f in found] == ([severity] if severity else [])
    assert all(what in f.what and f.next for f in found)


def test_without_a_circuit_breaker_sdt_stops_a_rollout_itself(account: Account) -> None:
    on = RUNS | {"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}}
    seen = Seen(definitions={"user-service": {"taskDefinitionArn": "arn:…:task-definition/x:7"}})

    assert service.running(account, "user-service", on, seen).what == "1 of 1 tasks run x:7"
    assert service.running(account, "user-service", RUNS, seen).what == (
        "1 of 1 tasks run x:7; no circuit breaker: sdt stops a failing rollout itself"
    )


@pytest.mark.parametrize(
    ("validity", "severity", "what"),
    [
        (Validity(), None, ""),
        (Validity(temporary=True, source="env"), "ok", "temporary, and their end is not known here"),
        (Validity(ends_at=1060.0, renewed=True, source="iam-role"), "ok", "renewed by the SDK"),
        (Validity(ends_at=1000.0, temporary=True, source="sso"), "error", "have expired"),
        (Validity(ends_at=1000.0 + 1799, temporary=True, source="sso"), "warning", "end in 29 min"),
        (Validity(ends_at=1000.0 + 1800, temporary=True, source="sso"), "ok", "good for another 30 min"),
    ],
)
def test_the_end_of_credentials(validity: Validity, severity: str | None, what: str) -> None:
    found = list(credentials.of_validity(validity, 1000.0))

    assert [f.severity for f in found] == ([severity] if severity else [])
    assert all(what in f.what for f in found)
    assert all(f.next == "run `aws sso login`" for f in found if f.severity != "ok")


def test_credentials_that_are_refused_for_another_reason_keep_its_cure() -> None:
    error = CloudError("no AWS credentials", "Unable to locate credentials", "set AWS_PROFILE")

    assert credentials.refused(error, Validity(source="sso")) == Finding(
        "error", "credentials", "no AWS credentials", "Unable to locate credentials", "set AWS_PROFILE"
    )


def definition(container: dict[str, Any], **more: Any) -> dict[str, Any]:
    own = {"name": "web", "image": "nginx:1", "essential": True} | container
    return {"family": "web", "revision": 3, "containerDefinitions": [own]} | more


@pytest.mark.parametrize(
    ("described", "needs"),
    [
        (definition({}), ""),
        (definition({}, requiresCompatibilities=["FARGATE"]), ""),
        (definition({"logConfiguration": {"logDriver": "awslogs"}}, requiresCompatibilities=["EC2"]), ""),
        (
            definition({"logConfiguration": {"logDriver": "awslogs"}}, requiresCompatibilities=["FARGATE"]),
            "write its log",
        ),
        (
            definition(
                {"image": "1.dkr.ecr.eu-west-1.amazonaws.com/a:1"}, requiresCompatibilities=["FARGATE"]
            ),
            "pull its image",
        ),
        (
            definition({"secrets": [{"name": "A", "valueFrom": "b"}]}, requiresCompatibilities=["EC2"]),
            "secrets",
        ),
        (definition({"secrets": [{"name": "A", "valueFrom": "b"}]}, executionRoleArn="arn:…"), ""),
    ],
)
def test_who_needs_an_execution_role(described: dict[str, Any], needs: str) -> None:
    found = list(task.of_task("web", described, built=False))

    assert [f.what for f in found] == (["web:3 has no execution role"] if needs else [])
    assert all(needs in f.cause for f in found)


@pytest.mark.parametrize(
    ("platform", "fits"),
    [
        ({}, True),
        ({"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}, True),
        ({"cpuArchitecture": "ARM64"}, False),
        ({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}, False),
    ],
)
def test_the_processor_that_images_are_built_for(platform: dict[str, str], fits: bool) -> None:
    described = definition({}, runtimePlatform=platform)

    assert not list(task.of_task("web", described, built=False))
    assert len(list(task.of_task("web", described, built=True))) == (0 if fits else 1)


def test_a_container_that_cannot_be_told_apart() -> None:
    two = definition({})
    two["containerDefinitions"].append({"name": "side", "image": "envoy:1", "essential": True})

    (found,) = task.of_task("user-service", two, built=False)
    assert found.what == "user-service: cannot tell its own container in web"
    assert found.next == "name the container user-service in the task definition"


@pytest.mark.parametrize(
    ("source", "arn", "stage", "version", "name"),
    [
        (SECRET, SECRET, "", "", "sdt/dev/db-AbCdEf"),
        (f"{SECRET}:key::", SECRET, "", "", "sdt/dev/db-AbCdEf"),
        (f"{SECRET}:key:AWSPREVIOUS:", SECRET, "AWSPREVIOUS", "", "sdt/dev/db-AbCdEf"),
        (f"{SECRET}:::9d4cb84b", SECRET, "", "9d4cb84b", "sdt/dev/db-AbCdEf"),
        ("arn:aws:ssm:eu-west-1:962496666337:parameter/a/b", "", "", "", "/a/b"),
        ("/a/b", "", "", "", "/a/b"),
        ("plain", "", "", "", "plain"),
    ],
)
def test_where_a_secret_comes_from(source: str, arn: str, stage: str, version: str, name: str) -> None:
    read = secret("TOKEN", source)

    assert (read.arn, read.stage, read.version, read.name) == (arn, stage, version, name)


def test_log_groups_that_must_be_there() -> None:
    def logging(**options: str) -> dict[str, Any]:
        return definition({"logConfiguration": {"logDriver": "awslogs", "options": options}})

    made = logging(**{"awslogs-group": "/x", "awslogs-create-group": "true"})
    assert list(log_groups(made)) == []
    assert [g.name for g in log_groups(logging(**{"awslogs-group": "/x"}))] == ["/x"]
    assert list(log_groups(definition({"logConfiguration": {"logDriver": "awsfirelens"}}))) == []
