"""What runs now, priced: its picture and its document."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from sdt_console.cli.cost_words import ago, bar, moment, money, named, row, sheet, span
from sdt_console.model.cost import TaskSize
from sdt_console.model.cost_live import HOURS_A_MONTH, Effect, LiveCost, LiveService, PriceList, Span
from sdt_console.text import plural
from sdt_console.watching.cost_view import in_cents

_BAR = 6
_NAME, _NAME_BESIDE_RANGES = 27, 18
_HOUR_PLACES = 4


def picture(live: LiveCost, effects: Sequence[Effect], now: float) -> RenderableType:
    """Each service an hour and a month, what stands beside them, and what a change would do."""
    currency = live.currency
    ranges = any(service.per_hour.low != service.per_hour.high for service in live.services)
    width, bars = (_NAME_BESIDE_RANGES, 0) if ranges else (_NAME, _BAR)  # eighty columns hold no more
    table = sheet("SERVICE", ">TASKS", "SIZE", "", ">AN HOUR", ">A MONTH")
    most = max((service.per_hour.high for service in live.services), default=Decimal(0))
    hours = _adding_up([service.per_hour for service in live.services], _HOUR_PLACES)
    months = _adding_up([service.per_month for service in live.services], 2)
    for service, hour, month in zip(live.services, hours, months, strict=True):
        name = Text(named(service.name, width), style="" if service.managed else "yellow")
        row(
            table, name, str(service.tasks), _sizes(service), bar(service.per_hour.high, most, bars),
            span(hour, currency, _HOUR_PLACES), span(month, currency),
        )  # fmt: skip
    fargate = live.fargate_per_hour
    row(
        table, "Fargate", str(sum(s.tasks for s in live.services)), "", "",
        span(fargate, currency, _HOUR_PLACES), span(fargate.times(HOURS_A_MONTH), currency), style="bold",
    )  # fmt: skip
    heading = Text(f"Running now in {live.environment}", style="bold")
    heading.append(f"  {moment(live.at)}, a month is 730 hours", style="not bold dim")
    parts: list[RenderableType] = [heading, Text(), table]
    parts += [
        Text(f"! {named(s.name)}: {named(s.why)}", style="yellow", overflow="fold")
        for s in live.services
        if s.why
    ]
    if any(size.spot for service in live.services for size, _ in service.sizes):
        parts.append(Text("Spot is up to 70 % less than the list price: both ends are shown.", style="dim"))
    if live.ended.tasks:
        told = f"{plural(live.ended.tasks, 'task')} stopped within the last hour or so and cost "
        told += f"{span(live.ended.cost, currency, _HOUR_PLACES)}, each at least its minute."
        parts.append(Text(told, overflow="fold"))
    if live.standing:
        parts += [Text(), _standing(live)]
    if effects:
        parts += [Text(), _effects(effects, currency)]
    parts += [Text(), *_prices(live.prices, now)]
    return Group(*parts)


def document(live: LiveCost, effects: Sequence[Effect]) -> dict[str, Any]:
    """The JSON document of ``sdt cost --live``; amounts are texts, exact."""
    prices = live.prices
    return {
        "version": 1,
        "environment": live.environment,
        "at": live.at,
        "currency": live.currency,
        "per_hour": _span(live.per_hour),
        "per_month": _span(live.per_month),
        "fargate_per_hour": _span(live.fargate_per_hour),
        "services": [_service(service) for service in live.services],
        "ended": {"tasks": live.ended.tasks, "cost": _span(live.ended.cost)},
        "standing": [
            {"name": part.part, "per_month": _span(part.per_month), "source": "the catalog's estimate"}
            for part in live.standing
        ],
        "effects": [
            {
                "name": effect.name,
                "before": _service(effect.before),
                "after": _service(effect.after),
                "per_hour": _span(effect.per_hour),
                "per_month": _span(effect.per_hour.times(HOURS_A_MONTH)),
            }
            for effect in effects
        ],
        "prices": {
            "region": prices.region,
            "borrowed": prices.borrowed,
            "trouble": prices.trouble,
            "list": [
                {
                    "region": price.region,
                    "architecture": price.architecture,
                    "vcpu_hour": str(price.vcpu),
                    "gb_hour": str(price.gb),
                    "storage_gb_hour": None if price.storage_gb is None else str(price.storage_gb),
                    "source": price.source,
                    "dated": price.dated,
                }
                for price in prices.prices
            ],
        },
    }


def rows(live: LiveCost) -> tuple[list[str], list[list[str]]]:
    """The services as a table to export: names of columns, and rows; exact."""
    columns = [
        "service",
        "tasks",
        "per_hour_low",
        "per_hour_high",
        "per_month_low",
        "per_month_high",
        "currency",
    ]
    found = [
        [
            s.name, str(s.tasks), str(s.per_hour.low), str(s.per_hour.high),
            str(s.per_month.low), str(s.per_month.high), live.currency,
        ]
        for s in live.services
    ]  # fmt: skip
    return columns, found


def _adding_up(amounts: Sequence[Span], places: int) -> list[Span]:
    """The amounts rounded so that both ends add up."""
    unit = Decimal(1).scaleb(-places)
    ends = (in_cents([a.low for a in amounts], unit), in_cents([a.high for a in amounts], unit))
    return [Span(low, high) for low, high in zip(*ends, strict=True)]


def _standing(live: LiveCost) -> RenderableType:
    """What the catalog's estimate says of the rest, and everything together."""
    table = sheet("CATALOG'S ESTIMATE OF WHAT STANDS", ">AN HOUR", ">A MONTH")
    for part in live.standing:
        hour = Span(part.per_month.low / HOURS_A_MONTH, part.per_month.high / HOURS_A_MONTH)
        row(table, part.part, span(hour, live.currency), span(part.per_month, live.currency, 0))
    total = (span(live.per_hour, live.currency), span(live.per_month, live.currency))
    row(table, "Total, with Fargate", *total, style="bold")
    return table


def _effects(effects: Sequence[Effect], currency: str) -> RenderableType:
    table = sheet("WHAT IF", "NOW", "THEN", ">AN HOUR", ">A MONTH")
    for effect in effects:
        month = effect.per_hour.times(HOURS_A_MONTH)
        row(
            table, named(effect.name), _count(effect.before), _count(effect.after),
            _change(effect.per_hour, currency, _HOUR_PLACES), _change(month, currency, 2),
        )  # fmt: skip
    return table


def _change(amount: Span, currency: str, places: int) -> str:
    low, high = (money(end, currency, places, signed=True) for end in sorted((amount.low, amount.high)))
    return high if low == high else f"{low} to {high}"


def _count(service: LiveService) -> str:
    return f"{service.tasks} × {_sizes(service)}" if service.sizes else "none"


def _sizes(service: LiveService) -> str:
    """``0.25 vCPU 1 GB``; more than one size is said to be."""
    if not service.sizes:
        return ""
    size, _ = max(service.sizes, key=lambda found: found[1])
    more = len(service.sizes) - 1
    return _size(size) + (f" +{more}" if more else "")


def _size(size: TaskSize) -> str:
    vcpu, gb = Decimal(size.cpu) / 1024, Decimal(size.memory) / 1024
    text = f"{vcpu.normalize():f} vCPU {gb.normalize():f} GB"
    text += " arm" if size.architecture == "arm64" else ""
    return text + (" spot" if size.spot else "")


def _prices(prices: PriceList, now: float) -> list[Text]:
    if not prices.prices:
        return [Text("! no price is known", style="yellow")]
    price = prices.prices[0]
    told = f"Prices of {price.region}: {price.source}, of {price.dated}"
    if prices.read_at is not None:
        told += f", read {ago(now - prices.read_at)}"
    found = [Text(f"{told}. Fargate by the second, one minute at least.", style="dim", overflow="fold")]
    if prices.trouble:
        found.append(Text(f"From this package, as {named(prices.trouble)}.", style="dim", overflow="fold"))
    if prices.borrowed:
        warning = (
            f"! these are {price.region}'s prices: none is known for {prices.region}, which may be dearer"
        )
        found.append(Text(warning, style="yellow", overflow="fold"))
    return found


def _service(service: LiveService) -> dict[str, Any]:
    return {
        "name": service.name,
        "managed": service.managed,
        "tasks": service.tasks,
        "sizes": [
            {
                "cpu": size.cpu,
                "memory": size.memory,
                "storage": size.storage,
                "architecture": size.architecture,
                "platform": size.platform,
                "spot": size.spot,
                "fargate": size.fargate,
                "count": count,
            }
            for size, count in service.sizes
        ],
        "per_hour": _span(service.per_hour),
        "per_month": _span(service.per_month),
        "unpriced": service.unpriced,
        "why": service.why,
    }


def _span(amount: Span) -> dict[str, str]:
    return {"low": str(amount.low), "high": str(amount.high)}
