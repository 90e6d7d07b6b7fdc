"""Cost Explorer and Budgets: consistent with what runs, and with each other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sdt_console.sandbox.costs.ledger import GB_HOUR, VCPU_HOUR
from tests.sandbox.account import Account


def today(account: Account) -> date:
    return datetime.fromtimestamp(account.sandbox.now(), UTC).date()


def usage(account: Account, start: date, end: date, **more: Any) -> Any:
    request = {"Granularity": "DAILY", "Metrics": ["UnblendedCost"]} | more
    period = {"Start": start.isoformat(), "End": end.isoformat()}
    return account.client("ce").get_cost_and_usage(TimePeriod=period, **request)["ResultsByTime"]


def amount(metrics: Any) -> float:
    return float(metrics["UnblendedCost"]["Amount"])


def test_days_groups_and_totals_agree(account: Account) -> None:
    start, end = today(account) - timedelta(days=7), today(account)
    totals = usage(account, start, end)
    assert len(totals) == 7
    assert not any(day["Estimated"] for day in totals)
    for kind in ({"Type": "DIMENSION", "Key": "SERVICE"}, {"Type": "TAG", "Key": "Environment"}):
        for day, whole in zip(usage(account, start, end, GroupBy=[kind]), totals, strict=True):
            parts = sum(amount(group["Metrics"]) for group in day["Groups"])
            assert parts == pytest.approx(amount(whole["Total"]))
    month = usage(account, start, end, Granularity="MONTHLY")
    assert sum(amount(part["Total"]) for part in month) == pytest.approx(
        sum(amount(day["Total"]) for day in totals)
    )


def test_fargates_cost_is_what_runs(account: Account) -> None:
    yesterday = today(account) - timedelta(days=1)
    fargate = {"Dimensions": {"Key": "SERVICE", "Values": ["Amazon Elastic Container Service"]}}
    group = [{"Type": "TAG", "Key": "Service"}]
    day = usage(account, yesterday, today(account), Filter=fargate, GroupBy=group)[0]
    costs = {found["Keys"][0]: amount(found["Metrics"]) for found in day["Groups"]}
    assert set(costs) == {"Service$gateway", "Service$orders", "Service$users", "Service$redis"}
    list_price = 24 * (0.25 * VCPU_HOUR + 1.0 * GB_HOUR)
    assert all(0.9 * list_price < cost < 1.1 * list_price for cost in costs.values())


def test_scaling_up_costs_more(account: Account) -> None:
    only = {"Tags": {"Key": "Service", "Values": ["orders"]}}
    account.sandbox.advance(6 * 3600)
    before = amount(
        usage(account, today(account), today(account) + timedelta(days=1), Filter=only)[0]["Total"]
    )
    account.update("orders", desiredCount=3)
    account.until(lambda: account.service("orders")["runningCount"] == 3)
    after = usage(account, today(account), today(account) + timedelta(days=1), Filter=only)[0]
    assert amount(after["Total"]) > 2.5 * before
    assert after["Estimated"] is True


def test_the_forecast_continues_what_was(account: Account) -> None:
    start = today(account)
    period = {"Start": start.isoformat(), "End": (start + timedelta(days=10)).isoformat()}
    answer = account.client("ce").get_cost_forecast(
        TimePeriod=period, Metric="UNBLENDED_COST", Granularity="DAILY", PredictionIntervalLevel=80
    )
    days = answer["ForecastResultsByTime"]
    assert len(days) == 10
    yesterday = amount(usage(account, start - timedelta(days=1), start)[0]["Total"])
    for day in days:
        low, mean, high = (
            float(day[key])
            for key in ("PredictionIntervalLowerBound", "MeanValue", "PredictionIntervalUpperBound")
        )
        assert low < mean < high
        assert mean == pytest.approx(yesterday, rel=0.2)
    assert float(answer["Total"]["Amount"]) == pytest.approx(sum(float(d["MeanValue"]) for d in days))


def test_names_and_refusals(account: Account) -> None:
    ce = account.client("ce")
    period = {"Start": (today(account) - timedelta(days=2)).isoformat(), "End": today(account).isoformat()}
    services = ce.get_dimension_values(TimePeriod=period, Dimension="SERVICE")["DimensionValues"]
    assert "Amazon Elastic Container Service" in [service["Value"] for service in services]
    assert ce.get_tags(TimePeriod=period, TagKey="Environment")["Tags"] == ["dev"]
    month = period | {"Start": today(account).replace(day=1).isoformat()}
    assert ce.get_tags(TimePeriod=month, TagKey="Environment")["Tags"] == ["", "dev"], "tax has no tag"
    nothing = {"Not": {"Dimensions": {"Key": "REGION", "Values": ["eu-west-1"]}}}
    assert usage(account, date.fromisoformat(period["Start"]), today(account), Filter=nothing)[0][
        "Total"
    ] == {"UnblendedCost": {"Amount": "0.0000000000", "Unit": "USD"}}
    for wrong in (
        {"Start": period["End"], "End": period["Start"]},
        {"Start": "2001-01-01", "End": "2001-02-01"},
    ):
        with pytest.raises(ClientError) as error:
            ce.get_cost_and_usage(TimePeriod=wrong, Granularity="DAILY", Metrics=["UnblendedCost"])
        assert error.value.response["Error"]["Code"] == "ValidationException"


def test_a_budget_shows_what_was_spent(account: Account) -> None:
    budgets = account.client("budgets")
    found = budgets.describe_budgets(AccountId="962496666337")["Budgets"]
    assert [budget["BudgetName"] for budget in found] == ["dev-monthly"]
    spend = found[0]["CalculatedSpend"]
    first = today(account).replace(day=1)
    of_dev = {"Tags": {"Key": "Environment", "Values": ["dev"]}}
    bill = usage(account, first, today(account) + timedelta(days=1), Filter=of_dev)
    spent = sum(amount(day["Total"]) for day in bill)
    assert float(spend["ActualSpend"]["Amount"]) == pytest.approx(spent, abs=0.01)
    assert float(spend["ForecastedSpend"]["Amount"]) >= spent
    assert float(found[0]["BudgetLimit"]["Amount"]) > 0
    alerts = budgets.describe_notifications_for_budget(AccountId="962496666337", BudgetName="dev-monthly")
    assert [(a["NotificationType"], a["Threshold"]) for a in alerts["Notifications"]] == [
        ("ACTUAL", 80.0),
        ("FORECASTED", 100.0),
    ]


def test_tax_and_credits_are_record_types_of_their_own(account: Account) -> None:
    first = today(account).replace(day=1)
    by_type = {"Type": "DIMENSION", "Key": "RECORD_TYPE"}
    month = usage(account, first, today(account), Granularity="MONTHLY", GroupBy=[by_type])[0]
    amounts = {group["Keys"][0]: amount(group["Metrics"]) for group in month["Groups"]}
    assert set(amounts) == {"Credit", "Tax", "Usage"}
    assert amounts["Credit"] == -5
    assert amounts["Tax"] > 0
    apart = {"Not": {"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Credit", "Tax"]}}}
    used = usage(account, first, today(account), Granularity="MONTHLY", Filter=apart)[0]
    assert amount(used["Total"]) == pytest.approx(amounts["Usage"])


def test_groups_come_in_pages(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    start, end = today(account) - timedelta(days=3), today(account)
    by_service = [{"Type": "DIMENSION", "Key": "SERVICE"}]
    whole = usage(account, start, end, GroupBy=by_service)
    monkeypatch.setattr("sdt_console.sandbox.costs.explorer.GROUPS_A_PAGE", 5)
    ce = account.client("ce")
    request: dict[str, Any] = {
        "TimePeriod": {"Start": start.isoformat(), "End": end.isoformat()},
        "Granularity": "DAILY",
        "Metrics": ["UnblendedCost"],
        "GroupBy": by_service,
    }
    found, token, pages = [], "", 0
    while not pages or token:
        page = ce.get_cost_and_usage(**request, **({"NextPageToken": token} if token else {}))
        found += [(r["TimePeriod"]["Start"], g) for r in page["ResultsByTime"] for g in r["Groups"]]
        token, pages = page.get("NextPageToken", ""), pages + 1
    assert pages == 5
    assert found == [(r["TimePeriod"]["Start"], g) for r in whole for g in r["Groups"]]
    with pytest.raises(ClientError, match="InvalidNextTokenException"):
        ce.get_cost_and_usage(**request, NextPageToken="nonsense")


def test_the_price_list_has_fargate(account: Account) -> None:
    pricing = account.client("pricing", region_name="us-east-1")
    here = {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-east-1"}
    found = [
        product
        for page in pricing.get_paginator("get_products").paginate(
            ServiceCode="AmazonECS", Filters=[here], MaxResults=2
        )
        for product in page["PriceList"]
    ]
    assert any("USE1-Fargate-ARM-GB-Hours" in product for product in found)
    elsewhere = here | {"Value": "eu-west-1"}
    assert pricing.get_products(ServiceCode="AmazonECS", Filters=[elsewhere])["PriceList"] == []
