"""Money: what AWS has charged, and what runs now costs. Amounts are exact decimals, never floats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Kind = Literal["charge", "credit", "refund", "tax"]


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

    def reached(self, alert: BudgetAlert) -> bool | None:
        """Whether what ``alert`` looks at is beyond its threshold; ``None`` if that is not known."""
        amount = self.spent if alert.on == "actual" else self.forecast
        if amount is None or (self.limit is None and not alert.absolute):
            return None
        threshold = alert.threshold if alert.absolute else (self.limit or Decimal(0)) * alert.threshold / 100
        if alert.comparison == "LESS_THAN":
            return amount < threshold
        return amount == threshold if alert.comparison == "EQUAL_TO" else amount > threshold


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
class EndedTask:
    """A task that has stopped.

    :param seconds: from the beginning of the pull of its image to its end; what it is billed for.
    """

    group: str
    size: TaskSize
    seconds: float


@dataclass(frozen=True)
class CostPoint:
    """One value of a metric.

    :param dimensions: names and values.
    :param at: when the value was true, seconds since the epoch.
    """

    metric: str
    dimensions: tuple[tuple[str, str], ...]
    value: Decimal
    at: float
