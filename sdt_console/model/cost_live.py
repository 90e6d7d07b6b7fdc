"""What runs now, and what it costs an hour."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sdt_console.model.cost import FargatePrice, TaskSize

HOURS_A_MONTH = Decimal(730)
"""What AWS's own calculators take for a month."""


@dataclass(frozen=True)
class Span:
    """An amount that lies between two: Spot has no fixed price, and an estimate is a range."""

    low: Decimal
    high: Decimal

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Span) -> Span:
        """The change from ``other`` to this, bound by bound."""
        return Span(self.low - other.low, self.high - other.high)

    def times(self, factor: Decimal | int) -> Span:
        return Span(self.low * factor, self.high * factor)


NOTHING = Span(Decimal(0), Decimal(0))


@dataclass(frozen=True)
class LiveService:
    """What one service costs as it runs now.

    :param name: its name in the catalog, or in ECS if ``managed`` is false.
    :param sizes: of its tasks, and how many of each.
    :param unpriced: tasks for which no price is known, and are not in ``per_hour``; ``why`` says so.
    """

    name: str
    sizes: tuple[tuple[TaskSize, int], ...]
    per_hour: Span
    managed: bool = True
    unpriced: int = 0
    why: str = ""

    @property
    def tasks(self) -> int:
        return sum(count for _, count in self.sizes)

    @property
    def per_month(self) -> Span:
        return self.per_hour.times(HOURS_A_MONTH)


@dataclass(frozen=True)
class PriceList:
    """The prices that are used for a region.

    :param borrowed: they are another region's, for want of its own.
    :param trouble: why AWS's current list was not used; empty if it was.
    :param read_at: when AWS's list was read, seconds since the epoch; ``None`` for the table of the package.
    """

    region: str
    prices: tuple[FargatePrice, ...]
    borrowed: bool = False
    trouble: str = ""
    read_at: float | None = None


@dataclass(frozen=True)
class Standing:
    """What costs the same whatever runs, by the catalog's estimate.

    :param per_month: from and to.
    """

    part: str
    per_month: Span


@dataclass(frozen=True)
class Ended:
    """Tasks that have stopped within the last hour or so, as long as ECS shows them, and what they have cost.

    A minute each at least: a service whose tasks crash again and again pays for more than runs.
    """

    tasks: int = 0
    cost: Span = NOTHING


@dataclass(frozen=True)
class LiveCost:
    """What an environment costs as it runs now.

    :param at: when the tasks were looked at, seconds since the epoch.
    """

    environment: str
    services: tuple[LiveService, ...]
    standing: tuple[Standing, ...]
    prices: PriceList
    at: float
    ended: Ended = Ended()

    @property
    def fargate_per_hour(self) -> Span:
        return sum((service.per_hour for service in self.services), NOTHING)

    @property
    def per_hour(self) -> Span:
        """Everything."""
        fixed = self._standing
        return self.fargate_per_hour + Span(fixed.low / HOURS_A_MONTH, fixed.high / HOURS_A_MONTH)

    @property
    def per_month(self) -> Span:
        """Everything, for 730 hours."""
        return self.fargate_per_hour.times(HOURS_A_MONTH) + self._standing

    @property
    def _standing(self) -> Span:
        return sum((part.per_month for part in self.standing), NOTHING)

    @property
    def currency(self) -> str:
        return self.prices.prices[0].currency if self.prices.prices else "USD"


@dataclass(frozen=True)
class Effect:
    """What a change of size or count would do to one service."""

    name: str
    before: LiveService
    after: LiveService

    @property
    def per_hour(self) -> Span:
        """The difference."""
        return self.after.per_hour - self.before.per_hour
