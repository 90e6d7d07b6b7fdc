"""What was charged, entry by entry, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal, Self

from sdt_console.model.cost import Kind


@dataclass(frozen=True)
class CostEntry:
    """An amount of one period.

    :param start: the day, or the first day of the month.
    :param environment: value of the environment's tag; empty for what has none.
    :param part: what it is for: AWS's name of a service, or of a record type where ``kind`` is no charge.
    """

    start: date
    environment: str
    part: str
    kind: Kind
    amount: Decimal


@dataclass(frozen=True)
class CostBook:
    """Everything that was charged in ``[start, end)``; every amount is in exactly one entry.

    :param at: when AWS was asked, seconds since the epoch; ``today`` is that day (UTC), which is not over.
    :param estimated: periods that AWS may still change.
    :param gap: by how much AWS's answers differ from each other, as it was still booking; else 0.
    :param trouble: why it could not be read anew, although it is old; else empty.
    """

    granularity: Literal["DAILY", "MONTHLY"]
    start: date
    end: date
    today: date
    at: float
    currency: str
    entries: tuple[CostEntry, ...]
    estimated: frozenset[date] = frozenset()
    gap: Decimal = Decimal(0)
    trouble: str = ""

    @property
    def total(self) -> Decimal:
        return sum((entry.amount for entry in self.entries), Decimal(0))

    def where(self, passes: Callable[[CostEntry], bool]) -> Self:
        """The same book with only the entries that pass."""
        return replace(self, entries=tuple(entry for entry in self.entries if passes(entry)))

    def between(self, start: date, end: date) -> Self:
        """The entries of ``[start, end)``."""
        kept = self.where(lambda entry: start <= entry.start < end)
        return replace(kept, start=max(self.start, start), end=min(self.end, end))

    @property
    def charges(self) -> Self:
        """Without credits, refunds and tax."""
        return self.where(lambda entry: entry.kind == "charge")


@dataclass(frozen=True)
class Mover:
    """How the charges of one part have changed from one time to the next, both equally long."""

    part: str
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        return self.after - self.before

    @property
    def ratio(self) -> Decimal | None:
        """The change as a part of what it was; ``None`` if it was nothing."""
        return self.change / self.before if self.before else None


@dataclass(frozen=True)
class Outlook:
    """What the current month will have cost, before credits, refunds and tax.

    :param spent: so far, today included.
    :param expected: for the whole month; ``None`` on its first day where AWS has no forecast.
    :param method: ``forecast`` is AWS's model; ``projection`` is plain arithmetic on the days that are over.
    :param low: of AWS's interval; likewise ``high``. ``None`` for a projection.
    :param days: days of the month that are over.
    """

    month: date
    spent: Decimal
    expected: Decimal | None
    method: Literal["forecast", "projection"]
    days: int
    days_of_month: int
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True)
class EstimateLine:
    """One part of an environment's estimate beside what was charged.

    :param low: a month's estimate; ``None`` for what has none.
    :param actual: charged in the last 30 days.
    """

    part: str
    low: Decimal | None
    high: Decimal | None
    actual: Decimal

    @property
    def verdict(self) -> Literal["below", "within", "above", "not estimated"]:
        if self.low is None or self.high is None:
            return "not estimated"
        return "below" if self.actual < self.low else "above" if self.actual > self.high else "within"
