"""Whose an alarm is, and what is said where the alarms there are and those expected disagree."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from sdt_console.catalog.alarms import AlarmRule
from sdt_console.catalog.check import check_text
from sdt_console.model import (
    Alarm,
    AlarmEvent,
    AlarmMetric,
    AlarmState,
    Anchor,
    AuditFinding,
    Dimensions,
    Ground,
)
from sdt_console.watch.alarm_audit import audit, expected
from sdt_console.watch.alarms import children, ordered, placed, told
from tests.catalogs import SMALL, ours

BALANCER = "app/shop-dev-alb/0123456789abcdef"
GROUP = "targetgroup/orders/fedcba9876543210"
ORDERS = Anchor("orders", "shop-dev-orders", GROUP, BALANCER)
LATER = Anchor("later", "shop-dev-later", kind="pending")
GROUND = Ground("dev", "shop-dev", (ORDERS, LATER), BALANCER, "shop-dev-db", ("nat-1",))
OWN: Dimensions = (("ClusterName", "shop-dev"), ("ServiceName", "shop-dev-orders"))
TOPIC = "arn:aws:sns:eu-west-1:1:on-call"
LIMITS = {"database_connections": 200}

CPU = Alarm(
    "orders-cpu",
    AlarmState.OK,
    100.0,
    metrics=(AlarmMetric("AWS/ECS", "CPUUtilization", OWN),),
    statistic="Average",
    comparison=">",
    threshold=80.0,
    period=60,
    periods=2,
    actions=(TOPIC,),
)


def rule(name: str) -> AlarmRule:
    return next(r for r in ours().alarms if r.name == name)


def judged(*alarms: Alarm, only: str = "ecs-cpu") -> list[AuditFinding]:
    return audit(expected([rule(only)], GROUND, LIMITS), placed(alarms, GROUND), "eu-west-1")


def test_the_catalog_expects_what_the_system_page_says() -> None:
    words = {one.rule.name: one.words for one in expected(ours().alarms, GROUND, LIMITS)}
    assert words == {
        "ecs-cpu": "CPUUtilization > 80 %",
        "ecs-memory": "MemoryUtilization > 80 %",
        "unhealthy-targets": "UnHealthyHostCount > 0",
        "alb-5xx": "HTTPCode_ELB_5XX_Count > 10 in 60 s",
        "response-time": "TargetResponseTime > 1 s",
        "rds-cpu": "CPUUtilization > 80 %",
        "rds-storage": "FreeStorageSpace < 10 GB",
        "rds-connections": "DatabaseConnections > 80 % of 200",
    }


def test_an_alarm_as_expected_is_no_finding() -> None:
    assert judged(CPU) == []
    turned = replace(CPU, metrics=(AlarmMetric("AWS/ECS", "CPUUtilization", OWN[::-1]),))
    assert judged(turned) == []
    # A second, sharper one beside it is nobody's business.
    assert judged(replace(CPU, name="urgent", threshold=95.0), CPU) == []


@pytest.mark.parametrize(
    ("change", "kind", "differences"),
    [
        ({"threshold": 90.0}, "different", ("threshold is 90, not 80",)),
        ({"comparison": ">="}, "different", ("it asks for >=, not >",)),
        ({"statistic": "Maximum"}, "different", ("statistic is Maximum, not Average",)),
        (
            {"comparison": "<", "threshold": 8.0},
            "different",
            ("it asks for <, not >", "threshold is 8, not 80"),
        ),
        ({"period": 300}, None, ()),  # any will do
        ({"actions": ()}, "silent", ("it has no action",)),
        ({"armed": False}, "silent", ("its actions are switched off",)),
        ({"expression": True}, "unjudged", ("it watches an expression or a band",)),
        (
            {"threshold": None, "comparison": "GreaterThanUpperThreshold"},
            "unjudged",
            ("it watches an expression or a band",),
        ),
    ],
)
def test_what_differs_is_told(
    change: dict[str, object], kind: str | None, differences: tuple[str, ...]
) -> None:
    found = judged(replace(CPU, **change))  # type: ignore[arg-type]
    assert [f.kind for f in found] == ([kind] if kind else [])
    for finding in found:
        assert (finding.differences, finding.alarm, finding.service) == (differences, "orders-cpu", "orders")
        assert finding.cure


def test_the_nearest_one_is_told() -> None:
    (finding,) = judged(
        replace(CPU, name="far", statistic="Sum", threshold=1.0), replace(CPU, threshold=85.0)
    )
    assert (finding.alarm, finding.found) == ("orders-cpu", "Average > 85 in 60 s")


def test_a_missing_alarm_comes_with_the_command_that_makes_it() -> None:
    memory = replace(CPU, metrics=(AlarmMetric("AWS/ECS", "MemoryUtilization", OWN),))
    (finding,) = judged(memory)
    assert (finding.kind, finding.rule, finding.alarm) == ("missing", "ecs-cpu", "")
    words = shlex.split(finding.cure)
    assert words[:5] == ["aws", "cloudwatch", "put-metric-alarm", "--alarm-name", "shop-dev-orders-ecs-cpu"]
    given = dict(zip(words[3::2], words[4::2], strict=False))
    assert given["--metric-name"] == "CPUUtilization"
    assert finding.cure.endswith(f"--treat-missing-data missing --alarm-actions {TOPIC} --region eu-west-1")
    assert "Name=ClusterName,Value=shop-dev Name=ServiceName,Value=shop-dev-orders" in finding.cure


@pytest.mark.parametrize("threshold", [10e9, 10 * 2**30])
def test_a_gigabyte_is_either(threshold: float) -> None:
    where = (("DBInstanceIdentifier", "shop-dev-db"),)
    storage = replace(
        CPU,
        metrics=(AlarmMetric("AWS/RDS", "FreeStorageSpace", where),),
        comparison="<",
        statistic="Minimum",
        threshold=threshold,
    )
    assert judged(storage, only="rds-storage") == []
    (finding,) = judged(replace(storage, threshold=5e9), only="rds-storage")
    assert finding.resource == "database shop-dev-db"


def test_a_share_of_what_is_not_known_is_not_judged() -> None:
    where = (("DBInstanceIdentifier", "shop-dev-db"),)
    many = replace(CPU, metrics=(AlarmMetric("AWS/RDS", "DatabaseConnections", where),), statistic="Maximum")
    (finding,) = judged(many, only="rds-connections")
    assert finding.differences == ("threshold is 80, not 160",)
    unknown = expected([rule("rds-connections")], GROUND, {})
    (finding,) = audit(unknown, placed([many], GROUND))
    assert (finding.kind, finding.differences) == ("unjudged", ("database_connections is not known",))
    (finding,) = audit(unknown, [])
    assert finding.kind == "missing"
    assert finding.cure.startswith("set database_connections of the environment")


def test_a_target_group_is_the_same_with_and_without_its_balancer() -> None:
    for where in ((("TargetGroup", GROUP),), (("TargetGroup", GROUP), ("LoadBalancer", BALANCER))):
        metric = AlarmMetric("AWS/ApplicationELB", "UnHealthyHostCount", where)
        alarm = replace(CPU, metrics=(metric,), statistic="Maximum", threshold=0.0)
        assert judged(alarm, only="unhealthy-targets") == []
    zone = AlarmMetric("AWS/ApplicationELB", "UnHealthyHostCount", (*where, ("AvailabilityZone", "a")))
    (finding,) = judged(replace(alarm, metrics=(zone,)), only="unhealthy-targets")
    assert finding.kind == "missing"


@pytest.mark.parametrize(
    ("dimensions", "service", "resource", "ours"),
    [
        (OWN, "orders", "", True),
        (
            (("ClusterName", "other"), ("ServiceName", "shop-dev-orders")),
            "",
            "service shop-dev-orders",
            False,
        ),
        ((("TargetGroup", GROUP),), "orders", "", True),
        ((("LoadBalancer", BALANCER),), "", "load balancer shop-dev-alb", True),
        ((("ClusterName", "shop-dev"),), "", "cluster shop-dev", True),
        ((("DBInstanceIdentifier", "shop-dev-db"),), "", "database shop-dev-db", True),
        ((("DBInstanceIdentifier", "x"),), "", "database x", False),
        ((("NatGatewayId", "nat-1"),), "", "NAT gateway nat-1", True),
        ((("QueueName", "q"),), "", "QueueName q", False),
        ((), "", "AWS/X", False),
    ],
)
def test_whose_an_alarm_is(dimensions: Dimensions, service: str, resource: str, ours: bool) -> None:
    (alarm,) = placed([replace(CPU, metrics=(AlarmMetric("AWS/X", "M", dimensions),))], GROUND)
    assert (alarm.service, alarm.resource, alarm.ours) == (service, resource, ours)


def test_a_composite_alarm_is_whose_its_parts_are() -> None:
    both = Alarm(
        "both", AlarmState.ALARM, 1, kind="composite", rule='ALARM("orders-cpu") AND NOT OK(orders-cpu)'
    )
    foreign = replace(both, name="foreign", rule="ALARM('somebody elses')")
    found = {alarm.name: alarm for alarm in placed([CPU, both, foreign], GROUND)}
    assert (found["both"].service, found["both"].ours) == ("orders", True)
    assert found["foreign"].ours is False
    arn = "arn:aws:cloudwatch:eu-west-1:1:alarm:orders-cpu"
    assert children(f'ALARM("{arn}") OR (INSUFFICIENT_DATA( b ) AND TRUE)') == ["orders-cpu", "b"]


def test_those_that_went_off_come_first_the_newest_of_them_first() -> None:
    states = [(AlarmState.OK, 9), (AlarmState.ALARM, 1), (AlarmState.INSUFFICIENT, 5), (AlarmState.ALARM, 3)]
    found = ordered(replace(CPU, state=state, since=float(at)) for state, at in states)
    assert [(a.state.value, a.since) for a in found] == [
        ("alarm", 3), ("alarm", 1), ("insufficient", 5), ("ok", 9),
    ]  # fmt: skip


def test_changes_of_alarms_that_are_not_ours_are_not_told() -> None:
    (mine,) = placed([CPU], GROUND)
    events = [AlarmEvent(2, "orders-cpu", AlarmState.OK, ""), AlarmEvent(1, "other", AlarmState.OK, "")]
    assert [(e.alarm, e.service) for e in told(events, [mine])] == [("orders-cpu", "orders")]


ALARMS = """
[[alarms]]
name = "ecs-cpu"
of = "service"
namespace = "AWS/ECS"
metric = "CPUUtilization"
threshold = 80
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('of = "service"', 'of = "servce"', "servce"),
        ("threshold = 80", "", "threshold: is required"),
        ("threshold = 80", 'threshold = 80\nstatistic = "Mean"', "statistic"),
        ("threshold = 80", 'threshold = 80\ncomparison = "=>"', "comparison"),
        ("threshold = 80", "threshold = 80\n" + ALARMS, "the same name as alarms entry 1"),
    ],
)
def test_a_mistake_in_the_catalog_is_told(old: str, new: str, message: str) -> None:
    assert check_text(SMALL + ALARMS)[0] is not None
    catalog, problems = check_text(SMALL + ALARMS.replace(old, new, 1))
    assert catalog is None
    assert any(message in str(problem) for problem in problems), [str(p) for p in problems]


def test_an_alarm_that_can_never_be_looked_for_is_remarked_on() -> None:
    catalog, problems = check_text(SMALL + ALARMS.replace('"service"', '"database"'))
    assert catalog is not None
    assert "names.database is not set" in str(problems[0])
