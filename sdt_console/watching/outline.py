"""What watching needs of the catalog, kept from its last reading, for a check of it takes longer than AWS."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdt_console import __version__
from sdt_console.model import Outline, Scope, Watched

if TYPE_CHECKING:
    from sdt_console.catalog.model import Catalog
    from sdt_console.engine import Engine

_FORMAT = 1
_SETTINGS = ("ECS_CLUSTER", "ECS_SERVICE", "ECR_REPOSITORY", "AWS_REGION", "AWS_DEFAULT_REGION")


def outline(door: Engine) -> Outline:
    """The catalog's environments and services.

    Of a catalog that was found good before, and has not changed since, what was kept is taken.

    :raises CatalogError: there is none, or it has problems.
    """
    if "catalog" in door.__dict__:
        return outline_of(door.catalog)
    key, file = _key(door), _file(door)
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(file.read_bytes())
        if kept["key"] == key:
            return _decoded(kept["outline"])
    made = outline_of(door.catalog)
    with suppress(OSError):  # kept only to be quicker the next time
        _write(file, json.dumps({"key": key, "outline": asdict(made)}))
    return made


def scope(door: Engine) -> Scope:
    """The environment of this session.

    :raises UsageError: the catalog has no such environment.
    """
    found = outline(door)
    name = door.settings.environment or found.default
    return found.scopes[name if name in found.scopes else door.environment]


def outline_of(catalog: Catalog) -> Outline:
    """What is watched of ``catalog``."""
    return Outline(catalog.default_environment, {env: _scope(catalog, env) for env in catalog.environments})


def _scope(catalog: Catalog, env: str) -> Scope:
    active = [
        Watched(
            s.name,
            s.group,
            catalog.ecs_service(env, s.name),
            s.state,
            catalog.health_url(env, s.name, "{alb}"),
        )
        for s in catalog.services
    ]
    data = [Watched(d.name, d.group, catalog.ecs_service(env, d.name), "data") for d in catalog.data]
    used = dict.fromkeys(w.group for w in (*active, *data))
    return Scope(
        environment=env,
        cluster=catalog.cluster(env),
        region=catalog.region(env),
        account=catalog.account(env),
        role=catalog.environments[env].role,
        load_balancer=catalog.load_balancer(env),
        services=(*active, *data),
        groups=tuple(dict.fromkeys((*catalog.groups, *used))),
        expect=catalog.health.expect,
        limit=float(catalog.health.request_timeout_seconds),
    )


def _key(door: Engine) -> str:
    """Changes with whatever the outline is made of."""
    from sdt_console.catalog.load import read

    environ = door.settings.environ
    settings = [environ.get(name, "") for name in _SETTINGS]
    made = json.dumps([_FORMAT, __version__, door.settings.region, settings, read(door.catalog_file)])
    return hashlib.sha256(made.encode("utf-8", "surrogatepass")).hexdigest()


def _file(door: Engine) -> Path:
    name = hashlib.sha256(os.fsencode(door.catalog_file.resolve())).hexdigest()[:16]
    return door.state_folder / "outlines" / f"{name}.json"


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(text)
    draft.replace(file)


def _decoded(data: Any) -> Outline:
    scopes = {
        name: Scope(
            **{
                **fields,
                "services": tuple(Watched(**watched) for watched in fields["services"]),
                "groups": tuple(fields["groups"]),
            }
        )
        for name, fields in data["scopes"].items()
    }
    return Outline(data["default"], scopes)
