"""Catalog + selections + live revisions → a plan. Pure: the same input gives the same plan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sdt_console.catalog.graph import reachable, topological
from sdt_console.catalog.model import Catalog
from sdt_console.errors import UsageError
from sdt_console.model import Detection, Plan, Revision
from sdt_console.pipeline.single import waves_of
from sdt_console.text import decodable

_AGAIN = "make it again with `sdt plan -o FILE`"


def make(
    catalog: Catalog,
    environment: str,
    detection: Detection,
    live: Mapping[str, Revision] | None,
    repositories: Mapping[str, str] | None = None,
    good: Mapping[str, str] | None = None,
    *,
    allow_older: bool = False,
) -> Plan:
    """The plan for what was detected.

    :param live: service → its revision now, for those that ECS has; ``None`` offline.
    :param repositories: ECR repository name → its URI, for those that exist; ``None`` offline: the names
        are then the catalog's.
    :param good: service → ARN of the revision to go back to, where what runs now is not known to be good.
    """
    chosen = detection.selected
    builds = topological(chosen, {s.name: s.build_after for s in catalog.services})
    waves = waves_of(catalog, builds)
    policy = catalog.environments[environment]
    tag = "latest" if policy.image_reference == "latest" else detection.head
    images = {name: f"{_uri(catalog, environment, name, repositories)}:{tag}" for name in builds}
    return Plan(
        environment=environment,
        cluster=catalog.cluster(environment),
        base=detection.base,
        head=detection.head,
        selections=detection.selections,
        modules=_modules(catalog, builds),
        builds=builds,
        waves=waves,
        before={} if live is None else {n: live[n].task_definition if n in live else None for n in builds},
        images=images,
        parallel=catalog.deploy.parallel,
        rollback=policy.rollback,
        image_reference=policy.image_reference,
        offline=live is None,
        good=good or {},
        allow_older=allow_older,
        remarks=(*detection.remarks, *_remarks(catalog, environment, builds, live, repositories)),
    )


def _modules(catalog: Catalog, names: Sequence[str]) -> tuple[str, ...]:
    """Shared modules that ``names`` use, also through others: as the catalog orders them, uses first."""
    edges = {shared.name: shared.uses for shared in catalog.shared}
    edges |= {name: catalog.by_name[name].uses for name in names}
    used = reachable(names, edges)
    return topological([s.name for s in catalog.shared if s.name in used], edges)


def _uri(catalog: Catalog, env: str, name: str, repositories: Mapping[str, str] | None) -> str:
    offline = catalog.image_repository(env, name)
    return offline if repositories is None else repositories.get(catalog.repository(env, name), offline)


def _remarks(
    catalog: Catalog,
    environment: str,
    names: Sequence[str],
    live: Mapping[str, Revision] | None,
    repositories: Mapping[str, str] | None,
) -> list[str]:
    found: list[str] = []
    cluster = catalog.cluster(environment)
    for name in names:
        if live is not None and name not in live:
            found.append(f"{name}: no service {catalog.ecs_service(environment, name)} in {cluster}")
        if repositories is not None and catalog.repository(environment, name) not in repositories:
            found.append(f"{name}: no ECR repository {catalog.repository(environment, name)}")
    return found


def matrix(catalog: Catalog, plan: Plan) -> dict[str, list[dict[str, str]]]:
    """What ``strategy.matrix`` of a GitHub workflow takes: one entry a build, in build order."""
    return {
        "include": [
            {
                "service": name,
                "path": catalog.by_name[name].path,
                "context": catalog.context(catalog.by_name[name]),
                "dockerfile": catalog.dockerfile(catalog.by_name[name]),
                "image": plan.images[name],
            }
            for name in plan.builds
        ]
    }


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON; undecodable bytes of file names are shown as ``\\xff``."""
    data: dict[str, Any] = {"version": plan.version} | asdict(plan)
    data["selections"] = [
        {"name": s.name, "selected": s.selected, "reason": s.reason, "files": [decodable(f) for f in s.files]}
        for s in plan.selections
    ]
    data["waves"] = [list(wave) for wave in plan.waves]
    return data


def from_json(text: str, file: str) -> Plan:
    """The plan that :func:`to_json` wrote.

    :param file: where it was read, for the error.
    :raises UsageError: not a plan, or one of another version.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{file} is not a plan", "it is not JSON", _AGAIN) from None
    return from_data(data, file)


def from_data(data: Any, file: str) -> Plan:
    """The plan of a JSON object; raises as :func:`from_json`."""
    from pydantic import TypeAdapter, ValidationError

    version = data.get("version") if isinstance(data, dict) else None
    if version != Plan.version:
        raise UsageError(f"{file} is not a plan of this version", f"version is {version!r}, not 1", _AGAIN)
    try:
        return TypeAdapter(Plan).validate_python(data, extra="ignore")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{file} is not a plan", f"{where}: {first['msg']}", _AGAIN) from None
