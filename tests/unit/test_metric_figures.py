"""What is asked of CloudWatch, and what its answers mean: gaps, zeros, units, the picture of a course."""

from __future__ import annotations

import asyncio

import pytest

from sdt_console.model import Anchor, Ground, MetricPoints, MetricQuery, Series
from sdt_console.text import sparkline
from sdt_console.watch.measures import lines
from sdt_console.watch.metrics import Window, queries, read, series, window

BALANCER = "app/shop-dev-alb/0123456789abcdef"
GROUP = "targetgroup/orders/fedcba9876543210"
ORDERS = Anchor("orders", "shop-dev-orders", GROUP, BALANCER)
REDIS = Anchor("redis", "shop-dev-redis", kind="data")
GROUND = Ground("dev", "shop-dev", (ORDERS, REDIS), BALANCER, "shop-dev-db", ("nat-1",), insights=True)
NOW = 1_750_000_025.0
MINUTE, HOUR, DAY = 60, 3600, 86400
TARGETS = (("LoadBalancer", BALANCER), ("TargetGroup", GROUP))


@pytest.mark.parametrize(
    ("span", "period", "count"),
    [
        (10, MINUTE, 1),
        (HOUR, MINUTE, 60),
        (5 * HOUR, MINUTE, 300),
        (6 * HOUR, 300, 72),
        (DAY, 300, 288),
        (7 * DAY, HOUR, 168),
        (30 * DAY, 6 * HOUR, 120),
        (90 * DAY, DAY, 90),
        (10_000 * DAY, DAY, 455),
    ],
)
def test_a_window_is_of_whole_periods_that_have_ended(span: float, period: int, count: int) -> None:
    found = window(NOW, span)
    assert (found.period, len(found.times)) == (period, count)
    assert found.start % period == found.end % period == 0
    assert NOW - period < found.end <= NOW


@pytest.mark.parametrize("days", [1, 14, 16, 62, 64, 400])
def test_no_period_is_asked_for_that_cloudwatch_has_forgotten(days: int) -> None:
    kept = MINUTE if days < 15 else 300 if days < 63 else HOUR
    assert window(NOW, days * DAY).period >= kept


def test_one_service_is_asked_for_by_the_dimensions_of_each_namespace() -> None:
    asked = queries(lines(GROUND, frozenset({"orders"})), 60)
    own = (("ClusterName", "shop-dev"), ("ServiceName", "shop-dev-orders"))
    assert asked == [
        MetricQuery("AWS/ECS", "CPUUtilization", own, "Average", 60),
        MetricQuery("AWS/ECS", "MemoryUtilization", own, "Average", 60),
        MetricQuery("AWS/ApplicationELB", "RequestCount", TARGETS, "Sum", 60),
        MetricQuery("AWS/ApplicationELB", "TargetResponseTime", TARGETS, "p50", 60),
        MetricQuery("AWS/ApplicationELB", "TargetResponseTime", TARGETS, "p99", 60),
        MetricQuery("AWS/ApplicationELB", "HTTPCode_Target_4XX_Count", TARGETS, "Sum", 60),
        MetricQuery("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", TARGETS, "Sum", 60),
        MetricQuery("AWS/ApplicationELB", "HealthyHostCount", TARGETS, "Minimum", 60),
        MetricQuery("ECS/ContainerInsights", "NetworkRxBytes", own, "Average", 60),
        MetricQuery("ECS/ContainerInsights", "NetworkTxBytes", own, "Average", 60),
    ]


def test_all_services_come_with_what_they_stand_on() -> None:
    found = lines(GROUND)
    assert [line.measure.name for line in found if line.service == "redis"] == [
        "cpu", "memory", "received", "sent",
    ]  # fmt: skip
    assert list(dict.fromkeys(line.resource for line in found if line.resource)) == [
        "load balancer shop-dev-alb", "database shop-dev-db", "NAT gateway nat-1",
    ]  # fmt: skip


@pytest.mark.parametrize(("insights", "network"), [(True, 4), (None, 4), (False, 0)])
def test_network_is_asked_for_unless_it_is_known_not_to_be_there(insights: bool | None, network: int) -> None:
    ground = Ground("dev", "shop-dev", (ORDERS, REDIS), insights=insights)
    assert sum(line.measure.namespace == "ECS/ContainerInsights" for line in lines(ground)) == network


def figures(period: int = 60, **points: dict[float, float]) -> dict[str, Series]:
    """Three periods of ``orders``; ``points`` by the figure's name."""
    wanted = lines(GROUND, frozenset({"orders"}))
    answers = [MetricPoints(points.get(line.measure.name.replace("5", "e"), {})) for line in wanted]
    found = series(wanted, answers, Window(0.0, 3.0 * period, period))
    return {one.name: one for one in found}


def test_missing_points_are_gaps() -> None:
    found = figures(cpu={0.0: 12.5, 120.0: 40.0})
    assert found["cpu"].values == (12.5, None, 40.0)
    assert found["cpu"].latest == (120.0, 40.0)
    assert (found["memory"].values, found["memory"].note) == ((None, None, None), "no data")
    assert found["memory"].latest is None


def test_counts_are_zero_where_the_target_group_has_published_something_else() -> None:
    found = figures(healthy={0.0: 1, 60.0: 1}, requests={60.0: 120})
    assert found["requests"].values == (0.0, 2.0, None)  # a second
    assert found["5xx"].values == (0.0, 0.0, None)
    assert found["p99"].values == (None, None, None)  # the latency of no request is not zero
    nothing = figures(cpu={0.0: 1})
    assert nothing["requests"].values == nothing["5xx"].values == (None, None, None)


def test_counts_are_told_by_the_second_or_minute_whatever_the_period() -> None:
    found = figures(period=300, healthy={0.0: 1}, requests={0.0: 600}, exx={0.0: 10})
    assert found["requests"].values[0] == 2.0
    assert found["5xx"].values[0] == 2.0


def test_what_aws_says_of_a_metric_is_kept() -> None:
    wanted = lines(GROUND, frozenset({"redis"}))
    answers = [MetricPoints({0.0: 1.0}, "not all of it")] * len(wanted)
    assert {s.note for s in series(wanted, answers, Window(0.0, 60.0, 60))} == {"not all of it"}


def test_a_sheet_says_what_is_not_there_and_how_much_was_asked() -> None:
    class Nothing:
        async def data(self, asked: object, start: float, end: float) -> list[MetricPoints]:
            self.span = (start, end)
            return [MetricPoints() for _ in asked]  # type: ignore[attr-defined]

    ground = Ground("dev", "shop-dev", (REDIS,), insights=False, notes=("there is no load balancer x",))
    reader = Nothing()
    sheet = asyncio.run(read(reader, ground, NOW, HOUR))
    assert reader.span == (sheet.start, sheet.end) == (1_749_996_420, 1_750_000_020)
    assert sheet.asked == 2
    assert sheet.notes == (
        "there is no load balancer x",
        "no network figures: shop-dev has no Container Insights",
    )


@pytest.mark.parametrize(
    ("values", "width", "top", "drawn"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7, 8], 9, None, "▁▂▃▄▅▆▇██"),
        ([0, None, 8], 3, None, "▁ █"),
        ([0, 0], 2, None, "▁▁"),
        ([25, 50, 100, 120], 4, 100.0, "▃▅██"),
        ([1, 1, 1, 8, 1, 1], 2, None, "▂█"),  # a peak is not lost
        ([None, None, 5, None], 2, None, " █"),
        ([5], 10, None, "█"),
        ([], 10, None, ""),
        ([5], 0, None, ""),
    ],
)
def test_a_course_in_eight_levels(
    values: list[float | None], width: int, top: float | None, drawn: str
) -> None:
    assert sparkline(values, width, top) == drawn
