"""Money: what AWS has charged, and what runs now costs. Amounts are exact decimals, never floats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

HOURS_A_MONTH = Decimal(730)
"""What AWS's own calculators take for a month."""

Kind = Literal["charge", "credit", "refund", "tax"]

ENVIRONMENT, SERVICE, RECORD_TYPE = "environment", "service", "record type"
"""What costs can be grouped by; ``COMPONENT`` is our own service, by its tag."""
COMPONENT = "component"


@dataclass(frozen=True)
class CostQuery:
    """One question to Cost Explorer.

    :param start: first day; ``end``: the day after the last one (UTC).
    :param groups: one or two of ``SERVICE``, ``RECORD_TYPE``, and ``TAG:key``.
    :param without: record types left out, such as ``Tax``.
    """

    start: date
    end: date
    granularity: Literal["DAILY", "MONTHLY"]
    groups: tuple[str, ...]
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class CostRow:
    """One group of one period, as Cost Explorer tells it.

    :param keys: a value for each group of the query; empty for a resource without the tag.
    :param estimated: AWS may still change it.
    """

    start: date
    end: date
    keys: tuple[str, ...]
    amount: Decimal
    estimated: bool = False


@dataclass(frozen=True)
class CostAnswer:
    """All pages of one answer.

    :param currency: ``USD``, …
    :param requests: requests that it took, each of them paid for.
    """

    rows: tuple[CostRow, ...]
    currency: str
    requests: int


@dataclass(frozen=True)
class ForecastDay:
    """AWS's forecast of one day, with the bounds of its 80 % prediction interval."""

    start: date
    mean: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class ForecastAnswer:
    days: tuple[ForecastDay, ...]
    currency: str


@dataclass(frozen=True)
class BudgetAlert:
    """A notification of a budget.

    :param on: what it looks at: what was spent, or what AWS forecasts.
    :param threshold: a percentage of the limit, or an amount if ``absolute``.
    :param state: ``OK`` or ``ALARM`` as AWS says; empty where it does not.
    """

    on: Literal["actual", "forecast"]
    comparison: str
    threshold: Decimal
    absolute: bool
    state: str = ""


@dataclass(frozen=True)
class Budget:
    """One budget of the account.

    :param limit: ``None`` for a budget whose limit AWS plans by itself and does not tell.
    :param forecast: AWS's own; ``None`` where it has none.
    :param environments: values of the environment's tag that it counts; empty for the whole account.
    """

    name: str
    unit: str
    period: str
    limit: Decimal | None
    spent: Decimal
    forecast: Decimal | None
    environments: tuple[str, ...] = ()
    alerts: tuple[BudgetAlert, ...] = ()

    @property
    def used(self) -> Decimal | None:
        """The part of the limit that is spent: 1 is all of it."""
        return self.spent / self.limit if self.limit else None


Architecture = Literal["x86_64", "arm64"]


@dataclass(frozen=True)
class FargatePrice:
    """Fargate's list price of one region and architecture, per hour; Linux.

    :param storage_gb: per GB above the 20 that are included; ``None`` where it is not known.
    :param source: where it was read; ``dated``: when it was true (ISO).
    """

    region: str
    architecture: Architecture
    vcpu: Decimal
    gb: Decimal
    storage_gb: Decimal | None
    currency: str
    source: str
    dated: str


@dataclass(frozen=True)
class TaskSize:
    """What a task on Fargate is billed for.

    :param cpu: CPU units, 1024 a vCPU; ``memory``: MiB; ``storage``: GiB of ephemeral storage.
    :param platform: ``Linux``, or ``Windows``, which has other prices.
    """

    cpu: int
    memory: int
    storage: int = 20
    architecture: Architecture = "x86_64"
    spot: bool = False
    platform: str = "Linux"
    fargate: bool = True


@dataclass(frozen=True)
class RunningTask:
    """A task that runs, or that is on its way to.

    :param group: ``service:NAME`` for a task of a service.
    """

    group: str
    size: TaskSize


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
    :param per_hour: ``None`` if no price is known for what it runs on; ``why`` then says so.
    """

    name: str
    sizes: tuple[tuple[TaskSize, int], ...]
    per_hour: Span | None
    managed: bool = True
    why: str = ""

    @property
    def tasks(self) -> int:
        return sum(count for _, count in self.sizes)

    @property
    def per_month(self) -> Span | None:
        return self.per_hour.times(HOURS_A_MONTH) if self.per_hour is not None else None
