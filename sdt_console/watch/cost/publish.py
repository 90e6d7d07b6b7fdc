"""Costs as metrics: gauges, each with the time at which it was true."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from sdt_console.model.cost import CostPoint
from sdt_console.model.cost_book import CostBook
from sdt_console.model.cost_live import LiveCost
from sdt_console.watch.cost.figures import by_environment, by_service, outlook

UNTAGGED = "untagged"
DAILY, MONTH_TO_DATE, PROJECTED = "DailyCost", "MonthToDateCost", "ProjectedMonthCost"
LIVE_HOUR, LIVE_MONTH = "LiveCostPerHour", "LiveProjectedMonthCost"
_LONGEST = 1024


def charged(book: CostBook) -> list[CostPoint]:
    """What was charged, before credits, refunds and tax, of the whole account and of each environment.

    ``DailyCost`` is the last day that is over, also by AWS service; ``MonthToDateCost`` has today in it;
    ``ProjectedMonthCost`` is arithmetic, see :func:`outlook`. All are as of the time AWS was asked.
    """
    charges = book.charges
    points = list(_figures(charges, ()))
    for line in by_environment(charges):
        own = charges.where(lambda entry, name=line.name: entry.environment == name)  # type: ignore[misc]
        dimensions = (("Environment", _value(line.name)),)
        points += _figures(own, dimensions)
        for part in by_service(_yesterday(own)):
            named = (*dimensions, ("Service", _value(part.name)))
            points.append(CostPoint(DAILY, named, part.total, book.at))
    return points


def running(live: LiveCost) -> list[CostPoint]:
    """What runs now costs an hour and in 730 hours: of the environment with what stands, and by service.

    Where a price is a range, as with Spot, its upper end.
    """
    environment = (("Environment", _value(live.environment)),)
    points = [
        CostPoint(LIVE_HOUR, environment, live.per_hour.high, live.at),
        CostPoint(LIVE_MONTH, environment, live.per_month.high, live.at),
    ]
    for service in live.services:
        named = (*environment, ("Service", _value(service.name)))
        points.append(CostPoint(LIVE_HOUR, named, service.per_hour.high, live.at))
    return points


def _figures(charges: CostBook, dimensions: tuple[tuple[str, str], ...]) -> Iterable[CostPoint]:
    month = outlook(charges, None)
    yield CostPoint(DAILY, dimensions, _yesterday(charges).total, charges.at)
    yield CostPoint(MONTH_TO_DATE, dimensions, month.spent, charges.at)
    if month.expected is not None:
        yield CostPoint(PROJECTED, dimensions, month.expected, charges.at)


def _yesterday(book: CostBook) -> CostBook:
    return book.between(book.today - timedelta(days=1), book.today)


def _value(name: str) -> str:
    """A dimension's value: ASCII, not empty, not too long."""
    return name.encode("ascii", "backslashreplace").decode()[:_LONGEST].strip() or UNTAGGED


def total(points: Iterable[CostPoint], metric: str) -> Decimal:
    """Of the points of ``metric`` without dimensions."""
    return sum((p.value for p in points if p.metric == metric and not p.dimensions), Decimal(0))
