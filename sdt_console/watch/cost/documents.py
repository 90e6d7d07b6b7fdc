"""Costs as JSON, to be kept and read again: every amount as the text of its decimal."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from sdt_console.model.cost import Budget, BudgetAlert, FargatePrice, ForecastAnswer, ForecastDay
from sdt_console.model.cost_book import CostBook, CostEntry


def from_book(book: CostBook) -> dict[str, Any]:
    return {
        "granularity": book.granularity,
        "start": book.start.isoformat(),
        "end": book.end.isoformat(),
        "today": book.today.isoformat(),
        "at": book.at,
        "currency": book.currency,
        "estimated": sorted(day.isoformat() for day in book.estimated),
        "gap": str(book.gap),
        "entries": [
            [e.start.isoformat(), e.environment, e.part, e.kind, str(e.amount)] for e in book.entries
        ],
    }


def to_book(document: Any) -> CostBook:
    """:raises KeyError: or TypeError, ValueError: it is no such document."""
    return CostBook(
        granularity=document["granularity"],
        start=date.fromisoformat(document["start"]),
        end=date.fromisoformat(document["end"]),
        today=date.fromisoformat(document["today"]),
        at=float(document["at"]),
        currency=document["currency"],
        entries=tuple(
            CostEntry(date.fromisoformat(day), environment, part, kind, _decimal(amount))
            for day, environment, part, kind, amount in document["entries"]
        ),
        estimated=frozenset(date.fromisoformat(day) for day in document["estimated"]),
        gap=_decimal(document["gap"]),
    )


def from_forecast(answer: ForecastAnswer | None) -> dict[str, Any]:
    if answer is None:
        return {"days": None}
    return {
        "currency": answer.currency,
        "days": [[d.start.isoformat(), str(d.mean), str(d.low), str(d.high)] for d in answer.days],
    }


def to_forecast(document: Any) -> ForecastAnswer | None:
    if document["days"] is None:
        return None
    days = tuple(
        ForecastDay(date.fromisoformat(day), _decimal(mean), _decimal(low), _decimal(high))
        for day, mean, low, high in document["days"]
    )
    return ForecastAnswer(days, document["currency"])


def from_budgets(budgets: tuple[Budget, ...]) -> list[dict[str, Any]]:
    return [_texts(asdict(budget)) for budget in budgets]


def to_budgets(document: Any) -> tuple[Budget, ...]:
    return tuple(
        Budget(
            name=raw["name"],
            unit=raw["unit"],
            period=raw["period"],
            limit=_optional(raw["limit"]),
            spent=_decimal(raw["spent"]),
            forecast=_optional(raw["forecast"]),
            environments=tuple(raw["environments"]),
            alerts=tuple(
                BudgetAlert(
                    on=alert["on"],
                    comparison=alert["comparison"],
                    threshold=_decimal(alert["threshold"]),
                    absolute=alert["absolute"],
                    state=alert["state"],
                )
                for alert in raw["alerts"]
            ),
        )
        for raw in document
    )


def from_prices(prices: tuple[FargatePrice, ...]) -> list[dict[str, Any]]:
    return [_texts(asdict(price)) for price in prices]


def to_prices(document: Any) -> tuple[FargatePrice, ...]:
    return tuple(
        FargatePrice(
            region=raw["region"],
            architecture=raw["architecture"],
            vcpu=_decimal(raw["vcpu"]),
            gb=_decimal(raw["gb"]),
            storage_gb=_optional(raw["storage_gb"]),
            currency=raw["currency"],
            source=raw["source"],
            dated=raw["dated"],
        )
        for raw in document
    )


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


def _decimal(text: Any) -> Decimal:
    if not isinstance(text, str):
        raise TypeError(f"an amount is kept as text, not {text!r}")
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError(text) from None


def _optional(text: Any) -> Decimal | None:
    return None if text is None else _decimal(text)
