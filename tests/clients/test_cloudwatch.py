"""Metrics and alarms as our clients read them: batches, pages, what there is not, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sdt_console.clients.alarms import AlarmsClient
from sdt_console.clients.aws import Aws
from sdt_console.clients.ecs import EcsClient
from sdt_console.clients.metrics import MetricsClient
from sdt_console.clients.surroundings import SurroundingsClient
from sdt_console.errors import NotAllowedError, UnreachableError
from sdt_console.model import Alarm, AlarmState, Ground, MetricPoints, MetricQuery, Scope, Watched
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from sdt_console.sandbox.metrics import api
from sdt_console.watch.ground import ground
from sdt_console.watch.measures import lines
from sdt_console.watch.metrics import read
from tests.clients.calling import Session
from tests.sandbox.account import CATALOG, CLUSTER, Account

OWN = (("ClusterName", CLUSTER), ("ServiceName", "shop-dev-orders"))
NAMES = ("gateway", "orders", "users", "later", "redis")
SCOPE = Scope(
    "dev",
    CLUSTER,
    load_balancer="shop-dev-alb",
    services=tuple(Watched(name, "g", f"shop-dev-{name}") for name in (*NAMES, "gone")),
)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    from sdt_console.catalog.model import Catalog

    catalog = Catalog.model_validate(CATALOG)
    with Sandbox.start(catalog, clock=ManualClock(), speed=1, environments=["dev"]) as sandbox:
        for key, value in sandbox.environ.items():
            monkeypatch.setenv(key, value)
        yield Account(sandbox, catalog)


def ask(work: Callable[[Aws], Any]) -> Any:
    return Session().run(work)


def look(database: str = "shop-dev-db") -> Ground:
    found: Ground = ask(lambda aws: ground(SCOPE, database, EcsClient(aws), SurroundingsClient(aws)))
    return found


def data(account: Account, queries: list[MetricQuery], minutes: int = 60) -> list[MetricPoints]:
    end = account.sandbox.now() // 60 * 60
    found: list[MetricPoints] = ask(lambda aws: MetricsClient(aws).data(queries, end - minutes * 60, end))
    return found


def cpu(statistic: str = "Average") -> MetricQuery:
    return MetricQuery("AWS/ECS", "CPUUtilization", OWN, statistic, 60)


def test_answers_come_in_the_order_of_the_queries_and_nothing_is_asked_twice(account: Account) -> None:
    nothing = MetricQuery("AWS/ECS", "CPUUtilization", (("ClusterName", "none"),), "Average", 60)
    mine = MetricQuery("Mine", "Cost", (), "Sum", 60)
    account.client("cloudwatch").put_metric_data(
        Namespace="Mine",
        MetricData=[{"MetricName": "Cost", "Value": 3.0, "Timestamp": account.sandbox.now() - 90}],
    )
    most, none, least, again, put = data(
        account, [cpu("Maximum"), nothing, cpu("Minimum"), cpu("Maximum"), mine]
    )
    assert len(most.points) == len(least.points) == 60
    assert all(most.points[time] > least.points[time] for time in most.points)
    assert all(time % 60 == 0 for time in most.points)
    assert (none, again) == (MetricPoints(), most)
    assert list(put.points.values()) == [3.0]
    assert account.sandbox.faults.calls["GetMetricData"] == 1


def test_more_than_five_hundred_are_asked_for_in_two_calls(account: Account) -> None:
    queries = [cpu(f"p{i / 10:g}") for i in range(10, 710)]
    found = data(account, queries, minutes=5)
    assert account.sandbox.faults.calls["GetMetricData"] == 2
    assert [len(one.points) for one in found] == [5] * 700
    assert list(found[-1].points.values()) > list(found[0].points.values())


def test_metrics_that_go_on_over_pages_are_put_together(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = [cpu("Average"), cpu("p50"), cpu("p99")]
    whole = data(account, queries)
    account.sandbox.faults.calls.clear()
    monkeypatch.setattr(api, "POINTS_A_PAGE", 50)
    assert data(account, queries) == whole
    assert account.sandbox.faults.calls["GetMetricData"] == 4
    assert {one.note for one in whole} == {""}


def test_a_ground_is_what_the_account_has(account: Account) -> None:
    found = look()
    assert [anchor.name for anchor in found.services] == list(NAMES)  # gone is not in ECS
    by_name = {anchor.name: anchor for anchor in found.services}
    assert by_name["orders"].balancer == found.balancer
    assert found.balancer.startswith("app/shop-dev-alb/")
    assert by_name["orders"].target_group.startswith("targetgroup/")
    assert by_name["redis"].target_group == ""
    assert (found.insights, found.notes) == (False, ())
    assert len(found.gateways) == 1
    assert found.gateways[0].startswith("nat-")


def test_network_figures_are_there_once_the_cluster_has_container_insights(account: Account) -> None:
    assert not any(line.measure.name == "sent" and line.service for line in lines(look()))
    account.client("ecs").update_cluster_settings(
        cluster=CLUSTER, settings=[{"name": "containerInsights", "value": "enabled"}]
    )
    account.sandbox.advance(60)
    found = look()
    assert found.insights is True
    sheet = ask(lambda aws: read(MetricsClient(aws), found, account.sandbox.now(), 600))
    (sent,) = [s for s in sheet.of("orders") if s.name == "sent"]
    assert min(sent.known) > 0


def test_everything_of_an_environment_is_one_call(account: Account) -> None:
    found = look()
    account.sandbox.faults.calls.clear()
    sheet = ask(lambda aws: read(MetricsClient(aws), found, account.sandbox.now(), 3600))
    assert dict(account.sandbox.faults.calls) == {"GetMetricData": 1}
    figures = {s.name: s for s in sheet.of("orders")}
    assert set(figures) == {"cpu", "memory", "requests", "p50", "p99", "4xx", "5xx", "healthy"}
    assert all(len(s.values) == 60 for s in figures.values())
    assert min(figures["p99"].known) > max(figures["p50"].known)
    assert 0 in figures["5xx"].known  # AWS publishes no zeros
    assert set(sheet.resources) == {
        "load balancer shop-dev-alb", "database shop-dev-db", f"NAT gateway {found.gateways[0]}",
    }  # fmt: skip
    assert all(s.known for series in sheet.resources.values() for s in series)


@pytest.mark.parametrize(
    ("denied", "told"),
    [
        ("DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancers"),
        ("DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroups"),
        ("DescribeNatGateways", "ec2:DescribeNatGateways"),
        ("DescribeClusters", "ecs:DescribeClusters"),
        ("DescribeServices", "ecs:DescribeServices"),
    ],
)
def test_a_right_that_is_missing_is_a_note_and_the_rest_is_there(
    account: Account, denied: str, told: str
) -> None:
    account.sandbox.faults.denied = frozenset({denied})
    found = look()
    assert any(f"not allowed to call {told}" in note for note in found.notes)
    sheet = ask(lambda aws: read(MetricsClient(aws), found, account.sandbox.now(), 600))
    assert {s.name for s in sheet.of("orders") if s.known} >= {"cpu", "memory"}


def test_without_the_right_to_read_metrics_the_right_is_named(account: Account) -> None:
    account.sandbox.faults.denied = frozenset({"GetMetricData"})
    with pytest.raises(NotAllowedError) as error:
        data(account, [cpu()])
    assert error.value.right == "cloudwatch:GetMetricData"


def test_expired_credentials_are_no_note(account: Account) -> None:
    account.sandbox.scenarios.on("expired-credentials")
    with pytest.raises(UnreachableError, match="credentials have expired"):
        look()


def alarms() -> list[Alarm]:
    found: list[Alarm] = ask(lambda aws: AlarmsClient(aws).alarms())
    return found


def put(account: Account, name: str, **changes: Any) -> None:
    account.client("cloudwatch").put_metric_alarm(
        **{
            "AlarmName": name,
            "Namespace": "AWS/ECS",
            "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": key, "Value": value} for key, value in OWN],
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 3,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            **changes,
        }
    )


def test_alarms_come_from_all_pages_and_of_both_kinds(account: Account) -> None:
    before = len(alarms())
    for number in range(130):
        put(account, f"many-{number:03}")
    account.client("cloudwatch").put_composite_alarm(AlarmName="both", AlarmRule='ALARM("many-001")')
    account.sandbox.faults.calls.clear()
    found = alarms()
    assert len(found) == before + 131
    assert account.sandbox.faults.calls["DescribeAlarms"] == -(-(before + 131) // 100)
    (both,) = [alarm for alarm in found if alarm.kind == "composite"]
    assert (both.name, both.rule, both.threshold) == ("both", 'ALARM("many-001")', None)
    # The sandbox leaves them out where AWS does: if the kind is not asked for.
    assert account.client("cloudwatch").describe_alarms(AlarmNames=["both"])["CompositeAlarms"] == []


def test_an_alarm_as_it_is_told(account: Account) -> None:
    put(account, "busy", AlarmActions=["arn:aws:sns:eu-west-1:1:t"], ActionsEnabled=False)
    account.sandbox.advance(61)
    (busy,) = [alarm for alarm in alarms() if alarm.name == "busy"]
    assert busy.state is AlarmState.ALARM
    assert account.sandbox.now() - 61 <= busy.since <= account.sandbox.now()
    assert busy.reason.startswith("Threshold Crossed: 3 datapoints [")
    assert (busy.comparison, busy.threshold, busy.statistic) == (">=", 1.0, "Average")
    assert (busy.period, busy.periods, busy.armed) == (60, 3, False)
    assert dict(busy.metrics[0].dimensions) == dict(OWN)


def test_what_changed_newest_first(account: Account) -> None:
    start = account.sandbox.now()
    put(account, "busy")
    account.sandbox.advance(61)
    put_ok = account.client("cloudwatch").set_alarm_state
    put_ok(AlarmName="busy", StateValue="OK", StateReason="by hand")
    account.sandbox.advance(60)
    events = ask(lambda aws: AlarmsClient(aws).history(start, "busy"))
    assert [event.state for event in events][-1] is AlarmState.ALARM
    assert {event.alarm for event in events} == {"busy"}
    assert [event.at for event in events] == sorted((event.at for event in events), reverse=True)
    assert events[-1].reason.startswith("Threshold Crossed")
    assert ask(lambda aws: AlarmsClient(aws).history(account.sandbox.now() + 1e9)) == []


def test_two_who_look_at_once_read_the_same(account: Account) -> None:
    async def both(aws: Aws) -> Any:
        return await asyncio.gather(AlarmsClient(aws).alarms(), AlarmsClient(aws).alarms())

    first, second = ask(both)
    assert first == second
