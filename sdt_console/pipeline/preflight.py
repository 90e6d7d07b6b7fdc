"""Preflight: all that a run rests on, looked at before its first change; read only, every finding at once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sdt_console.errors import CloudError, NotAllowedError
from sdt_console.events import Emit, Noted
from sdt_console.model import Finding, Plan
from sdt_console.pipeline.checks import credentials, resources, service, task
from sdt_console.pipeline.checks.account import Account, tried
from sdt_console.pipeline.checks.look import Seen, look
from sdt_console.pipeline.checks.rights import rights
from sdt_console.pipeline.context import Verdict
from sdt_console.text import plural

__all__ = ["Account", "examine", "inspect", "preflight"]


async def preflight(account: Account, plan: Plan, emit: Emit, verdict: Verdict) -> list[Mapping[str, Any]]:
    """Look at what ``plan`` needs; warnings are told, errors end the run.

    :returns: the task definitions that were read.
    :raises CloudError: something is missing; its evidence has all that is. Nothing was changed.
    """
    services = plan.services if {"deploy", "health"} & set(plan.stages) else ()
    judged = "health" in plan.stages
    findings, seen = await inspect(account, services, built=plan.builds, targets=plan.targets, judged=judged)
    if seen is not None and services:
        # a simulation does not know everything: what it says of rights warns, and only AWS itself refuses
        told = await rights(account, services, seen)
        findings += [replace(f, severity="warning") for f in told if f.severity == "error"]
    warnings = [finding for finding in findings if finding.severity == "warning"]
    for finding in warnings:
        text = f"{finding.what}: {finding.cause}" if finding.cause else finding.what
        emit(Noted(text, "warning", "preflight", finding.where if finding.where in services else ""))
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        first, *others = errors
        rest = tuple(f"{f.where}: {f.what}" + (f" (next: {f.next})" if f.next else "") for f in others)
        cure = f"{first.next}; nothing was changed" if first.next else "nothing was changed"
        raise CloudError(first.what, first.cause, cure, rest)
    verdict.note = plural(len(services or plan.builds), "service") + " examined"
    if warnings:
        verdict.note += f", {plural(len(warnings), 'warning')}"
    definitions = seen.definitions.values() if seen is not None else ()
    return [definition for definition in definitions if not isinstance(definition, CloudError)]


async def examine(
    account: Account,
    services: Sequence[str],
    *,
    built: Collection[str] | None = None,
    targets: Mapping[str, str] | None = None,
) -> list[Finding]:
    """All findings about ``services`` and what they share, in order: what all rest on first.

    :param services: names in the catalog.
    :param built: those whose image is built and pushed; ``None`` for all that have a source.
    :param targets: service → ARN of the task definition that will be deployed as it is, examined instead
        of the one that runs.
    """
    return (await inspect(account, services, built=built, targets=targets))[0]


async def inspect(
    account: Account,
    services: Sequence[str],
    *,
    built: Collection[str] | None = None,
    targets: Mapping[str, str] | None = None,
    judged: bool = False,
) -> tuple[list[Finding], Seen | None]:
    """As :func:`examine`, with what was seen; ``None`` if the credentials are of no use.

    :param judged: the services are to be deployed, and then judged by their health.
    """
    now = account.clock.now()
    caller, validity = await asyncio.gather(
        tried(account.identity.caller()), tried(account.identity.validity())
    )
    if isinstance(caller, CloudError):
        return [credentials.refused(caller, validity)], None
    made = [name for name in services if name in account.catalog.by_name] if built is None else built
    seen = await look(account, services, made, targets)
    found = [credentials.of_caller(account, caller)]
    if not isinstance(validity, CloudError):
        found += credentials.of_validity(validity, now)
    found += _shared(account, seen, bool(services))
    found += _unread(seen)
    found += resources.of_secrets(account, seen)
    found += resources.of_log_groups(account, seen)
    for name in dict.fromkeys([*services, *made]):
        found += _about(account, name, seen, name in services, made, targets or {}, judged=judged)
    return found, seen


def _shared(account: Account, seen: Seen, deployed: bool) -> Iterator[Finding]:
    """The cluster and the load balancer."""
    if seen.cluster is None or (isinstance(seen.cluster, str) and seen.cluster != "ACTIVE"):
        yield Finding(
            "error",
            "cluster",
            f"no cluster {account.cluster} in {account.region}",
            "ECS has none of that name" if seen.cluster is None else f"its status is {seen.cluster}",
            f"create it, or name another in environments.{account.environment}.cluster of catalog.toml",
        )
    elif deployed and not isinstance(seen.cluster, CloudError):
        yield Finding("ok", "cluster", f"{account.cluster} in {account.region} is active")
    if seen.balancer is None:
        name = account.catalog.load_balancer(account.environment)
        yield Finding(
            "error",
            "load balancer",
            f"no load balancer {name} in {account.region}",
            "services are asked for their health through it",
            "create it, or correct names.load_balancer in catalog.toml",
        )
    elif seen.balancer and not isinstance(seen.balancer, CloudError):
        yield Finding("ok", "load balancer", f"{seen.balancer} answers for health checks")


def _about(
    account: Account,
    name: str,
    seen: Seen,
    deployed: bool,
    built: Collection[str],
    targets: Mapping[str, str],
    *,
    judged: bool,
) -> list[Finding]:
    """What there is to say about one service; one line if all is well."""
    found: list[Finding] = []
    if name in built:
        found += service.of_repository(account, name, seen)
    if not deployed or isinstance(seen.services, CloudError):
        return found
    raw = seen.services.get(name)
    found += service.of_service(account, name, raw, judged=judged)
    definition = seen.definitions.get(name)
    if definition is not None and not isinstance(definition, CloudError):
        if name in account.catalog.by_name:
            found += task.of_task(name, definition, built=name in built)
        found += service.of_revision(name, definition, targets)
        found += service.of_image(account, name, seen, targets)
        if raw is not None and not found:
            found.append(service.running(account, name, raw, seen))
    return found


def _unread(seen: Seen) -> Iterator[Finding]:
    """What could not be looked at: each refusal once, however many services it hides."""
    told: set[str] = set()
    needed: list[tuple[str, object]] = [
        ("load balancer", seen.balancer),
        ("repositories", seen.repositories),
        *(("images", answer) for answer in seen.images.values()),
        *(("task definitions", answer) for answer in seen.definitions.values()),
    ]
    if seen.cluster is not None:  # else it is the reason
        needed.insert(0, ("services", seen.services))
    optional: list[tuple[str, object]] = [
        ("cluster", seen.cluster),
        *(("secrets", answer) for answer in seen.secrets.values()),
        ("secrets", seen.parameters),
        ("logs", seen.groups),
    ]
    for is_needed, looks in ((True, needed), (False, optional)):
        for where, answer in looks:
            if not isinstance(answer, CloudError):
                continue
            key = answer.right if isinstance(answer, NotAllowedError) else answer.what
            if key in told:
                continue
            told.add(key)
            hidden = f"{answer.cause}; so {where} could not be looked at" if answer.cause else ""
            yield Finding("error" if is_needed else "warning", where, answer.what, hidden, answer.next)
