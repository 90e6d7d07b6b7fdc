"""``sdt cost`` on the sandbox: what it shows, writes and puts, and what happens when AWS says no."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest

from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.faults import Refusal
from tests.catalogs import OURS, ours
from tests.command import Ran, Sdt


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """Today's sandbox: the command goes by the machine's own clock."""
    with Sandbox.start(ours(), environments=["dev", "production"]) as sandbox:
        yield sandbox


@dataclass
class Shell:
    """``sdt cost …`` against the sandbox, with a state folder of the test's own."""

    sdt: Sdt
    box: Sandbox

    def __call__(self, *arguments: object) -> Ran:
        return self.sdt("--catalog", OURS, "cost", *arguments)


@pytest.fixture
def cost(box: Sandbox, sdt: Sdt, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    for key, value in box.environ.items():
        monkeypatch.setenv(key, value)
    yield Shell(sdt, box)
    box.faults.denied = frozenset()
    box.faults.refusals = {}


def total(lines: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(line["total"]) for line in lines), Decimal(0))


def test_everything_on_one_page(cost: Shell) -> None:
    ran = cost("--env", "dev")
    assert ran.status == 0, ran.err
    for told in (
        "Costs of dev",
        "Amazon Elastic Container Service",
        "by AWS's forecast",
        "ESTIMATE OF DEV",
        "$230–$315",
        "dev-monthly (monthly)",
        "alert at 80 % of what is spent: ",
        "Cost Explorer, unblended, days of UTC, asked just now",
    ):
        assert told in ran.out
    assert "ESTIMATE OF PRODUCTION" not in ran.out
    assert "production-monthly" not in ran.out
    assert ran.err.startswith("3 requests to Cost Explorer, $0.03; this month on this machine 3, $0.03")
    again = cost("--env", "dev")
    assert "nothing asked of Cost Explorer; this month on this machine 3, $0.03" in again.err
    anew = cost("--env", "dev", "--refresh")
    assert "3 requests to Cost Explorer, $0.03; this month on this machine 6, $0.06" in anew.err


@pytest.mark.parametrize("by", [(), ("--by", "day"), ("--by", "env"), ("--by", "component"), ("--live",)])
def test_a_narrow_terminal_is_enough(
    cost: Shell, by: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = cost(*by)
    assert ran.status == 0, ran.err
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "…" not in ran.out


def test_every_table_has_the_same_total(cost: Shell) -> None:
    found = {by: cost("--by", by, "--days", 7, "--json").json for by in ("service", "env", "day")}
    assert len({document["total"] for document in found.values()}) == 1
    for document in found.values():
        assert document["version"] == 1
        assert total(document["lines"]) == Decimal(document["total"])
    assert [line["name"] for line in found["env"]["lines"] if line["name"]] == ["production", "dev"]
    assert len(found["day"]["lines"]) == 8, "seven days and today"
    assert found["day"]["lines"][-1]["estimated"]
    one = {
        env: cost("--by", "env", "--days", 7, "--env", env, "--json").json for env in ("dev", "production")
    }
    assert sum(Decimal(d["total"]) for d in one.values()) == Decimal(found["env"]["total"]) - total(
        [line for line in found["env"]["lines"] if not line["name"]]
    )


def test_months_with_tax_and_credits_beside_the_charges(cost: Shell) -> None:
    ran = cost("--by", "month", "--json")
    lines = ran.json["lines"]
    assert len(lines) == 6
    assert all(Decimal(line["tax"]) > 0 and Decimal(line["credit"]) <= 0 for line in lines)
    assert ran.json["requests"] == {
        "made": 1,
        "cost": "0.01",
        "this_month": 1,
        "this_month_cost": "0.01",
    }
    assert " credit, " in cost("--by", "month").out


def test_what_has_no_tag_is_shown_as_such(cost: Shell) -> None:
    assert "(untagged)" in cost("--by", "component").out
    names = [line["name"] for line in cost("--by", "component", "--json").json["lines"]]
    assert "" in names
    assert "user-service" in names


def test_an_environment_whose_tag_nothing_has(cost: Shell) -> None:
    ran = cost("--env", "staging")
    assert ran.status == 2
    assert "nothing that was charged has the tag Environment=staging" in ran.err
    assert "its values are dev, production" in ran.err
    assert "cost allocation tag" in ran.err


def test_another_accounts_costs_are_said_to_be(cost: Shell, tmp_path: Path) -> None:
    other = tmp_path / "catalog.toml"
    other.write_text(OURS.read_text().replace('account = "962496666337"', 'account = "111122223333"'))
    told = "! these are the costs of account 962496666337; the catalog's is 111122223333"
    for _ in range(2):  # also when nothing is asked
        ran = cost.sdt("--catalog", other, "cost")
        assert told in ran.out
    assert "these are the costs" not in cost().out


def test_what_is_exported_is_exact(cost: Shell, tmp_path: Path) -> None:
    table, document = tmp_path / "costs.csv", tmp_path / "costs.json"
    shown = cost("--by", "service", "--days", 3, "--export", table, "--json")
    cost("--by", "service", "--days", 3, "--export", document)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal(shown.json["total"])
    written = json.loads(document.read_text())
    assert written["entries"] == rows
    assert written["total"] == shown.json["total"]
    assert f"{len(rows)} entries in " in shown.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["costs.csv", "costs.json"]
    refused = cost("--export", tmp_path / "costs.xlsx")
    assert (refused.status, "name it .csv or .json" in refused.err) == (2, True)
    nowhere = cost("--by", "day", "--export", tmp_path / "no" / "costs.csv")
    assert (nowhere.status, "cannot write" in nowhere.err) == (2, True)


def test_what_runs_now_agrees_with_ecs(cost: Shell) -> None:
    document = cost("--live", "--json").json
    running = {
        s["serviceName"].removeprefix("sdt-dev-"): s["runningCount"]
        for names in (ours().all_names[:10], ours().all_names[10:20], ours().all_names[20:])
        for s in boto3.client("ecs").describe_services(
            cluster="sdt-dev-cluster", services=[f"sdt-dev-{name}" for name in names]
        )["services"]
    }
    assert {s["name"]: s["tasks"] for s in document["services"]} == running
    hours = [Decimal(s["per_hour"]["high"]) for s in document["services"]]
    assert sum(hours) == Decimal(document["fargate_per_hour"]["high"])
    one = Decimal("0.25") * Decimal("0.04048") + Decimal("0.004445")
    assert sum(hours) == one * sum(running.values())
    month = Decimal(document["fargate_per_hour"]["high"]) * 730
    assert Decimal(document["per_month"]["high"]) == month + 20 + 45 + 25
    assert [part["name"] for part in document["standing"]] == ["rds", "nat", "load-balancer"]
    assert document["prices"]["trouble"] == "AWS's price list has nothing on Fargate in eu-west-1"
    assert "requests" not in document
    assert cost.box.faults.calls["GetProducts"] > 0


def test_the_effect_of_a_change(cost: Shell) -> None:
    ran = cost("--live", "--if", "user-service=cpu:1024,memory:2048,count:3")
    assert "user-service 1 × 0.25 vCPU 1 GB 3 × 1 vCPU 2 GB +$0.1335" in " ".join(ran.out.split())
    idle = cost("--live", "--json", "--if", "bff-service=count:2").json["effects"][0]
    assert (idle["before"]["tasks"], idle["after"]["tasks"]) == (0, 2)
    assert idle["after"]["sizes"][0]["cpu"] == 256, "as its task definition says"
    refused = cost("--live", "--if", "user-service=cpu:1024,memory:512")
    assert refused.status == 2
    assert "1024 CPU units go with 2048, 3072" in refused.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--if", "user-service=count:2"),
        ("--live", "--by", "day"),
        ("--by", "month", "--days", "3"),
        ("--days", "0"),
        ("--by", "weather"),
        ("--env", "nowhere"),
    ],
)
def test_what_makes_no_sense(cost: Shell, arguments: tuple[str, ...]) -> None:
    before = cost.box.faults.calls["GetCostAndUsage"]
    assert cost(*arguments).status == 2
    assert cost.box.faults.calls["GetCostAndUsage"] == before, "nothing was paid for"


def test_without_the_right_the_command_that_works_is_named(cost: Shell) -> None:
    cost.box.faults.denied = frozenset({"GetCostAndUsage"})
    ran = cost("--env", "dev")
    assert ran.status == 3
    assert "ce:GetCostAndUsage" in ran.err
    assert "`sdt cost --live` works without it" in ran.err
    assert cost("--live").status == 0


def test_what_is_denied_is_missing_and_the_rest_shows(cost: Shell) -> None:
    cost.box.faults.denied = frozenset({"GetCostForecast", "DescribeBudgets"})
    ran = cost("--env", "dev")
    assert ran.status == 0
    assert "as a plain projection" in ran.out or "no projection on its first day" in ran.out
    assert "! no forecast: not allowed to call ce:GetCostForecast" in ran.out
    assert "! no budgets: not allowed to call budgets:ViewBudget" in ran.out
    assert "Amazon Elastic Container Service" in ran.out


def test_not_enabled_and_throttled(cost: Shell) -> None:
    cost.box.faults.refusals = {"GetCostAndUsage": Refusal("DataUnavailableException", "not ready", 400)}
    ran = cost()
    assert ran.status == 3
    assert "enable it in the Billing console" in ran.err
    cost.box.faults.refusals = {"GetCostAndUsage": Refusal("LimitExceededException", "Rate exceeded", 400)}
    assert "ce:GetCostAndUsage is throttled" in cost().err
    cost.box.faults.refusals = {}
    assert cost("--by", "day").status == 0
    cost.box.faults.refusals = {"GetCostAndUsage": Refusal("LimitExceededException", "Rate exceeded", 400)}
    kept = cost("--by", "day", "--refresh")
    assert kept.status == 0
    assert "! these figures are old: ce:GetCostAndUsage is throttled: Rate exceeded" in kept.out


def test_the_costs_as_metrics(cost: Shell) -> None:
    ran = cost("publish", "--env", "dev", "--json")
    assert ran.status == 0, ran.err
    points = ran.json["points"]
    assert ran.json["namespace"] == "SDT/Cost"
    assert {point["metric"] for point in points} == {
        "DailyCost", "MonthToDateCost", "LiveCostPerHour", "LiveProjectedMonthCost", *(
            {"ProjectedMonthCost"} if datetime.now(UTC).day > 1 else ()
        ),
    }  # fmt: skip
    assert all(point["dimensions"]["Environment"] == "dev" for point in points)
    live = next(p for p in points if p["dimensions"].get("Service") == "user-service")
    answer = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="SDT/Cost",
        MetricName=live["metric"],
        Dimensions=[{"Name": k, "Value": v} for k, v in live["dimensions"].items()],
        StartTime=datetime.fromtimestamp(live["at"], UTC) - timedelta(hours=1),
        EndTime=datetime.fromtimestamp(live["at"], UTC) + timedelta(hours=1),
        Period=60,
        Statistics=["Maximum"],
    )
    assert answer["Datapoints"][0]["Maximum"] == float(live["value"])
    everywhere = cost("publish", "--json").json["points"]
    assert {p["dimensions"].get("Environment", "all") for p in everywhere} >= {"all", "dev", "production"}


def test_read_only_puts_and_asks_nothing(cost: Shell) -> None:
    before = cost.box.faults.calls["GetCostAndUsage"]
    ran = cost("publish", "--env", "dev", "--read-only")
    assert ran.status == 2
    assert "cloudwatch:PutMetricData refused" in ran.err
    assert cost.box.faults.calls["GetCostAndUsage"] == before
