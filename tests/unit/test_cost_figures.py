"""Sums of money: exact, whole, and nothing counted twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sdt_console.model.cost import Budget, BudgetAlert, ForecastAnswer, ForecastDay
from sdt_console.model.cost_book import CostBook, CostEntry
from sdt_console.watch.cost import documents, figures

TODAY = date(2025, 6, 15)
START = TODAY - timedelta(days=60)
ENVIRONMENTS = ("", "dev", "production")
PARTS = ("Amazon Elastic Container Service", "EC2 - Other", "AmazonCloudWatch")
PARTS_OF = {"fargate": PARTS[:1], "nat": PARTS[1:2]}

amounts = st.decimals(-10_000, 100_000, allow_nan=False, places=10)
entries = st.builds(
    CostEntry,
    start=st.integers(0, 60).map(lambda n: START + timedelta(days=n)),
    environment=st.sampled_from(ENVIRONMENTS),
    part=st.sampled_from(PARTS),
    kind=st.sampled_from(("charge", "charge", "charge", "credit", "refund", "tax")),
    amount=amounts,
)


def book(*found: CostEntry, **changes: Any) -> CostBook:
    made = CostBook("DAILY", START, TODAY + timedelta(days=1), TODAY, 0.0, "USD", found)
    return replace(made, **changes)


def seen(value: object) -> Any:
    """To be compared with whole numbers."""
    return value


def charge(days_ago: int, amount: object, part: str = PARTS[0], environment: str = "dev") -> CostEntry:
    day = TODAY - timedelta(days=days_ago)
    return CostEntry(day, environment, part, "charge", Decimal(str(amount)))


@given(st.lists(entries, max_size=60))
def test_every_grouping_adds_up_to_the_same_total_exactly(found: list[CostEntry]) -> None:
    whole = book(*found)
    for lines in (
        figures.by_service(whole),
        figures.by_environment(whole),
        figures.by_period(whole),
        figures.by_period(replace(whole, granularity="MONTHLY")),
    ):
        assert sum((line.total for line in lines), Decimal(0)) == whole.total
        assert len({line.name for line in lines}) == len(lines)
    parts = [whole.where(lambda e, name=name: e.environment == name).total for name in ENVIRONMENTS]  # type: ignore[misc]
    assert sum(parts, Decimal(0)) == whole.total
    assert whole.charges.total + sum(e.amount for e in found if e.kind != "charge") == whole.total


@given(st.lists(amounts, max_size=40), st.sampled_from((Decimal("0.01"), Decimal("0.0001"))))
def test_shown_cents_add_up_to_the_shown_total(found: list[Decimal], unit: Decimal) -> None:
    cents = figures.in_cents(found, unit)
    assert sum(cents, Decimal(0)) == sum(found, Decimal(0)).quantize(unit)
    assert all(abs(shown - exact) < unit for shown, exact in zip(cents, found, strict=True))


@given(st.lists(entries, max_size=40), st.booleans())
def test_a_book_is_read_as_it_was_written(found: list[CostEntry], estimated: bool) -> None:
    made = book(*found, estimated=frozenset({TODAY} if estimated else ()), gap=Decimal("0.0000000001"))
    assert documents.to_book(json.loads(json.dumps(documents.from_book(made)))) == made


@given(st.lists(entries, max_size=40))
def test_every_charge_is_in_one_line_of_the_estimates(found: list[CostEntry]) -> None:
    whole = book(*found)
    lines = figures.against_estimates(whole, {"fargate": (150, 200), "nat": (30, 45)}, PARTS_OF)
    charged = whole.charges.between(TODAY - timedelta(days=30), TODAY).total
    assert sum((line.actual for line in lines), Decimal(0)) == charged


def test_credits_refunds_and_tax_are_apart() -> None:
    credit = CostEntry(TODAY, "", "Credit", "credit", Decimal(-5))
    tax = CostEntry(TODAY, "", "Tax", "tax", Decimal(20))
    lines = figures.by_service(book(charge(1, 100), credit, tax))
    assert seen([(line.name, line.total) for line in lines]) == [(PARTS[0], 100), ("Tax", 20), ("Credit", -5)]
    untagged = figures.by_environment(book(charge(1, 100), credit, tax))[1]
    assert seen((untagged.name, untagged.of("credit"), untagged.of("tax"), untagged.of("charge"))) == (
        "",
        -5,
        20,
        0,
    )


def test_days_without_a_charge_are_days_all_the_same() -> None:
    days = figures.by_period(book(charge(2, 1)).between(TODAY - timedelta(days=3), TODAY + timedelta(days=1)))
    assert seen([(line.name, line.total) for line in days]) == [
        ("2025-06-12", 0),
        ("2025-06-13", 1),
        ("2025-06-14", 0),
        ("2025-06-15", 0),
    ]


def test_the_largest_change_comes_first_and_today_does_not_count() -> None:
    moved = book(
        *(charge(day, 1) for day in range(1, 8)),
        *(charge(day, 3) for day in range(8, 15)),
        *(charge(day, 2, PARTS[1]) for day in range(1, 8)),
        *(charge(day, 1, PARTS[2]) for day in range(1, 15)),
        charge(0, 1000),
    )
    found = figures.movers(moved, 7)
    assert seen([(m.part, m.before, m.after) for m in found]) == [(PARTS[0], 21, 7), (PARTS[1], 0, 14)]
    assert found[0].ratio == Decimal(-2) / 3
    assert found[1].ratio is None


def test_without_a_forecast_the_month_is_plain_arithmetic() -> None:
    view = figures.outlook(book(*(charge(day, 10) for day in range(15))), None)
    assert (view.method, view.days, view.days_of_month) == ("projection", 14, 30)
    assert seen((view.spent, view.expected)) == (150, 300)


def test_a_forecast_replaces_today_and_is_added_to_the_days_that_are_over() -> None:
    days = tuple(
        ForecastDay(TODAY + timedelta(days=n), Decimal(11), Decimal(9), Decimal(13)) for n in range(-1, 16)
    )
    view = figures.outlook(book(*(charge(day, 10) for day in range(15))), ForecastAnswer(days, "USD"))
    assert view.method == "forecast"
    assert seen((view.expected, view.low, view.high)) == (140 + 16 * 11, 140 + 16 * 9, 140 + 16 * 13)


def test_the_first_day_of_a_month_has_no_projection() -> None:
    first = date(2025, 6, 1)
    view = figures.outlook(book(charge(14, 10), today=first), None)
    assert seen((view.expected, view.spent, view.days)) == (None, 10, 0)


def test_estimates_have_a_verdict() -> None:
    spent = book(*(charge(day, 6) for day in range(1, 31)), charge(3, 7, PARTS[2]), charge(3, 50, PARTS[1]))
    lines = figures.against_estimates(
        spent, {"fargate": (150, 200), "nat": (30, 45), "s3": (5, 10)}, PARTS_OF
    )
    assert seen([(line.part, line.actual, line.verdict) for line in lines]) == [
        ("fargate", 180, "within"),
        ("nat", 50, "above"),
        ("s3", 0, "below"),
        ("other", 7, "not estimated"),
    ]


def test_when_a_budgets_alert_is_reached() -> None:
    budget = Budget("dev", "USD", "monthly", Decimal(100), Decimal(81), None)

    def reached(on: Any, threshold: int, comparison: str = "GREATER_THAN", absolute: bool = False) -> Any:
        return budget.reached(BudgetAlert(on, comparison, Decimal(threshold), absolute))

    assert reached("actual", 80) is True
    assert reached("actual", 81) is False
    assert reached("actual", 81, "EQUAL_TO") is True
    assert reached("actual", 82, "LESS_THAN") is True
    assert reached("actual", 80, absolute=True) is True
    assert reached("forecast", 100) is None, "AWS has no forecast"
    assert replace(budget, limit=None).used is None
