"""Cost Explorer, Budgets, the price list and the metrics, as our clients tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.clients.aws import Aws
from sdt_console.clients.budgets import BudgetsClient
from sdt_console.clients.cost import CostExplorerClient
from sdt_console.clients.cost_metrics import CostMetricsClient
from sdt_console.clients.pricing import PricingClient, endpoint
from sdt_console.clients.running import RunningTasks
from sdt_console.errors import CloudError, ReadOnlyError, UnreachableError
from sdt_console.model.cost import CostAnswer, CostPoint, CostQuery, TaskSize
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from tests.clients.api_server import Api, error, hang_up, ok, page, serve
from tests.clients.calling import Session, point_at
from tests.sandbox.account import CATALOG, CLUSTER, Account

JUNE = CostQuery(date(2025, 6, 1), date(2025, 6, 3), "DAILY", ("TAG:Environment", "SERVICE"))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    catalog = Catalog.model_validate(CATALOG)
    with Sandbox.start(catalog, clock=ManualClock(), speed=1, environments=["dev"]) as sandbox:
        for key, value in sandbox.environ.items():
            monkeypatch.setenv(key, value)
        yield Account(sandbox, catalog)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with serve() as served:
        point_at(served.url, monkeypatch.setenv)
        yield served


def ask(work: Callable[[CostExplorerClient], Any], sent: list[tuple[str, int]] | None = None) -> Any:
    note = (lambda operation, count: sent.append((operation, count))) if sent is not None else None
    client = (lambda aws: CostExplorerClient(aws, note)) if note else CostExplorerClient
    return Session().run(lambda aws: work(client(aws)))


def day(start: str, *groups: tuple[tuple[str, str], str], unit: str = "USD") -> dict[str, Any]:
    following = (date.fromisoformat(start) + timedelta(days=1)).isoformat()
    return {
        "TimePeriod": {"Start": start, "End": following},
        "Total": {},
        "Groups": [
            {"Keys": list(keys), "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": unit}}}
            for keys, amount in groups
        ],
        "Estimated": False,
    }


def test_pages_are_joined_and_each_is_paid_for(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    today = datetime.fromtimestamp(account.sandbox.now(), UTC).date()
    query = CostQuery(today - timedelta(days=9), today, "DAILY", ("TAG:Environment", "SERVICE"))
    whole: CostAnswer = ask(lambda ce: ce.costs(query))
    monkeypatch.setattr("sdt_console.sandbox.costs.explorer.GROUPS_A_PAGE", 7)
    sent: list[tuple[str, int]] = []
    paged: CostAnswer = ask(lambda ce: ce.costs(query), sent)
    assert paged.rows == whole.rows
    assert (whole.requests, paged.requests) == (1, len(sent))
    assert len(sent) == -(-len(whole.rows) // 7) > 5
    assert {row.keys[0] for row in paged.rows} == {"dev"}


def test_amounts_are_read_to_their_last_digit(api: Api) -> None:
    told = "0.1000000000000000055511151231257827"
    api.answers.append(ok(ResultsByTime=[day("2025-06-01", (("Environment$dev", "S3"), told))]))
    found: CostAnswer = ask(lambda ce: ce.costs(JUNE))
    assert str(found.rows[0].amount) == told


def test_a_tags_key_and_value_may_have_a_dollar_sign(api: Api) -> None:
    groups = ((("a$b$c$d", "S3"), "1"), (("a$b$", "S3"), "2"))
    api.answers.append(ok(ResultsByTime=[day("2025-06-01", *groups)]))
    query = CostQuery(JUNE.start, JUNE.end, "DAILY", ("TAG:a$b", "SERVICE"))
    found: CostAnswer = ask(lambda ce: ce.costs(query))
    assert [row.keys[0] for row in found.rows] == ["c$d", ""]


def test_a_group_that_two_pages_have_is_not_counted_twice(api: Api) -> None:
    results = [day("2025-06-01", (("Environment$dev", "S3"), "1"))]
    api.answers += [ok(ResultsByTime=results, NextPageToken="2"), ok(ResultsByTime=results)]
    with pytest.raises(CloudError, match="told the same costs twice"):
        ask(lambda ce: ce.costs(JUNE))


@pytest.mark.parametrize("told", ["NaN", "Infinity", "twelve", ""])
def test_an_amount_that_is_no_number(api: Api, told: str) -> None:
    api.answers.append(ok(ResultsByTime=[day("2025-06-01", (("Environment$dev", "S3"), told))]))
    with pytest.raises(CloudError, match="no number"):
        ask(lambda ce: ce.costs(JUNE))


def test_two_currencies_are_not_added(api: Api) -> None:
    dollars = day("2025-06-01", (("Environment$dev", "S3"), "1"))
    yuan = day("2025-06-02", (("Environment$dev", "S3"), "1"), unit="CNY")
    api.answers.append(ok(ResultsByTime=[dollars, yuan]))
    with pytest.raises(CloudError, match="several currencies"):
        ask(lambda ce: ce.costs(JUNE))


def test_refused_requests_are_told_in_words_and_counted(api: Api) -> None:
    sent: list[tuple[str, int]] = []
    api.answers.append(error("LimitExceededException", "Rate exceeded"))
    with pytest.raises(UnreachableError, match="throttled"):
        ask(lambda ce: ce.costs(JUNE), sent)
    api.answers.append(error("DataUnavailableException", "not ready"))
    with pytest.raises(CloudError) as failed:
        ask(lambda ce: ce.costs(JUNE), sent)
    assert "sdt cost --live" in failed.value.next
    api.answers += [hang_up, ok(ResultsByTime=[])]
    ask(lambda ce: ce.costs(JUNE), sent)
    assert sent == [("ce:GetCostAndUsage", n) for n in (1, 1, 2)], "the lost one may be paid for"


def test_where_aws_has_no_forecast(api: Api) -> None:
    api.answers += [error("DataUnavailableException", "Insufficient amount of historical data"), page(500)]
    for _ in range(2):
        assert ask(lambda ce: ce.forecast(JUNE.start, JUNE.end)) is None
    api.answers.append(error("AccessDeniedException"))
    with pytest.raises(CloudError, match="not allowed to call ce:GetCostForecast"):
        ask(lambda ce: ce.forecast(JUNE.start, JUNE.end))


def test_the_forecast_of_one_environment_without_taxes(account: Account) -> None:
    today = datetime.fromtimestamp(account.sandbox.now(), UTC).date()
    end = today + timedelta(days=5)
    whole = ask(lambda ce: ce.forecast(today, end, without=("Tax", "Credit")))
    dev = ask(lambda ce: ce.forecast(today, end, without=("Tax",), tag=("Environment", "dev")))
    none = ask(lambda ce: ce.forecast(today, end, tag=("Environment", "nowhere")))
    assert len(whole.days) == 5
    assert dev == whole
    assert all(found.low < found.mean < found.high for found in dev.days)
    assert {found.mean for found in none.days} == {0}


def test_budgets_with_their_alerts(account: Account) -> None:
    [budget] = Session().run(lambda aws: BudgetsClient(aws).budgets("962496666337", "Environment"))
    assert (budget.name, budget.period, budget.environments) == ("dev-monthly", "monthly", ("dev",))
    assert budget.limit is not None
    assert 0 < budget.spent < budget.limit
    assert [(a.on, a.threshold, a.absolute) for a in budget.alerts] == [
        ("actual", 80, False),
        ("forecast", 100, False),
    ]
    assert Session().run(lambda aws: BudgetsClient(aws).budgets("210987654321", "Environment")) == ()


def test_the_price_list(account: Account) -> None:
    prices = Session().run(lambda aws: PricingClient(aws).fargate("us-east-1"))
    assert [(p.architecture, p.vcpu, p.gb, p.storage_gb) for p in prices] == [
        ("x86_64", Decimal("0.04048"), Decimal("0.004445"), Decimal("0.000111")),
        ("arm64", Decimal("0.03238"), Decimal("0.00356"), Decimal("0.000111")),
    ]
    assert {(p.dated, p.currency) for p in prices} == {("2026-03-01", "USD")}
    assert Session().run(lambda aws: PricingClient(aws).fargate("eu-west-1")) == ()


@pytest.mark.parametrize(
    ("region", "near"),
    [
        ("eu-west-1", "eu-central-1"),
        ("ap-northeast-1", "ap-south-1"),
        ("sa-east-1", "us-east-1"),
        ("cn-north-1", "cn-northwest-1"),
    ],
)
def test_the_price_lists_endpoints(region: str, near: str) -> None:
    assert endpoint(region) == near


@pytest.mark.parametrize("service", ["ce", "budgets"])
def test_the_sdk_finds_the_one_endpoint(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at("", monkeypatch.setenv)
    monkeypatch.delenv("AWS_ENDPOINT_URL")

    async def url(aws: Aws) -> str:
        return str(aws.client(service).meta.endpoint_url)

    assert Session().run(url) in ("https://ce.us-east-1.amazonaws.com", "https://budgets.amazonaws.com")


def test_a_price_list_that_cannot_be_read(api: Api) -> None:
    api.answers.append(ok(PriceList=["{"]))
    with pytest.raises(CloudError, match="the price list cannot be read"):
        Session().run(lambda aws: PricingClient(aws).fargate("us-east-1"))


def test_what_runs_in_the_cluster(account: Account) -> None:
    account.update("orders", desiredCount=3)
    account.until(lambda: account.service("orders")["runningCount"] == 3)
    tasks = Session().run(lambda aws: RunningTasks(aws).of_cluster(CLUSTER))
    of = [task.group for task in tasks]
    assert of.count("service:shop-dev-orders") == 3
    assert of.count("service:shop-dev-users") == 1
    assert {task.size for task in tasks} == {TaskSize(256, 1024)}
    definition = account.service("orders")["taskDefinition"]
    assert Session().run(lambda aws: RunningTasks(aws).size(definition)) == TaskSize(256, 1024)


def test_what_has_stopped_there(account: Account) -> None:
    assert Session().run(lambda aws: RunningTasks(aws).ended(CLUSTER)) == ()
    account.sandbox.advance(600)
    account.update("orders", desiredCount=0)
    account.until(lambda: account.service("orders")["runningCount"] == 0)
    account.sandbox.advance(300)
    [ended] = Session().run(lambda aws: RunningTasks(aws).ended(CLUSTER))
    assert (ended.group, ended.size) == ("service:shop-dev-orders", TaskSize(256, 1024))
    assert ended.seconds > 600


def test_tasks_on_spot_on_arm_with_storage_and_on_instances(api: Api) -> None:
    fargate = {"lastStatus": "RUNNING", "cpu": "1024", "memory": "2048", "group": "service:a"}
    arm = [{"name": "ecs.cpu-architecture", "value": "arm64"}]
    tasks = [
        fargate | {"capacityProviderName": "FARGATE_SPOT", "ephemeralStorage": {"sizeInGiB": 50}},
        fargate | {"launchType": "FARGATE", "attributes": arm, "cpu": "1 vCPU", "memory": "2 GB"},
        fargate | {"launchType": "FARGATE", "platformFamily": "Windows_Server_2022_Core"},
        fargate | {"launchType": "EC2"},
        fargate | {"launchType": "FARGATE", "lastStatus": "PROVISIONING"},
    ]
    api.answers += [ok(taskArns=["a", "b", "c", "d", "e"]), ok(tasks=tasks)]
    found = Session().run(lambda aws: RunningTasks(aws).of_cluster(CLUSTER))
    assert [task.size for task in found] == [
        TaskSize(1024, 2048, storage=50, spot=True),
        TaskSize(1024, 2048, architecture="arm64"),
        TaskSize(1024, 2048, platform="Windows"),
        TaskSize(1024, 2048, fargate=False),
    ]


def test_metrics_are_put_with_their_time(account: Account) -> None:
    now = account.sandbox.now()
    points = [
        CostPoint("DailyCost", (("Environment", "dev"), ("Service", f"s{n}")), Decimal(n), now - 60)
        for n in range(700)
    ]
    Session().run(lambda aws: CostMetricsClient(aws).put("SDT/Cost", points))
    answer = account.client("cloudwatch").get_metric_statistics(
        Namespace="SDT/Cost",
        MetricName="DailyCost",
        Dimensions=[{"Name": "Environment", "Value": "dev"}, {"Name": "Service", "Value": "s699"}],
        StartTime=datetime.fromtimestamp(now - 3600, UTC),
        EndTime=datetime.fromtimestamp(now, UTC),
        Period=60,
        Statistics=["Average"],
    )
    [found] = answer["Datapoints"]
    assert found["Average"] == 699
    assert abs(found["Timestamp"].timestamp() - (now - 60)) < 60


def test_nothing_is_put_when_read_only(api: Api) -> None:
    session = Session(read_only=True)
    with pytest.raises(ReadOnlyError, match="cloudwatch:PutMetricData"):
        session.run(lambda aws: CostMetricsClient(aws).put("SDT/Cost", [CostPoint("a", (), Decimal(1), 0.0)]))
    assert api.seen == []
