"""What the services of an environment stand on: names under which CloudWatch files its metrics.

It changes when infrastructure does, so it is read rarely; what cannot be read is a note beside the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

from sdt_console.errors import CloudError, CredentialsError, NotAllowedError
from sdt_console.model import Anchor, Ground, Scope
from sdt_console.watch.metric_ports import Services, Surroundings

T = TypeVar("T")


async def ground(scope: Scope, database: str, services: Services, around: Surroundings) -> Ground:
    """Look at the environment: at most one call for ten services, and four more.

    :param database: identifier of its RDS instance; empty if there is none.
    :raises CloudError: its services cannot be described, or no call is taken at all.
    """
    notes: list[str] = []
    names = [watched.service for watched in scope.services]
    described, balancer, insights = await asyncio.gather(
        _described(scope, names, services, notes),
        _or_note(
            _named(scope, around), None, "the load balancer, its requests and latency are not known", notes
        ),
        _or_note(around.insights(scope.cluster), None, "Container Insights may not be there", notes),
    )
    groups = {name: _groups(raw) for name, raw in described.items() if raw.get("status") == "ACTIVE"}
    behind = await _or_note(
        around.balancers([arn for arns in groups.values() for arn in arns]),
        {},
        "the load balancer, its requests and latency are not known",
        notes,
    )
    gateways: list[str] = []
    if balancer is not None and balancer[1]:
        gateways = await _or_note(around.gateways(balancer[1]), [], "NAT gateways are not shown", notes)
    elif scope.load_balancer and balancer is None and not notes:
        notes.append(f"there is no load balancer {scope.load_balancer}")
    anchors = tuple(
        _anchor(watched.name, watched.kind, watched.service, groups[watched.service], behind)
        for watched in scope.services
        if watched.service in groups
    )
    return Ground(
        environment=scope.environment,
        cluster=scope.cluster,
        services=anchors,
        balancer=balancer_part(balancer[0]) if balancer else "",
        database=database,
        gateways=tuple(gateways),
        insights=insights,
        notes=tuple(dict.fromkeys(notes)),
    )


def group_part(arn: str) -> str:
    """``targetgroup/NAME/ID`` of a target group's ARN, as metrics name it."""
    return arn.rpartition(":")[2]


def balancer_part(arn: str) -> str:
    """``app/NAME/ID`` of a load balancer's ARN, as metrics name it."""
    return arn.partition(":loadbalancer/")[2]


async def _described(
    scope: Scope, names: Sequence[str], services: Services, notes: list[str]
) -> Mapping[str, Mapping[str, Any]]:
    """The services; without the right to see them those of the catalog, whose names are enough for some."""
    try:
        return await services.described(scope.cluster, names)
    except NotAllowedError as error:
        notes.append(f"services are taken from the catalog, without target groups: {error.what}")
        return {name: {"status": "ACTIVE"} for name in names}


async def _named(scope: Scope, around: Surroundings) -> tuple[str, str] | None:
    return await around.balancer(scope.load_balancer) if scope.load_balancer else None


async def _or_note(work: Awaitable[T], otherwise: T, lost: str, notes: list[str]) -> T:
    """The answer, or ``otherwise`` with a note of what is lost and why."""
    try:
        return await work
    except CredentialsError:
        raise
    except CloudError as error:
        notes.append(f"{lost}: {error.what}" + (f" ({error.next})" if error.next else ""))
        return otherwise


def _groups(raw: Mapping[str, Any]) -> list[str]:
    return [str(lb["targetGroupArn"]) for lb in raw.get("loadBalancers", ()) if lb.get("targetGroupArn")]


def _anchor(name: str, kind: str, service: str, groups: Sequence[str], behind: Mapping[str, str]) -> Anchor:
    """A service behind several target groups is told by the first that an application load balancer has."""
    for arn in groups:
        balancer = balancer_part(behind.get(arn, ""))
        if balancer.startswith("app/"):  # the metrics of network load balancers have nothing of requests
            return Anchor(name, service, group_part(arn), balancer, kind)
    return Anchor(name, service, kind=kind)
