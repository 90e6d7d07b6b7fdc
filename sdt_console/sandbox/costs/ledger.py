"""What every day cost, item by item."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

VCPU_HOUR, GB_HOUR = 0.04048, 0.004445
"""Fargate, Linux/x86, public list price of us-east-1, USD; other regions are often dearer."""

FARGATE = "Amazon Elastic Container Service"
MONTHLY_SHARES = {
    "Amazon Relational Database Service": 0.12,
    "EC2 - Other": 0.2,  # NAT gateways
    "Amazon Elastic Load Balancing": 0.12,
    "Amazon Simple Storage Service": 0.04,
    "AmazonCloudWatch": 0.07,
    "Amazon EC2 Container Registry (ECR)": 0.02,
}
"""The other services' cost as a share of Fargate's, as it is in a small system."""
GROWTH_PER_DAY = 0.0006
TAX = 0.2
"""Booked on the first day of a month, on what the month before has cost; without a tag."""
CREDIT_A_MONTH = 5.0
"""USD, given on the second day of a month."""


@dataclass(frozen=True)
class Running:
    """What one ECS service has running now.

    :param vcpu: of all its tasks together.
    :param gb: memory of all its tasks together, in GB.
    """

    account: str
    environment: str
    service: str
    vcpu: float
    gb: float

    @property
    def per_hour(self) -> float:
        """USD."""
        return self.vcpu * VCPU_HOUR + self.gb * GB_HOUR


@dataclass(frozen=True)
class Item:
    """One line of the bill; ``tag`` values are empty where the resource has no such tag.

    :param record: Cost Explorer's record type.
    """

    day: date
    service: str
    environment: str
    tag: str
    cost: float
    hours: float
    account: str
    region: str
    record: str = "Usage"


class Ledger:
    """Makes the bill.

    :param running: what runs now, asked at every question.
    :param now: seconds since the epoch.
    """

    def __init__(self, running: Callable[[], list[Running]], now: Callable[[], float], region: str) -> None:
        self._running = running
        self._now = now
        self._region = region

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self._now(), UTC).date()

    def items(self, start: date, end: date) -> Iterator[Item]:
        """The items of every day in ``[start, end)`` up to today; today's only as far as it has gone."""
        running = self._running()
        day = start
        while day < end and day <= self.today:
            yield from self._day(day, running, self._gone(day))
            yield from self._booked(day, running)
            day += timedelta(days=1)

    def expected(self, day: date, passes: Callable[[Item], bool] = lambda item: True) -> float:
        """What a day to come will cost, in USD."""
        return sum(item.cost for item in self._day(day, self._running(), 1.0) if passes(item))

    def daily(self, account: str) -> dict[str, float]:
        """Environment → what one day of what runs now costs, in USD."""
        found: dict[str, float] = {}
        for item in self._day(self.today, self._running(), 1.0):
            if item.account == account:
                found[item.environment] = found.get(item.environment, 0.0) + item.cost
        return found

    def _booked(self, day: date, running: list[Running]) -> Iterator[Item]:
        """Tax and credits of a day."""
        if day.day > 2:
            return
        daily: dict[str, float] = {}
        for item in self._day(day, running, 1.0):
            daily[item.account] = daily.get(item.account, 0.0) + item.cost
        for account, cost in daily.items():
            if day.day == 1:
                yield Item(day, "Tax", "", "", cost * 30 * TAX, 0.0, account, self._region, "Tax")
            else:
                yield Item(day, FARGATE, "", "", -CREDIT_A_MONTH, 0.0, account, self._region, "Credit")

    def _gone(self, day: date) -> float:
        """The part of a day that has passed: 0 to 1."""
        begin = datetime.combine(day, time(), UTC).timestamp()
        return min(1.0, max(0.0, (self._now() - begin) / 86400))

    def _day(self, day: date, running: list[Running], share: float) -> Iterator[Item]:
        # It has grown to what it is today, and wavers from day to day.
        trend = (1 - GROWTH_PER_DAY) ** max((self.today - day).days, 0)
        totals: dict[tuple[str, str], float] = {}
        for part in running:
            waver = 0.94 + 0.12 * _chance(f"{part.service}/{part.environment}/{day}")
            cost = part.per_hour * 24 * share * trend * waver
            key = (part.account, part.environment)
            totals[key] = totals.get(key, 0.0) + part.per_hour * 24 * share * trend
            yield Item(
                day, FARGATE, part.environment, part.service, cost, 24 * share, part.account, self._region
            )
        for (account, environment), total in totals.items():
            for service, portion in MONTHLY_SHARES.items():
                waver = 0.9 + 0.2 * _chance(f"{service}/{environment}/{day}")
                cost = total * portion * waver
                yield Item(day, service, environment, "", cost, 24 * share, account, self._region)


def _chance(key: str) -> float:
    return zlib.crc32(key.encode()) / 2**32
