"""Preflight on the sandbox: whatever is missing is told at once; nothing is touched, no secret is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.errors import CloudError
from sdt_console.events import Body, Noted
from sdt_console.model import Finding, Plan
from sdt_console.outside import Outside
from sdt_console.pipeline.checks.account import Account
from sdt_console.pipeline.context import Verdict
from sdt_console.pipeline.preflight import examine, preflight
from sdt_console.sandbox.scenarios import SERVICE_SCENARIOS
from sdt_console.settings import Settings, SystemClock
from tests.catalogs import ours
from tests.world import World

USER, TASK = "user-service", "task-service"
ALL = tuple(service.name for service in ours().active)
READS = ("Describe", "List", "Get", "Simulate")


class FixedClock(SystemClock):
    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now


@contextmanager
def opened(
    catalog: Catalog | None = None, clock: SystemClock | None = None, role: str = ""
) -> Iterator[Account]:
    outside = Outside(Settings(read_only=True), "eu-west-1", role)
    parts = (outside.ecs, outside.ecr, outside.identity, outside.secrets, outside.logs, outside.balancers)
    try:
        yield Account(catalog or ours(), "dev", clock or SystemClock(), *parts)
    finally:
        outside.close()


def looked(
    *services: str, catalog: Catalog | None = None, clock: SystemClock | None = None, **more: Any
) -> list[Finding]:
    """What is amiss, with what is in order left out."""
    with opened(catalog, clock) as account:
        found = asyncio.run(examine(account, services or ALL, **more))
    return [finding for finding in found if finding.severity != "ok"]


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(f.severity, f.where, f.what) for f in findings]


def revise(world: World, service: str, **changes: Any) -> str:
    """Deploy a revision of ``service`` with ``changes``; those of ``container`` are its container's."""
    ecs = world.client("ecs")
    old = ecs.describe_task_definition(taskDefinition=f"sdt-dev-{service}")["taskDefinition"]
    kept = (
        *("family", "taskRoleArn", "executionRoleArn", "networkMode", "containerDefinitions"),
        *("requiresCompatibilities", "cpu", "memory", "runtimePlatform"),
    )
    new = {key: old[key] for key in kept} | {k: v for k, v in changes.items() if k != "container"}
    new["containerDefinitions"] = [old["containerDefinitions"][0] | changes.get("container", {})]
    new = {key: value for key, value in new.items() if value is not None}
    arn: str = ecs.register_task_definition(**new)["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster="sdt-dev-cluster", service=f"sdt-dev-{service}", taskDefinition=arn)
    return arn


def test_all_is_well_by_reading_only_and_no_secret_is_read(world: World) -> None:
    world.sandbox.faults.calls.clear()
    with opened() as account:
        found = asyncio.run(examine(account, ALL))

    assert [f.severity for f in found] == ["ok"] * (3 + len(ALL))
    assert found[-1] == Finding("ok", ALL[-1], f"1 of 1 tasks run sdt-dev-{ALL[-1]}:1, image in ECR")
    calls = world.sandbox.faults.calls
    assert all(call.startswith(READS) for call in calls), calls
    assert not [call for call in calls if "SecretValue" in call or call.startswith("GetParameter")]
    assert calls["DescribeServices"] == 2  # ten services a call
    assert calls["DescribeSecret"] == 1  # fifteen services name the same one


def test_everything_that_is_missing_is_told_at_once_with_its_cure(world: World) -> None:
    world.client("secretsmanager").delete_secret(SecretId="sdt/dev/database", ForceDeleteWithoutRecovery=True)
    world.client("logs").delete_log_group(logGroupName="/ecs/sdt/dev/user-service")
    world.client("ecr").delete_repository(repositoryName="sdt/dev/task-service", force=True)
    world.client("ecs").delete_service(
        cluster="sdt-dev-cluster", service="sdt-dev-report-service", force=True
    )
    for balancer in world.client("elbv2").describe_load_balancers()["LoadBalancers"]:
        world.client("elbv2").delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])

    found = looked()
    assert told(found) == [
        ("error", "load balancer", "no load balancer sdt-dev-alb in eu-west-1"),
        ("error", "14 services", "no secret sdt/dev/database"),
        ("error", "user-service", "no log group /ecs/sdt/dev/user-service"),
        ("error", "task-service", "no ECR repository sdt/dev/task-service in account 962496666337"),
        ("error", "report-service", "no service sdt-dev-report-service in sdt-dev-cluster"),
    ]
    cures = [f.next for f in found]
    assert cures[1] == "aws secretsmanager create-secret --name sdt/dev/database --secret-string file://…"
    assert cures[2] == "aws logs create-log-group --log-group-name /ecs/sdt/dev/user-service"
    assert cures[3] == "aws ecr create-repository --region eu-west-1 --repository-name sdt/dev/task-service"
    assert "create it, or set its state to pending" in cures[4]
    assert found[1].cause == (
        "named by config-server, discovery-server, api-gateway and 11 more as SPRING_DATASOURCE_PASSWORD: "
        "a new task would stop with ResourceInitializationError"
    )


SOURCES = {
    "{arn}": "",
    "{arn}:password:AWSPREVIOUS:": "secret sdt/dev/database has no version AWSPREVIOUS",
    "{arn}:password::0a0b0c0d": "secret sdt/dev/database has no version 0a0b0c0d",
    "arn:aws:ssm:eu-west-1:962496666337:parameter/sdt/dev/token": "no parameter /sdt/dev/token",
    "arn:aws:ssm:eu-west-1:962496666337:parameter/there": "",
    "there": "",
    "/not/there": "no parameter /not/there",
    "arn:aws:secretsmanager:us-east-1:962496666337:secret:far-AbCdEf:k::": (
        "secret far-AbCdEf is in us-east-1 and was not looked at"
    ),
}


def test_what_a_secrets_source_may_name(world: World) -> None:
    world.client("ssm").put_parameter(Name="there", Value="v", Type="String")
    arn = world.client("secretsmanager").describe_secret(SecretId="sdt/dev/database")["ARN"]
    for source, what in SOURCES.items():
        revise(world, USER, container={"secrets": [{"name": "TOKEN", "valueFrom": source.format(arn=arn)}]})
        assert [f.what for f in looked(USER)] == ([what] if what else []), source


def test_a_secret_that_is_scheduled_for_deletion(world: World) -> None:
    world.client("secretsmanager").delete_secret(SecretId="sdt/dev/database", RecoveryWindowInDays=7)

    (found,) = looked(USER)
    assert found.what == "secret sdt/dev/database is scheduled for deletion"
    assert found.next == "aws secretsmanager restore-secret --secret-id sdt/dev/database"


def test_what_a_task_definition_may_get_wrong(world: World) -> None:
    revise(world, USER, runtimePlatform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"})
    revise(world, TASK, executionRoleArn=None, container={"name": "app"})
    world.client("ecs").update_service(
        cluster="sdt-dev-cluster", service="sdt-dev-skill-service", desiredCount=0
    )

    found = looked(USER, TASK, "skill-service")
    assert told(found) == [
        ("error", USER, "sdt-dev-user-service:2 runs on LINUX/ARM64, and images are built for linux/amd64"),
        ("error", TASK, "sdt-dev-task-service:2 has no execution role"),
        ("warning", "skill-service", "sdt-dev-skill-service is scaled to 0"),
    ]
    assert "exec format error" in found[0].cause
    assert not looked(USER, built=())  # an image that is there already was built for it


def test_an_image_that_is_gone_is_no_way_back_and_nothing_to_deploy(world: World) -> None:
    repository = "sdt/dev/user-service"
    ecr = world.client("ecr")
    ids = ecr.list_images(repositoryName=repository)["imageIds"]
    ecr.batch_delete_image(repositoryName=repository, imageIds=ids)

    (warning,) = looked(USER)
    assert (warning.severity, warning.where) == ("warning", USER)
    assert warning.what.startswith("the image that runs now is not in ECR:")
    assert "no way back" in warning.cause
    target = world.service(USER)["taskDefinition"]
    (error,) = looked(USER, targets={USER: target}, built=())
    assert error.severity == "error"
    assert error.what.startswith("the image of sdt-dev-user-service:1 is not in ECR:")


def test_a_revision_that_was_deregistered(world: World) -> None:
    arn = world.service(USER)["taskDefinition"]
    world.client("ecs").deregister_task_definition(taskDefinition=arn)

    running = "sdt-dev-user-service:1, which runs now, is deregistered"
    assert told(looked(USER)) == [("warning", USER, running)]
    assert told(looked(USER, targets={USER: arn}, built=())) == [
        ("error", USER, "sdt-dev-user-service:1 is deregistered")
    ]


def test_what_will_only_go_wrong_later_is_not_foretold(world: World) -> None:
    """Scenarios hit tasks that are still to be started; nothing is missing before."""
    for scenario in SERVICE_SCENARIOS:
        world.sandbox.scenarios.on(scenario)

    assert looked() == []


def test_a_role_that_is_assumed_for_the_environment(world: World) -> None:
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = world.client("iam").create_role(RoleName="deployer", AssumeRolePolicyDocument=trust)["Role"]
    with opened(role=role["Arn"]) as account:
        found = asyncio.run(examine(account, [USER]))

    assert found[0].what.startswith("arn:aws:sts::962496666337:assumed-role/deployer/")
    # the role is assumed again before its session ends; what it is assumed by has no end
    assert [f.what for f in found if f.where == found[0].where] == [found[0].what]


def test_going_back_is_judged_by_where_it_leads(world: World) -> None:
    """A secret that only the broken revision names does not stop the way back to the one before."""
    good = world.service(USER)["taskDefinition"]
    revise(world, USER, container={"secrets": [{"name": "TOKEN", "valueFrom": "/not/there"}]})

    assert [f.what for f in looked(USER)] == ["no parameter /not/there"]
    assert looked(USER, targets={USER: good}, built=()) == []


def test_the_wrong_account(world: World) -> None:
    catalog = ours()
    other = catalog.model_copy(update={"aws": catalog.aws.model_copy(update={"account": "111122223333"})})

    first = looked(USER, catalog=other)[0]
    assert first.severity == "error"
    assert first.what == "the credentials are for account 962496666337, and dev is in 111122223333"
    assert "--profile" in first.next


def test_a_cluster_that_is_not_there_is_told_once(world: World) -> None:
    catalog = ours()
    dev = catalog.environments["dev"].model_copy(update={"cluster": "gone"})
    other = catalog.model_copy(update={"environments": {"dev": dev}})

    assert told(looked(catalog=other)) == [("error", "cluster", "no cluster gone in eu-west-1")]


def test_expired_credentials_are_the_one_finding(world: World) -> None:
    world.sandbox.scenarios.on("expired-credentials")

    (found,) = looked()
    assert (found.severity, found.where) == ("error", "credentials")
    assert found.what == "the AWS credentials have expired"
    assert found.next.startswith("put new ones into AWS_ACCESS_KEY_ID")


def test_credentials_that_tell_their_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    end = datetime(2999, 1, 1, tzinfo=UTC)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", end.isoformat())
    for minutes, severity, what in (
        (-5, "error", "the AWS credentials have expired"),
        (20, "warning", "the AWS credentials end in 20 min"),
        (200, "ok", "good for another 3 h 20 min"),
    ):
        with opened(clock=FixedClock(end.timestamp() - minutes * 60)) as account:
            found = asyncio.run(examine(account, [USER]))[1]
        assert (found.severity, found.where, found.what) == (severity, "credentials", what)
        assert ("AWS_SESSION_TOKEN" in found.next) == (severity != "ok")


def test_credentials_that_the_sdk_itself_refuses_as_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")

    (found,) = looked()
    assert (found.severity, found.what) == ("error", "the AWS credentials have expired")


def test_a_look_that_is_refused_is_a_finding_and_the_others_go_on(world: World) -> None:
    world.client("logs").delete_log_group(logGroupName="/ecs/sdt/dev/user-service")
    world.sandbox.faults.denied = frozenset({"DescribeSecret", "DescribeImages", "DescribeLoadBalancers"})

    found = looked()
    assert told(found) == [
        ("error", "load balancer", "not allowed to call elasticloadbalancing:DescribeLoadBalancers"),
        ("error", "images", "not allowed to call ecr:DescribeImages"),
        ("warning", "secrets", "not allowed to call secretsmanager:DescribeSecret"),
        ("error", "user-service", "no log group /ecs/sdt/dev/user-service"),
    ]
    assert found[2].next == "have the right secretsmanager:DescribeSecret granted"


def plan(**changes: Any) -> Plan:
    given: dict[str, Any] = {
        "environment": "dev",
        "cluster": "sdt-dev-cluster",
        "base": "",
        "head": "",
        "selections": (),
        "modules": (),
        "builds": (USER, TASK),
        "waves": ((USER, TASK),),
        "before": {},
        "images": {},
        "parallel": 4,
        "rollback": "changed",
        "image_reference": "commit",
    } | changes
    return Plan(**given)


def test_the_stage_tells_warnings_and_ends_on_errors_with_all_of_them(world: World) -> None:
    events: list[Body] = []
    verdict = Verdict()
    ecs = world.client("ecs")
    ecs.update_service(cluster="sdt-dev-cluster", service="sdt-dev-task-service", desiredCount=0)
    unjudged = plan(stages=("build", "push", "deploy"))
    with opened() as account:
        with pytest.raises(CloudError, match="sdt-dev-task-service is scaled to 0") as stopped:
            asyncio.run(preflight(account, plan(), events.append, verdict))
        assert stopped.value.cause == "desired is 0: nothing would run, so nothing could be judged"
        asyncio.run(preflight(account, unjudged, events.append, verdict))
        assert verdict.note == "2 services examined, 1 warning"
        assert [(e.level, e.service) for e in events if isinstance(e, Noted)] == [("warning", TASK)]

        world.client("logs").delete_log_group(logGroupName="/ecs/sdt/dev/user-service")
        world.client("ecr").delete_repository(repositoryName="sdt/dev/task-service", force=True)
        with pytest.raises(CloudError) as stopped:
            asyncio.run(preflight(account, unjudged, events.append, verdict))
    error = stopped.value
    assert error.exit_code == 3
    assert error.what == "no log group /ecs/sdt/dev/user-service"
    assert error.next.endswith(
        "create-log-group --log-group-name /ecs/sdt/dev/user-service; nothing was changed"
    )
    assert [line.partition(" (next")[0] for line in error.evidence] == [
        "task-service: no ECR repository sdt/dev/task-service in account 962496666337"
    ]


def test_a_build_alone_needs_a_repository_and_no_service(world: World) -> None:
    world.client("ecs").delete_service(cluster="sdt-dev-cluster", service="sdt-dev-user-service", force=True)
    verdict = Verdict()
    with opened() as account:
        asyncio.run(preflight(account, plan(stages=("build", "push")), lambda event: None, verdict))

    assert verdict.note == "2 services examined"
