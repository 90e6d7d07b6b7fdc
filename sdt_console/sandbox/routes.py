"""Which calls of the JSON APIs the sandbox answers itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .costs import budgets, explorer, price_list
from .costs.ledger import Ledger
from .ecs import api
from .logs.search import filter_log_events

Wire = dict[str, Any]
Operation = Callable[[Wire], Wire]


class Routes:
    """Finds who answers a call by its ``X-Amz-Target`` header.

    :param ecs: account and region → its ECS.
    """

    def __init__(self, ecs: Callable[[str, str], api.Ecs], ledger: Ledger) -> None:
        self._ecs = ecs
        self._ledger = ledger
        self._explorer = explorer.CostExplorer(ledger)

    def find(self, target: str, account: str, region: str) -> Operation | None:
        """What answers the call; ``None`` if moto does. The lock must be held when it is called."""
        operation = target.rpartition(".")[2]
        if target.startswith(api.TARGET) and operation in api.OPERATIONS:
            return lambda request: self._ecs(account, region).call(operation, request)
        if target == "Logs_20140328.FilterLogEvents":
            return lambda request: filter_log_events(account, region, request)
        if target == price_list.TARGET:
            return price_list.get_products
        if target.startswith(explorer.TARGET):
            return self._explorer.operations.get(operation)
        return None

    def amend(self, target: str, body: bytes) -> bytes:
        """moto's successful answer, put right where it does not know better."""
        if target.startswith(budgets.TARGET) and target.endswith(("DescribeBudget", "DescribeBudgets")):
            return budgets.with_spend(body, self._ledger)
        return body
