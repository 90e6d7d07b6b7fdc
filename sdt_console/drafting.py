"""Catalogs: drafted from a repository, a live cluster, or both; and what is wrong with one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdt_console.catalog.init import EMPTY, Draft, LiveService, draft, merge_cluster, render, save
from sdt_console.catalog.problem import Problem
from sdt_console.clients.ecs import EcsClient
from sdt_console.clients.elb import LoadBalancerClient
from sdt_console.errors import CloudError, UsageError
from sdt_console.model import EcsService
from sdt_console.outside import Outside
from sdt_console.settings import Settings

__all__ = ["Draft", "catalog_schema", "draft_catalog", "live_services", "problems_of", "render", "save"]


def problems_of(catalog_file: Path, repo: Path | None = None) -> list[Problem]:
    """Every problem of the catalog, and where it disagrees with the repository's build files."""
    from sdt_console.catalog.check import check_text
    from sdt_console.catalog.load import read

    catalog, problems = check_text(read(catalog_file))
    if catalog is not None and repo is not None:
        from sdt_console.catalog.reactor import compare

        problems += compare(catalog, repo)
    return problems


async def draft_catalog(settings: Settings, repo: Path | None, cluster: str | None) -> Draft:
    """A catalog for what ``repo`` holds, ``cluster`` runs, or both; nothing is written.

    :raises UsageError: ``repo`` is not a folder, or the cluster has no services.
    :raises CloudError: the cluster could not be read.
    """
    made = draft(repo) if repo is not None else EMPTY
    if cluster is None:
        return made
    outside = Outside(settings, settings.region)
    try:
        return merge_cluster(made, await live_services(outside.ecs, outside.balancers, cluster))
    finally:
        outside.close()


async def live_services(ecs: EcsClient, balancers: LoadBalancerClient, cluster: str) -> list[LiveService]:
    """The active services of ``cluster``, by name.

    Without the right to read target groups the load balancer stays unknown.

    :raises UsageError: the cluster has no services.
    :raises CloudError: no such cluster, or AWS refused.
    """
    services = await ecs.services(cluster, await ecs.service_names(cluster))
    if not services:
        raise UsageError(
            f"cluster {cluster} has no services", next="name another with --cluster, or use --repo"
        )
    ordered = [services[name] for name in sorted(services)]
    definitions = await asyncio.gather(*(ecs.task_definition(s.task_definition) for s in ordered))
    groups = sorted({group for service in ordered for group in service.target_groups})
    try:
        names = await balancers.names_of(groups)
    except CloudError:
        names = {}
    return [_live(s, cluster, d, names) for s, d in zip(ordered, definitions, strict=True)]


def _live(
    service: EcsService, cluster: str, definition: Mapping[str, Any], balancers: Mapping[str, str]
) -> LiveService:
    containers = definition.get("containerDefinitions") or [{}]
    # The one with a port that is named like the service, else the first with a port, else the first.
    ported = [c for c in containers if c.get("portMappings")] or containers
    container = next((c for c in ported if str(c.get("name", "")) in service.name), ported[0])
    ports = [m.get("containerPort") for m in container.get("portMappings", [])]
    options = (container.get("logConfiguration") or {}).get("options") or {}
    where = service.arn.split(":service/")[0]
    return LiveService(
        name=service.name,
        cluster=f"{where}:cluster/{cluster.rpartition('/')[2]}",
        port=ports[0] if ports else None,
        cpu=_number(definition.get("cpu")),
        memory=_number(definition.get("memory")),
        image=_repository(str(container.get("image", ""))),
        load_balanced=bool(service.target_groups),
        load_balancer=next((balancers[g] for g in service.target_groups if g in balancers), ""),
        family=str(definition.get("family", "")),
        log_group=str(options.get("awslogs-group", "")),
    )


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isdigit() else None


def _repository(image: str) -> str:
    """``host:port/path:tag@digest`` without tag and digest."""
    plain = image.partition("@")[0]
    head, _, last = plain.rpartition("/")
    return f"{head}/{last.partition(':')[0]}" if head else last.partition(":")[0]


def catalog_schema() -> dict[str, Any]:
    """JSON Schema of ``catalog.toml``."""
    from sdt_console.catalog.schema import schema

    return schema()
