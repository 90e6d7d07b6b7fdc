"""What runs now, priced: vCPU, memory and storage of every task, by the hour."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from sdt_console.model.cost import EndedTask, FargatePrice, RunningTask, TaskSize
from sdt_console.model.cost_live import NOTHING, Ended, LiveCost, LiveService, PriceList, Span, Standing

INCLUDED_GB = 20
"""Ephemeral storage that every task has without paying for it."""
SPOT_LEAST = Decimal("0.30")
"""Fargate Spot is up to 70 % less than the list price; AWS publishes no price for the moment."""
LEAST_S = 60
"""What a task is billed for at least, in seconds."""
ALONE = "tasks without a service"


def live_cost(
    environment: str,
    tasks: Iterable[RunningTask],
    services: Mapping[str, str],
    standing: Sequence[Standing],
    prices: PriceList,
    at: float,
    ended: Iterable[EndedTask] = (),
) -> LiveCost:
    """Every task in exactly one line: the catalog's services in its order, then whatever else runs.

    :param services: ECS's name of a service → the catalog's, in catalog order.
    """
    sizes: dict[str, Counter[TaskSize]] = {name: Counter() for name in services}
    for task in tasks:
        kind, _, name = task.group.partition(":")
        sizes.setdefault(name if kind == "service" else ALONE, Counter())[task.size] += 1
    lines = [
        live_service(services.get(name, name), found, prices.prices, managed=name in services)
        for name, found in sizes.items()
    ]
    managed = [line for line in lines if line.managed]
    others = sorted((line for line in lines if not line.managed), key=lambda line: line.name)
    return LiveCost(
        environment, (*managed, *others), tuple(standing), prices, at, ended_cost(ended, prices.prices)
    )


def ended_cost(tasks: Iterable[EndedTask], prices: Sequence[FargatePrice]) -> Ended:
    """What tasks that have stopped have cost: by the second, a minute each at least."""
    count, cost = 0, NOTHING
    for task in tasks:
        price, _ = task_price(task.size, prices)
        if price is not None:
            seconds = max(LEAST_S, math.ceil(task.seconds))
            count, cost = count + 1, cost + Span(price.low * seconds / 3600, price.high * seconds / 3600)
    return Ended(count, cost)


def live_service(
    name: str, sizes: Mapping[TaskSize, int], prices: Sequence[FargatePrice], *, managed: bool = True
) -> LiveService:
    """One service's tasks, priced."""
    per_hour, unpriced, reasons = NOTHING, 0, []
    for size, count in sizes.items():
        price, why = task_price(size, prices)
        if price is None:
            unpriced += count
        else:
            per_hour += price.times(count)
        if why and why not in reasons:
            reasons.append(why)
    return LiveService(name, tuple(sizes.items()), per_hour, managed, unpriced, "; ".join(reasons))


def task_price(size: TaskSize, prices: Sequence[FargatePrice]) -> tuple[Span | None, str]:
    """A task's price an hour, and what has to be said about it."""
    if not size.fargate:
        return None, "on EC2 instances, which are paid for as such"
    if size.platform != "Linux":
        return None, f"no price is known for {size.platform}"
    price = next((p for p in prices if p.architecture == size.architecture), None)
    if price is None:
        return None, f"no price is known for {size.architecture}"
    if not size.cpu or not size.memory:
        return None, "its size is not known"
    hour = price.vcpu * size.cpu / 1024 + price.gb * size.memory / 1024
    more, why = max(0, size.storage - INCLUDED_GB), ""
    if more and price.storage_gb is not None:
        hour += price.storage_gb * more
    elif more:
        why = f"without {more} GB of storage above {INCLUDED_GB}, whose price here is not known"
    return (Span(hour * SPOT_LEAST, hour) if size.spot else Span(hour, hour)), why
