"""Cost Explorer: GetCostAndUsage, GetCostForecast, GetDimensionValues, GetTags."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from sdt_console.sandbox.ecs.errors import ApiError

from .filters import dimension, matcher, tag
from .ledger import Item, Ledger

TARGET = "AWSInsightsIndexService."
"""Prefix of the ``X-Amz-Target`` header."""
_COSTS = ("UnblendedCost", "BlendedCost", "AmortizedCost", "NetUnblendedCost", "NetAmortizedCost")
MONTHS_KEPT = 14
GROUPS_A_PAGE = 1000
"""AWS does not publish how much it puts on a page."""

Wire = dict[str, Any]


class CostExplorer:
    """Answers the calls over a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.operations: dict[str, Callable[[Wire], Wire]] = {
            "GetCostAndUsage": self.cost_and_usage,
            "GetCostForecast": self.forecast,
            "GetDimensionValues": self.dimension_values,
            "GetTags": self.tags,
        }

    def cost_and_usage(self, request: Wire) -> Wire:
        start, end = self._period(request)
        granularity = request.get("Granularity", "DAILY")
        if granularity not in ("DAILY", "MONTHLY"):
            raise ApiError(
                "ValidationException", f"Granularity {granularity} is not supported by the sandbox"
            )
        metrics = request.get("Metrics") or []
        if not metrics:
            raise ApiError("ValidationException", "Metrics must not be empty")
        groups = request.get("GroupBy", [])
        if len(groups) > 2:
            raise ApiError("ValidationException", "GroupBy can have at most 2 groups")
        passes = matcher(request.get("Filter"))
        by_period: dict[tuple[date, date], list[Item]] = {p: [] for p in _periods(start, end, granularity)}
        for item in self._ledger.items(start, end):
            if passes(item):
                by_period[next(p for p in by_period if p[0] <= item.day < p[1])].append(item)
        results = [
            {
                "TimePeriod": {"Start": begin.isoformat(), "End": until.isoformat()},
                "Total": {} if groups else _amounts(items, metrics),
                "Groups": _grouped(items, groups, metrics),
                "Estimated": until > self._ledger.today,
            }
            for (begin, until), items in by_period.items()
        ]
        page, token = _page(results, request.get("NextPageToken", ""))
        answer: Wire = {
            "ResultsByTime": page,
            "GroupDefinitions": groups,
            "DimensionValueAttributes": [],
        }
        return answer | ({"NextPageToken": token} if token else {})

    def forecast(self, request: Wire) -> Wire:
        start, end = _dates(request)
        if start < self._ledger.today:
            raise ApiError("ValidationException", "Start date must be today or in the future")
        if end <= start:
            raise ApiError("ValidationException", "Start date must be before end date")
        level = request.get("PredictionIntervalLevel", 80)
        spread = 0.03 + 0.1 * (level / 100)
        passes = matcher(request.get("Filter"))
        results = []
        total = 0.0
        for begin, until in _periods(start, end, request.get("Granularity", "DAILY")):
            days = (begin + timedelta(days=n) for n in range((until - begin).days))
            mean = sum(self._ledger.expected(day, passes) for day in days)
            total += mean
            results.append(
                {
                    "TimePeriod": {"Start": begin.isoformat(), "End": until.isoformat()},
                    "MeanValue": str(mean),
                    "PredictionIntervalLowerBound": str(mean * (1 - spread)),
                    "PredictionIntervalUpperBound": str(mean * (1 + spread)),
                }
            )
        return {"Total": {"Amount": str(total), "Unit": "USD"}, "ForecastResultsByTime": results}

    def dimension_values(self, request: Wire) -> Wire:
        start, end = self._period(request)
        values = sorted({dimension(item, request["Dimension"]) for item in self._ledger.items(start, end)})
        found = [
            {"Value": v, "Attributes": {}}
            for v in values
            if request.get("SearchString", "").lower() in v.lower()
        ]
        return {"DimensionValues": found, "ReturnSize": len(found), "TotalSize": len(found)}

    def tags(self, request: Wire) -> Wire:
        key = request.get("TagKey")
        if not key:
            return {"Tags": ["Environment", "Service"], "ReturnSize": 2, "TotalSize": 2}
        start, end = self._period(request)
        values = sorted({tag(item, key) for item in self._ledger.items(start, end)})
        return {"Tags": values, "ReturnSize": len(values), "TotalSize": len(values)}

    def _period(self, request: Wire) -> tuple[date, date]:
        start, end = _dates(request)
        if end <= start:
            raise ApiError("ValidationException", "Start date should be before end date")
        if (self._ledger.today - start).days > MONTHS_KEPT * 31:
            raise ApiError("ValidationException", "You haven't enabled historical data beyond 14 months")
        return start, end


def _dates(request: Wire) -> tuple[date, date]:
    period = request.get("TimePeriod") or {}
    try:
        return date.fromisoformat(period["Start"]), date.fromisoformat(period["End"])
    except (KeyError, ValueError, TypeError):
        raise ApiError("ValidationException", "Start and End must be dates: yyyy-MM-dd") from None


def _periods(start: date, end: date, granularity: str) -> list[tuple[date, date]]:
    found = []
    while start < end:
        step = 1
        if granularity == "MONTHLY":
            step = calendar.monthrange(start.year, start.month)[1] - start.day + 1
        until = min(start + timedelta(days=step), end)
        found.append((start, until))
        start = until
    return found


def _page(results: list[Wire], token: str) -> tuple[list[Wire], str]:
    """One page of the results, and the token of the next; a period is cut where the page ends."""
    if token and not token.isdecimal():
        raise ApiError("InvalidNextTokenException", "The pagination token is invalid")
    groups = [(n, group) for n, result in enumerate(results) for group in result["Groups"]]
    start = int(token or 0)
    end = start + GROUPS_A_PAGE
    if not token and end >= len(groups):
        return results, ""
    found: dict[int, list[Wire]] = {}
    for n, group in groups[start:end]:
        found.setdefault(n, []).append(group)
    page = [results[n] | {"Groups": part} for n, part in found.items()]
    return page, str(end) if end < len(groups) else ""


def _grouped(items: Iterable[Item], groups: list[Wire], metrics: list[str]) -> list[Wire]:
    if not groups:
        return []
    found: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        found.setdefault(tuple(_key(item, group) for group in groups), []).append(item)
    return [{"Keys": list(keys), "Metrics": _amounts(found[keys], metrics)} for keys in sorted(found)]


def _key(item: Item, group: Wire) -> str:
    if group["Type"] == "TAG":
        return f"{group['Key']}${tag(item, group['Key'])}"
    if group["Type"] == "DIMENSION":
        return dimension(item, group["Key"])
    raise ApiError("ValidationException", f"Grouping by {group['Type']} is not supported by the sandbox")


def _amounts(items: Iterable[Item], metrics: list[str]) -> Wire:
    items = list(items)
    found: Wire = {}
    for metric in metrics:
        if metric in _COSTS:
            found[metric] = {"Amount": f"{sum(item.cost for item in items):.10f}", "Unit": "USD"}
        elif metric in ("UsageQuantity", "NormalizedUsageAmount"):
            found[metric] = {"Amount": f"{sum(item.hours for item in items):.10f}", "Unit": "N/A"}
        else:
            raise ApiError("ValidationException", f"Invalid metric: {metric}")
    return found
