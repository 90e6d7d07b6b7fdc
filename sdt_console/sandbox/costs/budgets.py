"""Budgets: moto keeps them, the ledger says what has been spent."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from .ledger import Ledger

TARGET = "AWSBudgetServiceGateway."
ALERTS = (("ACTUAL", 80.0), ("FORECASTED", 100.0))
"""What is told of a budget: when so many percent of it are spent, or expected to be."""


def put_budget(backend: Any, account: str, environment: str, limit: float) -> None:
    """A monthly cost budget of one environment.

    :param backend: moto's Budgets.
    :param limit: USD a month.
    """
    budget = {
        "BudgetName": f"{environment}-monthly",
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": f"{limit:.1f}", "Unit": "USD"},
        "CostFilters": {"TagKeyValue": [f"user:Environment${environment}"]},
    }
    backend.create_budget(account, budget, [_notification(*alert) for alert in ALERTS])


def with_spend(body: bytes, ledger: Ledger) -> bytes:
    """moto's answer to DescribeBudget or DescribeBudgets, with the true ``CalculatedSpend``."""
    answer = json.loads(body)
    for budget in [answer["Budget"]] if "Budget" in answer else answer.get("Budgets", []):
        tags = budget.get("CostFilters", {}).get("TagKeyValue", [])
        environments = {value.partition("$")[2] for value in tags}
        budget["CalculatedSpend"] = _spend(ledger, environments)
    return json.dumps(answer).encode()


def _notification(kind: str, percent: float) -> dict[str, Any]:
    return {
        "Notification": {
            "NotificationType": kind,
            "ComparisonOperator": "GREATER_THAN",
            "Threshold": percent,
            "ThresholdType": "PERCENTAGE",
        },
        "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "on-call@example.com"}],
    }


def _spend(ledger: Ledger, environments: set[str]) -> dict[str, Any]:
    today = ledger.today
    first = today.replace(day=1)
    following = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    spent = sum(
        item.cost
        for item in ledger.items(first, following)
        if not environments or item.environment in environments
    )
    gone = max((today - first).days + 0.5, 0.5)
    forecast = spent / gone * (following - first).days
    return {
        "ActualSpend": {"Amount": f"{spent:.3f}", "Unit": "USD"},
        "ForecastedSpend": {"Amount": f"{forecast:.3f}", "Unit": "USD"},
    }
