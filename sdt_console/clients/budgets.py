"""AWS Budgets: what was to be spent, what is, and who is told when. These requests cost nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code
from sdt_console.clients.cost import amount
from sdt_console.errors import CloudError, NotAllowedError
from sdt_console.model.cost import Budget, BudgetAlert

_A_PAGE = 100
_RIGHT = "budgets:ViewBudget"
"""The one right to read budgets (Service Authorization Reference, "AWS Budgets")."""


class BudgetsClient:
    """DescribeBudgets and DescribeNotificationsForBudget.

    :param aws: of any region; the SDK knows where the partition's one endpoint is.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def budgets(self, account: str, environment_tag: str) -> tuple[Budget, ...]:
        """The account's budgets of costs with their alerts, by name; none if there are none.

        :param account: 12-digit account id.
        :raises NotAllowedError: for want of ``budgets:ViewBudget``.
        """
        found = await self._listed("describe_budgets", "Budgets", AccountId=account, MaxResults=_A_PAGE)
        costs = [_budget(raw, environment_tag) for raw in found if raw.get("BudgetType") == "COST"]
        told = [replace(b, alerts=await self._alerts(account, b.name)) for b in costs]
        return tuple(sorted(told, key=lambda budget: budget.name))

    async def _alerts(self, account: str, budget: str) -> tuple[BudgetAlert, ...]:
        found = await self._listed(
            "describe_notifications_for_budget", "Notifications", AccountId=account, BudgetName=budget
        )
        return tuple(_alert(raw) for raw in found)

    async def _listed(self, operation: str, key: str, **parameters: Any) -> list[Any]:
        try:
            return await self._aws.pages("budgets", operation, key, **parameters)
        except NotAllowedError as error:  # the right is not called as the calls are
            raise NotAllowedError(_RIGHT, error.cause) from error.__cause__
        except CloudError as error:
            if error_code(error.__cause__ or error) == "NotFoundException":
                return []
            raise


def _budget(raw: Mapping[str, Any], environment_tag: str) -> Budget:
    limit, spend = raw.get("BudgetLimit"), raw.get("CalculatedSpend", {})
    actual, forecast = spend.get("ActualSpend", {}), spend.get("ForecastedSpend")
    prefix = f"user:{environment_tag}$"
    tags = raw.get("CostFilters", {}).get("TagKeyValue", [])
    return Budget(
        name=str(raw["BudgetName"]),
        unit=str((limit or actual).get("Unit", "USD")),
        period=str(raw.get("TimeUnit", "")).lower(),
        limit=amount(limit["Amount"]) if limit else None,
        spent=amount(actual.get("Amount", "0")),
        forecast=amount(forecast["Amount"]) if forecast else None,
        environments=tuple(t.removeprefix(prefix) for t in tags if t.startswith(prefix)),
    )


def _alert(raw: Mapping[str, Any]) -> BudgetAlert:
    return BudgetAlert(
        on="forecast" if raw["NotificationType"] == "FORECASTED" else "actual",
        comparison=str(raw.get("ComparisonOperator", "GREATER_THAN")),
        threshold=Decimal(str(raw["Threshold"])),
        absolute=raw.get("ThresholdType") == "ABSOLUTE_VALUE",
        state=str(raw.get("NotificationState", "")),
    )
