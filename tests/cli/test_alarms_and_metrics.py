"""``sdt alarms`` and ``sdt metrics`` on a small account whose time stands still, and on plain moto."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from tests.catalogs import SMALL, catalog
from tests.clients.calling import point_at
from tests.command import Ran, Sdt

ALARMS = """
[[alarms]]
name = "ecs-cpu"
of = "service"
namespace = "AWS/ECS"
metric = "CPUUtilization"
threshold = 80
unit = "%"

[[alarms]]
name = "rds-connections"
of = "database"
namespace = "AWS/RDS"
metric = "DatabaseConnections"
statistic = "Maximum"
threshold = 80
share_of = "database_connections"
"""
TEXT = (
    SMALL.replace("[names]\n", '[names]\ndatabase = "{env}-db"\n'.replace("{env}", "shop-{env}"), 1).replace(
        "[environments.dev]\n", "[environments.dev]\ndatabase_connections = 80\n", 1
    )
    + ALARMS
)


@dataclass
class Shop:
    """A running account, and ``sdt`` on it."""

    sandbox: Sandbox
    file: Path
    _sdt: Sdt

    def __call__(self, *arguments: str) -> Ran:
        return self._sdt(*arguments, "--catalog", self.file)

    @property
    def cloudwatch(self) -> Any:
        return boto3.client("cloudwatch")

    def put(self, name: str, service: str = "config", **changes: Any) -> None:
        self.cloudwatch.put_metric_alarm(
            **{
                "AlarmName": name,
                "Namespace": "AWS/ECS",
                "MetricName": "CPUUtilization",
                "Dimensions": [
                    {"Name": "ClusterName", "Value": "shop-dev"},
                    {"Name": "ServiceName", "Value": f"shop-dev-{service}"},
                ],
                "Statistic": "Average",
                "Period": 60,
                "EvaluationPeriods": 2,
                "Threshold": 80.0,
                "ComparisonOperator": "GreaterThanThreshold",
                **changes,
            }
        )


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sdt: Sdt) -> Iterator[Shop]:
    file = tmp_path / "catalog.toml"
    file.write_text(TEXT)
    clock = ManualClock()
    with Sandbox.start(catalog(TEXT), clock=clock, speed=1, environments=["dev"]) as sandbox:
        for key, value in sandbox.environ.items():
            monkeypatch.setenv(key, value)
        monkeypatch.setattr("sdt_console.engine.SystemClock", lambda: clock)
        sandbox.advance(60)
        yield Shop(sandbox, file, sdt)


def test_all_is_well(shop: Shop) -> None:
    ran = shop("alarms", "--audit")
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[-3].startswith("dev: 0 in alarm, 0 without data, ")
    assert lines[-1] == "audit: 5 of 5 expected alarms are as they should be"


def test_what_went_off_is_told_with_service_and_reason(shop: Shop) -> None:
    shop.put("busy", Threshold=1.0)
    shop.put("\x1b[31mred", Threshold=1.0)
    shop.put("elsewhere", Dimensions=[{"Name": "ClusterName", "Value": "other"}])
    shop.sandbox.advance(61)
    ran = shop("alarms", "--history", "--since", "1h")
    row = next(line for line in ran.out.splitlines() if " busy " in line)
    assert row.split()[:2] == ["✖", "alarm"]
    assert "  config  " in row
    assert "Threshold Crossed: 2 datapoints" in row
    assert "\\x1b[31mred" in ran.out
    assert "\x1b" not in ran.out
    assert "2 in alarm, 0 without data" in ran.out
    assert "1 alarm of other things (0 in alarm): --all" in ran.out
    told = shop("alarms", "--json", "--state", "alarm", "--history").json
    assert told["counts"] == {"alarm": 2, "ok": len(everything(shop)) - 2, "insufficient": 0}
    (busy,) = [alarm for alarm in told["alarms"] if alarm["name"] == "busy"]
    assert (busy["service"], busy["comparison"], busy["threshold"]) == ("config", ">", 1.0)
    assert {event["alarm"] for event in told["events"]} == {"busy", "\x1b[31mred"}
    assert {event["state"] for event in told["events"]} == {"alarm"}
    assert told["elsewhere"] == {"count": 1, "alarm": 0}
    assert "audit" not in told


def everything(shop: Shop) -> list[Any]:
    found: list[Any] = shop("alarms", "--json").json["alarms"]
    return found


def test_the_audit_tells_what_is_missing_and_what_differs_with_the_cure(shop: Shop) -> None:
    shop.cloudwatch.delete_alarms(AlarmNames=["shop-dev-config-cpu"])
    shop.put("shop-dev-redis-cpu", "redis", Threshold=95.0)
    ran = shop("alarms", "--audit")
    lines = ran.out.splitlines()
    start = lines.index("audit: 3 of 5 expected alarms are as they should be")
    assert lines[start + 1].split() == ["✖", "missing", "ecs-cpu", "config", "CPUUtilization", ">", "80", "%"]
    assert lines[start + 2].startswith(
        "            → aws cloudwatch put-metric-alarm --alarm-name shop-dev-con"
    )
    assert lines[start + 4].strip() == "shop-dev-redis-cpu: threshold is 95, not 80"
    told = shop("alarms", "--audit", "--json").json
    assert [(f["kind"], f["service"]) for f in told["audit"]] == [
        ("missing", "config"),
        ("different", "redis"),
    ]
    assert ran.status == 0


def test_the_cure_cures(shop: Shop) -> None:
    shop.cloudwatch.delete_alarms(AlarmNames=["shop-dev-config-cpu", "shop-dev-db-connections"])
    for finding in shop("alarms", "--audit", "--json").json["audit"]:
        perform(finding["cure"])
    assert shop("alarms", "--audit", "--json").json["audit"] == []


def perform(command: str) -> None:
    """What ``aws cloudwatch put-metric-alarm`` would do."""
    import shlex

    words = shlex.split(command)
    assert words[:3] == ["aws", "cloudwatch", "put-metric-alarm"]
    given: dict[str, list[str]] = {}
    for word in words[3:]:
        if word.startswith("--"):
            values = given.setdefault(word, [])
        else:
            values.append(word)
    boto3.client("cloudwatch", region_name=given["--region"][0]).put_metric_alarm(
        AlarmName=given["--alarm-name"][0],
        Namespace=given["--namespace"][0],
        MetricName=given["--metric-name"][0],
        Dimensions=[
            {"Name": name.removeprefix("Name="), "Value": value.removeprefix("Value=")}
            for name, value in (pair.split(",") for pair in given["--dimensions"])
        ],
        Statistic=given["--statistic"][0],
        Period=int(given["--period"][0]),
        EvaluationPeriods=int(given["--evaluation-periods"][0]),
        ComparisonOperator=given["--comparison-operator"][0],
        Threshold=float(given["--threshold"][0]),
        TreatMissingData=given["--treat-missing-data"][0],
        AlarmActions=given["--alarm-actions"],
    )


def test_a_right_that_is_missing_is_named(shop: Shop) -> None:
    shop.sandbox.faults.denied = frozenset({"DescribeAlarms"})
    ran = shop("alarms")
    assert ran.status == 3
    assert "error: not allowed to call cloudwatch:DescribeAlarms" in ran.err
    assert "next: have the right cloudwatch:DescribeAlarms granted; without it: `sdt status`" in ran.err
    shop.sandbox.faults.denied = frozenset({"DescribeAlarmHistory", "DescribeServices"})
    ran = shop("alarms", "--history", "--state", "ok")
    assert ran.status == 0
    assert "the history is not known: not allowed to call cloudwatch:DescribeAlarmHistory" in ran.out
    assert "services are taken from the catalog" in ran.out
    assert "shop-dev-config-cpu" in ran.out


def test_metrics_of_all_services_and_of_what_they_stand_on(shop: Shop) -> None:
    ran = shop("metrics")
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].split() == ["SERVICE", "CPU", "MEMORY", "REQUESTS", "P50", "P99", "4XX", "5XX"]
    rows = {line.split()[0]: line for line in lines[1:] if line}
    assert " ms " in rows["config"]
    assert " %" in rows["redis"]
    assert rows["redis"].split()[-5:] == ["–"] * 5
    assert any(line.startswith("database shop-dev-db") for line in lines)
    assert "no network figures: shop-dev has no Container Insights" in lines
    assert lines[-1].startswith("dev: 60 × 1 min; ")


def test_metrics_of_one_service_as_a_document(shop: Shop) -> None:
    told = shop("metrics", "config", "--since", "2h", "--json").json
    assert (told["version"], told["environment"], told["period_s"]) == (1, "dev", 60)
    assert told["end"] - told["start"] == 7200
    assert told["resources"] == []
    (service,) = told["services"]
    assert service["name"] == "config"
    cpu = service["metrics"][0]
    assert (cpu["name"], cpu["unit"], len(cpu["values"])) == ("cpu", "%", 120)
    assert cpu["min"] <= cpu["now"] <= cpu["max"]
    assert cpu["now_at"] == told["end"] - 60
    ran = shop("metrics", "config", "redis")
    assert [line.split()[0] for line in ran.out.splitlines() if "COURSE" in line] == ["config", "redis"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("metrics", "confg"), "no service 'confg'; did you mean config?"),
        (("metrics", "--since", "soon"), "'soon' is no time"),
        (("metrics", "--since", "0m"), "'0m' is not in the past"),
        (("alarms", "--history", "--since", "soon"), "'soon' is no time"),
        (("alarms", "--state", "red"), "'red' is not one of"),
    ],
)
def test_a_request_that_makes_no_sense(
    arguments: tuple[str, ...], told: str, tmp_path: Path, sdt: Sdt
) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text(TEXT)
    ran = sdt(*arguments, "--catalog", file)
    assert ran.status == 2
    assert told in ran.err


def test_plain_moto_is_enough_for_alarms_and_has_no_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sdt: Sdt
) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text(TEXT)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        point_at(f"http://{host}:{port}", monkeypatch.setenv)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        # moto keeps its accounts by process: this one is nobody else's.
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAPLAINMOTO0000000")
        monkeypatch.setenv("MOTO_ACCOUNT_ID", "210987654321")
        boto3.client("ecs").create_cluster(clusterName="shop-dev")
        Shop(None, file, sdt).put("shop-dev-config-cpu")  # type: ignore[arg-type]
        told = sdt("alarms", "--all", "--json", "--catalog", file).json
        assert [alarm["name"] for alarm in told["alarms"]] == ["shop-dev-config-cpu"]
        ran = sdt("metrics", "--catalog", file)
        assert ran.status == 0
        assert "there is no load balancer shop-dev-alb" in ran.out
        assert "no data" in ran.out
    finally:
        server.stop()
