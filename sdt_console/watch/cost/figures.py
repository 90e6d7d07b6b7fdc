"""What follows from a book: sums, movers, the outlook of a month, and a comparison with what was planned."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from sdt_console.model.cost import ForecastAnswer, Kind
from sdt_console.model.cost_book import CostBook, CostEntry, EstimateLine, Mover, Outlook

CENT = Decimal("0.01")
OTHER = "other"
"""What no part of the estimates stands for."""


@dataclass(frozen=True)
class Line:
    """One group of a book: what was charged, and credits, refunds and tax apart.

    :param amounts: by kind; what is missing is nothing.
    """

    name: str
    amounts: Mapping[Kind, Decimal] = field(default_factory=dict)
    estimated: bool = False

    @property
    def total(self) -> Decimal:
        return sum(self.amounts.values(), Decimal(0))

    def of(self, kind: Kind) -> Decimal:
        return self.amounts.get(kind, Decimal(0))


def by_service(book: CostBook) -> list[Line]:
    """A line an AWS service (or component), the dearest first; credits, refunds and tax have their own."""
    return _dearest(_lines(book, lambda e: e.part if e.kind == "charge" else e.kind.capitalize()))


def by_environment(book: CostBook) -> list[Line]:
    """A line an environment, the dearest first; what has no tag under the empty name."""
    return _dearest(_lines(book, lambda e: e.environment))


def by_period(book: CostBook) -> list[Line]:
    """A line a day, or a month (``2026-07``), oldest first, those without an entry too."""
    monthly = book.granularity == "MONTHLY"
    found = {line.name: line for line in _lines(book, lambda e: _period(e.start, monthly))}
    names = dict.fromkeys(
        _period(book.start + timedelta(days=n), monthly) for n in range((book.end - book.start).days)
    )
    estimated = {_period(day, monthly) for day in book.estimated}
    return [Line(name, found[name].amounts if name in found else {}, name in estimated) for name in names]


def in_cents(amounts: Sequence[Decimal], unit: Decimal = CENT) -> list[Decimal]:
    """The amounts in whole cents that add up to their sum in whole cents (rounded half to even).

    Each differs from its exact amount by less than a cent: those cut off most get the cents that are left.

    :param unit: another one than the cent.
    """
    floors = [amount.quantize(unit, ROUND_FLOOR) for amount in amounts]
    total = sum(amounts, Decimal(0)).quantize(unit, ROUND_HALF_EVEN)
    left = int((total - sum(floors, Decimal(0))) / unit)
    most = set(sorted(range(len(amounts)), key=lambda i: (floors[i] - amounts[i], i))[:left])
    return [floor + unit if i in most else floor for i, floor in enumerate(floors)]


def movers(book: CostBook, days: int) -> list[Mover]:
    """How each part's charges of the last ``days`` days that are over differ from the ``days`` before them.

    The largest change first; parts that have not changed by a cent are left out.
    """
    today = book.today
    after = _by_part(book.charges.between(today - timedelta(days=days), today))
    before = _by_part(book.charges.between(today - timedelta(days=2 * days), today - timedelta(days=days)))
    none = Decimal(0)
    found = [Mover(p, before.get(p, none), after.get(p, none)) for p in sorted(before.keys() | after.keys())]
    return sorted((m for m in found if abs(m.change) >= CENT), key=lambda m: -abs(m.change))


def outlook(book: CostBook, forecast: ForecastAnswer | None) -> Outlook:
    """What the month of the book's last day will have cost.

    With AWS's forecast: the charges of the days that are over, and what AWS expects of the others. Without:
    those charges ÷ days × days of the month, which is arithmetic and no forecast.
    """
    today = book.today
    month = today.replace(day=1)
    charges = book.charges.between(month, today + timedelta(days=1))
    over = charges.between(month, today).total
    days, length = (today - month).days, calendar.monthrange(today.year, today.month)[1]
    to_come = [day for day in forecast.days if day.start >= today] if forecast is not None else []
    if to_come:
        return Outlook(
            month, charges.total, over + sum(d.mean for d in to_come), "forecast", days, length,
            low=over + sum(d.low for d in to_come), high=over + sum(d.high for d in to_come),
        )  # fmt: skip
    expected = over * length / days if days else None
    return Outlook(month, charges.total, expected, "projection", days, length)


def against_estimates(
    book: CostBook,
    estimates: Mapping[str, tuple[int, int]],
    parts: Mapping[str, Sequence[str]],
    days: int = 30,
) -> list[EstimateLine]:
    """The charges of the last ``days`` days that are over, beside a month's estimate: each in one line.

    :param estimates: part → from and to.
    :param parts: part → AWS's names of its services.
    """
    charged = _by_part(book.charges.between(book.today - timedelta(days=days), book.today))
    part_of = {service: part for part, services in parts.items() for service in services}
    actual: dict[str, Decimal] = dict.fromkeys(estimates, Decimal(0))
    for service, amount in charged.items():
        part = part_of.get(service, OTHER)
        actual[part] = actual.get(part, Decimal(0)) + amount
    lines = []
    for part, amount in actual.items():
        low, high = estimates.get(part, (None, None))
        lines.append(
            EstimateLine(
                part,
                None if low is None else Decimal(low),
                None if high is None else Decimal(high),
                amount,
            )
        )
    return lines


def _lines(book: CostBook, name: Callable[[CostEntry], str]) -> list[Line]:
    found: dict[str, dict[Kind, Decimal]] = {}
    for entry in book.entries:
        amounts = found.setdefault(name(entry), {})
        amounts[entry.kind] = amounts.get(entry.kind, Decimal(0)) + entry.amount
    return [Line(name, amounts) for name, amounts in found.items()]


def _dearest(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.total, line.name))


def _by_part(book: CostBook) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for entry in book.entries:
        found[entry.part] = found.get(entry.part, Decimal(0)) + entry.amount
    return found


def _period(day: date, monthly: bool) -> str:
    return day.isoformat()[:7] if monthly else day.isoformat()
