"""Metrics and alarms: a history, life that follows what happens, and judgement."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sdt_console.sandbox.metrics.expressions import ExpressionError, evaluate
from sdt_console.sandbox.metrics.stats import Minute, statistic
from tests.sandbox.account import CLUSTER, Account

ORDERS = [{"Name": "ClusterName", "Value": CLUSTER}, {"Name": "ServiceName", "Value": "shop-dev-orders"}]


def now(account: Account) -> datetime:
    return datetime.fromtimestamp(account.sandbox.now(), UTC)


def balancer(account: Account) -> str:
    found = account.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    return str(found).partition(":loadbalancer/")[2]


def group(account: Account, name: str) -> str:
    return str(account.service(name)["loadBalancers"][0]["targetGroupArn"]).rpartition(":")[2]


def query(
    name: str, stat: str, dimensions: Any = None, space: str = "AWS/ECS", **more: Any
) -> dict[str, Any]:
    metric = {"Namespace": space, "MetricName": name, "Dimensions": dimensions or ORDERS}
    return {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}} | more


def data(account: Account, *queries: Any, minutes: int = 60, **options: Any) -> list[Any]:
    end = now(account)
    answer = account.client("cloudwatch").get_metric_data(
        MetricDataQueries=list(queries), StartTime=end - timedelta(minutes=minutes), EndTime=end, **options
    )
    return list(answer["MetricDataResults"])


def test_there_is_a_history_newest_first_unless_asked(account: Account) -> None:
    result = data(account, query("CPUUtilization", "Average"), minutes=180)[0]
    assert len(result["Values"]) in (180, 181)
    assert all(0 < value < 100 for value in result["Values"])
    assert result["Timestamps"] == sorted(result["Timestamps"], reverse=True)
    turned = data(account, query("CPUUtilization", "Average"), minutes=180, ScanBy="TimestampAscending")[0]
    assert turned["Values"] == result["Values"][::-1]


def test_a_deploy_and_a_crash_show(account: Account) -> None:
    account.sandbox.advance(60)
    calm = max(data(account, query("CPUUtilization", "Average"), minutes=30)[0]["Values"])
    account.sandbox.scenarios.on("out-of-memory:orders")
    account.update("orders", forceNewDeployment=True)
    account.sandbox.advance(180)
    assert max(data(account, query("CPUUtilization", "Average"), minutes=5)[0]["Values"]) > calm + 20
    assert max(data(account, query("MemoryUtilization", "Maximum"), minutes=5)[0]["Values"]) > 98


def test_unhealthy_tasks_show_in_the_load_balancers_metrics_and_raise_the_alarm(account: Account) -> None:
    dimensions = [
        {"Name": "LoadBalancer", "Value": balancer(account)},
        {"Name": "TargetGroup", "Value": group(account, "orders")},
    ]
    unhealthy = query("UnHealthyHostCount", "Maximum", dimensions, "AWS/ApplicationELB")
    assert set(data(account, unhealthy)[0]["Values"]) == {0}
    assert state(account, "shop-dev-orders-unhealthy-targets") == "OK"
    account.sandbox.scenarios.on("unhealthy:orders")
    account.update("orders", forceNewDeployment=True)
    account.sandbox.advance(240)
    assert max(data(account, unhealthy, minutes=4)[0]["Values"]) == 1
    assert state(account, "shop-dev-orders-unhealthy-targets") == "ALARM"
    account.sandbox.scenarios.off()
    account.settle("orders")
    account.sandbox.advance(300)
    assert state(account, "shop-dev-orders-unhealthy-targets") == "OK"


def state(account: Account, name: str) -> str:
    alarm = account.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    return str(alarm["StateValue"])


def test_an_alarm_tells_its_topic(account: Account) -> None:
    sqs, sns = account.client("sqs"), account.client("sns")
    topic = sns.list_topics()["Topics"][0]["TopicArn"]
    queue = sqs.create_queue(QueueName="on-call")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    account.sandbox.scenarios.on("unhealthy:orders")
    account.update("orders", forceNewDeployment=True)
    account.sandbox.advance(240)
    (received,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    envelope = json.loads(received["Body"])
    assert envelope["Subject"] == 'ALARM: "shop-dev-orders-unhealthy-targets" in EU (Ireland)'
    told = json.loads(envelope["Message"])
    assert (told["OldStateValue"], told["NewStateValue"]) == ("OK", "ALARM")
    assert told["NewStateReason"].startswith("Threshold Crossed: 2 datapoints [")
    assert told["AlarmActions"] == [topic]
    assert told["Trigger"]["MetricName"] == "UnHealthyHostCount"


def test_alarms_of_the_clients_own_are_judged_too(account: Account) -> None:
    account.client("cloudwatch").put_metric_alarm(
        AlarmName="mine",
        Namespace="AWS/ECS",
        MetricName="CPUUtilization",
        Dimensions=ORDERS,
        Statistic="Average",
        Period=60,
        EvaluationPeriods=3,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    account.sandbox.advance(61)
    alarm = account.client("cloudwatch").describe_alarms(AlarmNames=["mine"])["MetricAlarms"][0]
    assert alarm["StateValue"] == "ALARM"
    assert alarm["StateReason"].startswith("Threshold Crossed: 3 datapoints [")
    assert alarm["StateReason"].endswith("were greater than the threshold (1.0).")


def test_metric_math_and_search(account: Account) -> None:
    cpu = query("CPUUtilization", "Average", ReturnData=False) | {"Id": "cpu"}
    memory = query("MemoryUtilization", "Average") | {"Id": "memory"}
    both = {"Id": "both", "Expression": "(cpu + memory) / 2", "Label": "load"}
    schema = "{AWS/ECS,ClusterName,ServiceName}"
    terms = f'MetricName="CPUUtilization" ClusterName="{CLUSTER}"'
    expression = f"SEARCH('{schema} {terms}', 'Average', 60)"
    results = data(account, cpu, memory, both, {"Id": "s", "Expression": expression})
    by_id = {result["Id"]: result for result in results[:2]}
    assert set(by_id) == {"memory", "both"}
    assert by_id["both"]["Label"] == "load"
    found = [result["Label"] for result in results if result["Id"] == "s"]
    assert f"{CLUSTER} shop-dev-orders CPUUtilization" in found
    assert len(found) == 5
    with pytest.raises(ClientError) as error:
        data(account, cpu, {"Id": "x", "Expression": "cpu + nothing"})
    assert "Undefined variable 'nothing'" in error.value.response["Error"]["Message"]


def test_statistics_with_percentiles(account: Account) -> None:
    end = now(account)
    answer = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/ApplicationELB",
        MetricName="TargetResponseTime",
        Dimensions=[{"Name": "LoadBalancer", "Value": balancer(account)}],
        StartTime=end - timedelta(minutes=10),
        EndTime=end,
        Period=300,
        Statistics=["Average", "Maximum"],
        ExtendedStatistics=["p50", "p99"],
    )
    for point in answer["Datapoints"]:
        assert point["ExtendedStatistics"]["p50"] < point["Average"] < point["ExtendedStatistics"]["p99"]
        assert point["ExtendedStatistics"]["p99"] < point["Maximum"]
        assert point["Unit"] == "Seconds"


def test_metrics_are_listed_with_those_that_clients_put(account: Account) -> None:
    cloudwatch = account.client("cloudwatch")
    names = {
        metric["MetricName"]
        for metric in cloudwatch.list_metrics(Namespace="AWS/ECS", Dimensions=ORDERS)["Metrics"]
    }
    assert names == {"CPUUtilization", "MemoryUtilization"}
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "Cost", "Value": 3.0}])
    assert [m["MetricName"] for m in cloudwatch.list_metrics(Namespace="Mine")["Metrics"]] == ["Cost"]


def test_counts_add_up() -> None:
    minutes = [Minute(10, 10), Minute(20, 20)]
    assert statistic("Sum", "count", minutes) == 30
    assert statistic("SampleCount", "count", minutes) == 30
    assert statistic("Average", "gauge", [Minute(10), Minute(20)]) == 15
    assert statistic("Maximum", "gauge", [Minute(10, spread=2), Minute(20, spread=2)]) == 22
    assert statistic("p101", "gauge", [Minute(1)]) is None
    assert statistic("Average", "gauge", []) is None


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b * 2", {0.0: 21.0, 60.0: 42.0}),
        ("-a", {0.0: -1.0, 60.0: -2.0}),
        ("SUM(METRICS())", {0.0: 11.0, 60.0: 22.0, 120.0: 5.0}),
        ("MAX([a, b])", None),
        ("100 * a / b", {0.0: 10.0, 60.0: 10.0}),
        ("FILL(a, 0)", {0.0: 1.0, 60.0: 2.0, 120.0: 0.0}),
        ("a / (b - b)", {}),
        ("7", {0.0: 7.0, 60.0: 7.0, 120.0: 7.0}),
        ("a.b", None),
        ("a +", None),
        ("METRICS()", None),
    ],
)
def test_expressions(expression: str, expected: dict[float, float] | None) -> None:
    series = {"a": {0.0: 1.0, 60.0: 2.0}, "b": {0.0: 10.0, 60.0: 20.0, 120.0: 5.0}}
    if expected is None:
        with pytest.raises(ExpressionError):
            evaluate(expression, series, [0.0, 60.0, 120.0])
    else:
        assert evaluate(expression, series, [0.0, 60.0, 120.0]) == expected


def test_a_load_balancer_publishes_no_zeros(account: Account) -> None:
    dimensions = [
        {"Name": "LoadBalancer", "Value": balancer(account)},
        {"Name": "TargetGroup", "Value": group(account, "orders")},
    ]
    errors = data(account, query("HTTPCode_Target_5XX_Count", "Sum", dimensions, "AWS/ApplicationELB"))[0]
    healthy = data(account, query("HealthyHostCount", "Minimum", dimensions, "AWS/ApplicationELB"))[0]
    assert 0 < len(errors["Values"]) < len(healthy["Values"])
    assert min(errors["Values"]) > 0


def test_metrics_of_the_account_and_of_clients_in_one_call(account: Account) -> None:
    datum = {"MetricName": "Cost", "Value": 3.0, "Timestamp": now(account), "Dimensions": ORDERS}
    account.client("cloudwatch").put_metric_data(Namespace="Mine", MetricData=[datum])
    account.sandbox.advance(60)
    mine = query("Cost", "Sum", ORDERS, "Mine") | {"Id": "mine"}
    found = {one["Id"]: one["Values"] for one in data(account, mine, query("CPUUtilization", "p99"))}
    assert found["mine"] == [3.0]
    assert len(found["m"]) >= 60


def test_get_metric_data_has_limits_and_pages(account: Account) -> None:
    with pytest.raises(ClientError) as error:
        data(account, *(query("CPUUtilization", "Average") | {"Id": f"m{i}"} for i in range(501)))
    assert "must not have a size greater than 500" in error.value.response["Error"]["Message"]
    both = [query("CPUUtilization", "Average") | {"Id": f"m{i}"} for i in range(2)]
    end = now(account)
    asked = {"MetricDataQueries": both, "StartTime": end - timedelta(minutes=60), "EndTime": end}
    answer = account.client("cloudwatch").get_metric_data(**asked, MaxDatapoints=90)
    assert [one["StatusCode"] for one in answer["MetricDataResults"]] == ["Complete", "PartialData"]
    rest = account.client("cloudwatch").get_metric_data(
        **asked, MaxDatapoints=90, NextToken=answer["NextToken"]
    )
    assert [one["StatusCode"] for one in rest["MetricDataResults"]] == ["Complete"]
    assert "NextToken" not in rest


def test_alarms_come_in_pages_and_by_kind(account: Account) -> None:
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule='ALARM("shop-dev-orders-cpu")')
    whole = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm"])["MetricAlarms"]
    pages = list(cloudwatch.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 5}))
    assert len(pages) == -(-len(whole) // 5)
    assert [a["AlarmName"] for page in pages for a in page["MetricAlarms"]] == [a["AlarmName"] for a in whole]
    assert not any(page["CompositeAlarms"] for page in pages)
    both = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])
    assert [a["AlarmRule"] for a in both["CompositeAlarms"]] == ['ALARM("shop-dev-orders-cpu")']
    with pytest.raises(ClientError, match="MaxRecords"):
        cloudwatch.describe_alarms(MaxRecords=101)


def test_the_history_of_an_alarm(account: Account) -> None:
    account.sandbox.scenarios.on("unhealthy:orders")
    account.update("orders", forceNewDeployment=True)
    account.sandbox.advance(240)
    name = "shop-dev-orders-unhealthy-targets"
    history = account.client("cloudwatch").describe_alarm_history
    (item,) = history(AlarmName=name, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert item["HistorySummary"] == "Alarm updated from OK to ALARM"
    told = json.loads(item["HistoryData"])
    assert (told["oldState"]["stateValue"], told["newState"]["stateValue"]) == ("OK", "ALARM")
    assert told["newState"]["stateReason"].startswith("Threshold Crossed")
    after = item["Timestamp"] + timedelta(seconds=1)
    assert history(AlarmName=name, StartDate=after)["AlarmHistoryItems"] == []
