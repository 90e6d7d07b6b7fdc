"""What runs now, priced; and what another size would do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdt_console.errors import UsageError
from sdt_console.model.cost import EndedTask, RunningTask, TaskSize
from sdt_console.model.cost_live import HOURS_A_MONTH, LiveCost, Span, Standing
from sdt_console.watch.cost import publish
from sdt_console.watch.cost.live import live_cost, task_price
from sdt_console.watch.cost.prices import chosen, table
from sdt_console.watch.cost.what_if import SIZES, effect, parse

US = chosen("us-east-1", ())
SMALL = TaskSize(256, 1024)
SERVICES = {"sdt-dev-users": "users", "sdt-dev-orders": "orders", "sdt-dev-idle": "idle"}
NAMES = tuple(SERVICES.values())


def live(*tasks: RunningTask, standing: tuple[Standing, ...] = ()) -> LiveCost:
    return live_cost("dev", tasks, SERVICES, standing, US, 0.0)


def exactly(amount: str) -> Span:
    return Span(Decimal(amount), Decimal(amount))


@pytest.mark.parametrize(
    ("size", "price"),
    [
        (TaskSize(1024, 1024), exactly("0.044925")),
        (TaskSize(256, 512), exactly("0.0123425")),
        (TaskSize(1024, 2048, architecture="arm64"), exactly("0.03950")),
        (TaskSize(1024, 1024, storage=120), exactly("0.056025")),
        (TaskSize(1024, 1024, spot=True), Span(Decimal("0.0134775"), Decimal("0.044925"))),
    ],
)
def test_a_tasks_price_an_hour(size: TaskSize, price: Span) -> None:
    assert task_price(size, US.prices) == (price, "")


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (replace(SMALL, fargate=False), "on EC2 instances, which are paid for as such"),
        (replace(SMALL, platform="Windows"), "no price is known for Windows"),
        (replace(SMALL, cpu=0), "its size is not known"),
    ],
)
def test_what_has_no_price_is_said_and_counted(size: TaskSize, told: str) -> None:
    found = live(RunningTask("service:sdt-dev-users", size), RunningTask("service:sdt-dev-users", SMALL))
    users = found.services[0]
    assert (users.tasks, users.unpriced, users.why) == (2, 1, told)
    assert users.per_hour == task_price(SMALL, US.prices)[0]


def test_a_task_that_has_ended_is_billed_by_the_second_and_a_minute_at_least() -> None:
    hour = Decimal("0.014565")
    ended = [EndedTask("service:sdt-dev-users", SMALL, seconds) for seconds in (9.0, 60.2, 3600.0)]
    ended.append(EndedTask("service:sdt-dev-users", replace(SMALL, fargate=False), 3600.0))
    found = live_cost("dev", (), SERVICES, (), US, 0.0, ended).ended
    assert found.tasks == 3
    assert found.cost.high == hour * 60 / 3600 + hour * 61 / 3600 + hour


def test_storage_without_a_known_price_is_said() -> None:
    price, told = task_price(replace(SMALL, storage=30), chosen("eu-west-1", ()).prices)
    assert price is not None
    assert told == "without 10 GB of storage above 20, whose price here is not known"


sizes = st.builds(
    TaskSize,
    cpu=st.sampled_from(sorted(SIZES)),
    memory=st.integers(512, 122_880),
    storage=st.integers(20, 200),
    architecture=st.sampled_from(("x86_64", "arm64")),
    spot=st.booleans(),
)
groups = st.sampled_from(
    ("service:sdt-dev-users", "service:sdt-dev-orders", "service:foreign", "family:job", "")
)


@given(st.lists(st.builds(RunningTask, groups, sizes), max_size=30))
def test_every_task_is_in_one_line_and_the_lines_add_up(tasks: list[RunningTask]) -> None:
    found = live(*tasks, standing=(Standing("nat", Span(Decimal(30), Decimal(45))),))
    assert sum(service.tasks for service in found.services) == len(tasks)
    singles = [task_price(task.size, US.prices)[0] for task in tasks]
    assert found.fargate_per_hour.high == sum((price.high for price in singles if price), Decimal(0))
    assert found.fargate_per_hour.low <= found.fargate_per_hour.high
    assert found.per_month == found.fargate_per_hour.times(HOURS_A_MONTH) + Span(Decimal(30), Decimal(45))
    assert [s.name for s in found.services if s.managed] == list(NAMES)


def test_a_region_without_a_price_borrows_and_says_so() -> None:
    assert not chosen("eu-west-1", ()).borrowed
    borrowed = chosen("sa-east-1", ())
    assert borrowed.borrowed
    assert {price.region for price in borrowed.prices} == {"us-east-1"}
    own = replace(table()[0], region="sa-east-1", vcpu=Decimal("0.0696"))
    assert chosen("sa-east-1", (own,)).prices == (own,)


def test_every_price_of_the_table_has_its_date_and_source() -> None:
    for price in table():
        assert price.dated >= "2026-01-01"
        assert price.source
        assert price.vcpu > price.gb > 0


def test_the_effect_of_size_and_count() -> None:
    users = live(RunningTask("service:sdt-dev-users", SMALL)).services[0]
    found = effect(parse("users=cpu:1024,memory:2048,count:3", NAMES), users, SMALL, US.prices)
    assert found.after.sizes == ((TaskSize(1024, 2048), 3),)
    assert found.per_hour.high == 3 * Decimal("0.04937") - Decimal("0.014565")
    assert effect(parse("users=count:0", NAMES), users, SMALL, US.prices).per_hour.high == -Decimal(
        "0.014565"
    )
    arm = effect(parse("users=arch:arm64", NAMES), users, SMALL, US.prices)
    assert arm.after.sizes[0][0].architecture == "arm64"
    assert arm.per_hour.high < 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nobody=cpu:256", "no service 'nobody'"),
        ("users", "cannot read ''"),
        ("users=", "cannot read ''"),
        ("users=cpu", "cannot read 'cpu'"),
        ("users=disk:20", "cannot read 'disk:20'"),
        ("users=cpu:256,cpu:512", "cannot read 'cpu:512'"),
        ("users=cpu:300", "no tasks of 300 CPU units"),
        ("users=cpu:-256", "must be a whole number"),
        ("users=count:99999999", "must be a whole number"),
        ("users=count:²", "must be a whole number"),
        ("users=arch:mips", "no architecture 'mips'"),
    ],
)
def test_a_change_that_cannot_be_read(text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text, NAMES)
    assert told in error.value.what


def test_a_size_that_fargate_does_not_have() -> None:
    users = live(RunningTask("service:sdt-dev-users", SMALL)).services[0]
    with pytest.raises(UsageError) as error:
        effect(parse("users=cpu:1024,memory:512", NAMES), users, SMALL, US.prices)
    assert error.value.cause == "1024 CPU units go with 2048, 3072, 4096, 5120, 6144, 7168, 8192 MiB"


def test_live_figures_as_metrics() -> None:
    found = live(RunningTask("service:sdt-dev-users", SMALL), standing=(Standing("nat", exactly("73")),))
    points = {(p.metric, p.dimensions): p.value for p in publish.running(found)}
    dev = ("Environment", "dev")
    assert points["LiveCostPerHour", (dev,)] == Decimal("0.114565")
    assert points["LiveCostPerHour", (dev, ("Service", "users"))] == Decimal("0.014565")
    assert points["LiveProjectedMonthCost", (dev,)] == Decimal("0.014565") * 730 + 73
