"""Whom the costs are asked of; implemented in ``clients/``."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from sdt_console.model.cost import Budget, CostAnswer, CostQuery, FargatePrice, ForecastAnswer


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""
        ...


class Explorer(Protocol):
    """Cost Explorer; every call costs money."""

    async def costs(self, query: CostQuery) -> CostAnswer: ...

    async def forecast(
        self, start: date, end: date, *, without: tuple[str, ...] = (), tag: tuple[str, str] | None = None
    ) -> ForecastAnswer | None: ...


class Budgets(Protocol):
    async def budgets(self, account: str, environment_tag: str) -> tuple[Budget, ...]: ...


class PriceSource(Protocol):
    async def fargate(self, region: str) -> tuple[FargatePrice, ...]: ...
