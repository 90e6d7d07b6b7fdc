"""AWS Cost Explorer. Every request costs $0.01, each page and each repeated attempt counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code, no_such_call
from sdt_console.errors import CloudError, UnreachableError
from sdt_console.model.cost import CostAnswer, CostQuery, CostRow, ForecastAnswer, ForecastDay

METRIC = "UnblendedCost"
"""What was charged on the day on which it was used, as on the invoice."""
_INTERVAL_PERCENT = 80
_PAGES = 1000


class CostExplorerClient:
    """GetCostAndUsage and GetCostForecast.

    :param aws: of any region; the SDK knows where the partition's one endpoint is (``us-east-1``).
    :param sent: told of every request once it was sent, answered or not: its operation and how many.
    """

    def __init__(self, aws: Aws, sent: Callable[[str, int], None] = lambda _operation, _count: None) -> None:
        self._aws = aws
        self._sent = sent
        self._turn = asyncio.Lock()

    async def costs(self, query: CostQuery) -> CostAnswer:
        """All pages of one question, joined.

        :raises NotAllowedError: for want of ``ce:GetCostAndUsage``.
        :raises UnreachableError: too many requests.
        :raises CloudError: Cost Explorer is not enabled, or its pages do not fit together.
        """
        rows: dict[tuple[date, tuple[str, ...]], CostRow] = {}
        currencies: set[str] = set()
        request: dict[str, Any] = {
            "TimePeriod": {"Start": query.start.isoformat(), "End": query.end.isoformat()},
            "Granularity": query.granularity,
            "Metrics": [METRIC],
            "GroupBy": [_group(group) for group in query.groups],
        }
        if narrowed := _filter(query.without, None):
            request["Filter"] = narrowed
        token = ""
        for number in range(1, _PAGES):
            page = await self._ask(
                "get_cost_and_usage", request | ({"NextPageToken": token} if token else {})
            )
            for row, currency in _rows(page, query.groups):
                if rows.setdefault((row.start, row.keys), row) is not row:
                    raise CloudError(
                        "ce:GetCostAndUsage told the same costs twice", f"{row.start} {row.keys}"
                    )
                currencies.add(currency)
            token = page.get("NextPageToken") or ""
            if not token:
                return CostAnswer(tuple(rows.values()), _only(currencies), number)
        raise CloudError("ce:GetCostAndUsage does not end", f"more than {_PAGES - 1} pages")

    async def forecast(
        self, start: date, end: date, *, without: tuple[str, ...] = (), tag: tuple[str, str] | None = None
    ) -> ForecastAnswer | None:
        """AWS's forecast by day; ``None`` where AWS has none: too little history, or an endpoint without it.

        :param start: today or later (UTC); ``end``: the day after the last one.
        :param without: record types left out.
        :param tag: key and value; only what has it.
        """
        request: dict[str, Any] = {
            "TimePeriod": {"Start": start.isoformat(), "End": end.isoformat()},
            "Metric": "UNBLENDED_COST",
            "Granularity": "DAILY",
            "PredictionIntervalLevel": _INTERVAL_PERCENT,
        }
        if narrowed := _filter(without, tag):
            request["Filter"] = narrowed
        try:
            answer = await self._ask("get_cost_forecast", request)
        except CloudError as error:
            cause = error.__cause__ or error
            if error_code(cause) == "DataUnavailableException" or no_such_call(cause):
                return None
            raise
        days = tuple(
            ForecastDay(
                date.fromisoformat(day["TimePeriod"]["Start"]),
                amount(day["MeanValue"]),
                amount(day.get("PredictionIntervalLowerBound", day["MeanValue"])),
                amount(day.get("PredictionIntervalUpperBound", day["MeanValue"])),
            )
            for day in answer["ForecastResultsByTime"]
        )
        return ForecastAnswer(days, str(answer.get("Total", {}).get("Unit", "USD")))

    async def _ask(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        counts = self._aws.call.counts
        name = "ce:" + "".join(part.capitalize() for part in operation.split("_"))
        async with self._turn:  # one at a time: it is the quota, and what was sent can be counted
            before = counts[name]
            try:
                return await self._aws.read("ce", operation, **request)
            except CloudError as error:
                raise _told(name, error) from error.__cause__
            finally:
                self._sent(name, counts[name] - before)


def amount(text: object) -> Decimal:
    """An amount as AWS writes it; exact.

    :raises CloudError: it is no number.
    """
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise CloudError("AWS told an amount that is no number", repr(text))
    return found


def _told(operation: str, error: CloudError) -> CloudError:
    code = error_code(error.__cause__ or error)
    if code == "LimitExceededException":
        return UnreachableError(f"{operation} is throttled", error.cause, "wait a minute, then run again")
    if code == "DataUnavailableException" and operation == "ce:GetCostAndUsage":
        return CloudError(
            "Cost Explorer has no data for this account",
            error.cause,
            "enable it in the Billing console, and wait a day; `sdt cost --live` works without it",
        )
    return error


def _filter(without: Sequence[str], tag: tuple[str, str] | None) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if without:
        parts.append({"Not": {"Dimensions": {"Key": "RECORD_TYPE", "Values": list(without)}}})
    if tag is not None:
        parts.append({"Tags": {"Key": tag[0], "Values": [tag[1]]}})
    return {"And": parts} if len(parts) > 1 else parts[0] if parts else {}


def _group(group: str) -> dict[str, str]:
    if group.startswith("TAG:"):
        return {"Type": "TAG", "Key": group.removeprefix("TAG:")}
    return {"Type": "DIMENSION", "Key": group}


def _rows(page: Mapping[str, Any], groups: Sequence[str]) -> list[tuple[CostRow, str]]:
    found = []
    for result in page["ResultsByTime"]:
        period = result["TimePeriod"]
        start, end = date.fromisoformat(period["Start"]), date.fromisoformat(period["End"])
        for group in result.get("Groups", ()):
            keys = tuple(_value(kind, told) for kind, told in zip(groups, group["Keys"], strict=True))
            metric = group["Metrics"][METRIC]
            row = CostRow(start, end, keys, amount(metric["Amount"]), bool(result.get("Estimated")))
            found.append((row, str(metric["Unit"])))
    return found


def _value(group: str, told: str) -> str:
    """A tag's value comes as ``key$value``; a key may itself have a dollar sign."""
    return told.removeprefix(group.removeprefix("TAG:") + "$") if group.startswith("TAG:") else told


def _only(currencies: set[str]) -> str:
    known = currencies - {"N/A"}
    if len(known) > 1:
        raise CloudError("the costs are in several currencies", ", ".join(sorted(known)))
    return known.pop() if known else "USD"
