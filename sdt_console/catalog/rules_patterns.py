"""Rules about paths, ignore patterns and name patterns."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Any

from sdt_console.catalog.ignore import fault
from sdt_console.catalog.locate import Key
from sdt_console.catalog.nearest import hint, listing
from sdt_console.catalog.raw import Found, Raw, error, remark, strings

PLACEHOLDERS: dict[str, dict[str, tuple[str, ...]]] = {
    "names": {
        "cluster": ("env",),
        "service": ("env", "service"),
        "task_definition": ("env", "service"),
        "repository": ("env", "service"),
        "log_group": ("env", "service"),
        "load_balancer": ("env",),
        "secrets": ("env",),
        "database": ("env",),
    },
    "aws": {"registry": ("account", "region")},
    "health": {"url": ("alb", "service", "env", "port")},
    "source": {"dockerfile": ("path", "service"), "context": ("path", "service")},
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def paths(raw: Raw) -> Found:
    places: list[tuple[Key, Any]] = []
    for table, keys in (("services", ("path", "dockerfile", "context")), ("shared", ("path",))):
        for at, item in raw.items(table):
            places += [((*at, key), item.get(key)) for key in keys]
            places += [((*at, "build_files", i), v) for i, v in strings(item.get("build_files"))]
    source = raw.table("source")
    places += [(("source", key), source.get(key)) for key in ("context", "dockerfile")]
    places += [(("source", "build_files", i), v) for i, v in strings(source.get("build_files"))]
    for key, value in places:
        if isinstance(value, str) and value and leaves_repository(value):
            told = "leaves the repository; write it relative to the repository's root, without '..'"
            yield key, error(value, told)


def leaves_repository(path: str) -> bool:
    """Whether ``path`` is absolute, climbs out with ``..``, or is written for another system."""
    normal = posixpath.normpath(path)
    return normal.startswith(("/", "~")) or normal.split("/")[0] == ".." or "\\" in path or path[1:2] == ":"


def nested(raw: Raw) -> Found:
    folders: list[tuple[Key, str, str]] = [
        ((*at, "path"), posixpath.normpath(item["path"]), str(item.get("name")))
        for table in ("services", "shared")
        for at, item in raw.items(table)
        if isinstance(item.get("path"), str) and not leaves_repository(item["path"])
    ]
    owners = {folder: name for _, folder, name in folders}
    for key, folder, _ in folders:
        outer = next((owners[parent] for parent in _above(folder) if parent in owners), None)
        if outer is not None:
            yield key, remark(folder, f"lies inside {outer}: a change in it selects both")


def _above(folder: str) -> Iterator[str]:
    """The folders around ``folder``, the nearest first, the root (``.``) last."""
    while "/" in folder:
        folder = folder.rpartition("/")[0]
        yield folder
    if folder != ".":
        yield "."


def patterns(raw: Raw) -> Found:
    for table, allowed in PLACEHOLDERS.items():
        values = raw.table(table)
        for key, known in allowed.items():
            value = values.get(key)
            if isinstance(value, str):
                yield from _placeholders((table, key), value, known)
    names = raw.table("names")
    for key in ("service", "task_definition", "repository", "log_group"):
        value = names.get(key)
        if isinstance(value, str) and value and "{service}" not in value:
            yield ("names", key), error(value, "needs {service}, else all services share one name")
    environments = raw.environments()
    homes = [(env.get("account", ""), env.get("region", "")) for env in environments.values()]
    shared_home = len(set(homes)) < len(homes)
    own_clusters = all(env.get("cluster") for env in environments.values())
    cluster = names.get("cluster")
    if shared_home and not own_clusters and isinstance(cluster, str) and "{env}" not in cluster:
        told = (
            "needs {env}: environments of one account and region would share it (or name each one's cluster)"
        )
        yield ("names", "cluster"), error(cluster, told)
    balancer = names.get("load_balancer")
    if shared_home and isinstance(balancer, str) and balancer and "{env}" not in balancer:
        yield ("names", "load_balancer"), error(balancer, "needs {env}: environments would share it")
    repository = names.get("repository")
    if (
        shared_home
        and isinstance(repository, str)
        and "{service}" in repository
        and "{env}" not in repository
    ):
        told = "has no {env}: the environments share their images, and `latest` is the last one pushed by any"
        yield ("names", "repository"), remark(repository, told)
    for table in ("source", "services"):
        holders = [(("source",), raw.table("source"))] if table == "source" else raw.items("services")
        for at, item in holders:
            arguments = item.get("build_args")
            for key, value in arguments.items() if isinstance(arguments, dict) else ():
                if isinstance(value, str):
                    yield from _placeholders((*at, "build_args", key), value, ("path", "service", "port"))
    for at, item in raw.items("services"):
        for key, known in (
            ("dockerfile", ("path", "service")),
            ("context", ("path", "service")),
            ("health_url", PLACEHOLDERS["health"]["url"]),
        ):
            value = item.get(key)
            if isinstance(value, str):
                yield from _placeholders((*at, key), value, known)


def _placeholders(key: Key, value: str, known: Iterable[str]) -> Found:
    names = list(known)
    for name in _PLACEHOLDER.findall(value):
        if name not in names:
            allowed = listing([f"{{{n}}}" for n in names])
            yield key, error(value, f"unknown placeholder {{{name}}}{hint(name, names)} (allowed: {allowed})")
    if "{" in _PLACEHOLDER.sub("", value) or "}" in _PLACEHOLDER.sub("", value):
        yield key, error(value, "has a brace without its partner")


def globs(raw: Raw) -> Found:
    holders: list[tuple[Key, dict[str, Any]]] = [(("source",), raw.table("source")), *raw.items("services")]
    for at, item in holders:
        for i, pattern in strings(item.get("ignore")):
            why = fault(pattern)
            if why:
                yield (*at, "ignore", i), error(pattern, f"not a gitignore pattern: {why}")
