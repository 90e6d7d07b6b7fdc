"""The rules that need more than one part of the catalog: each yields what breaks it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from sdt_console.catalog.graph import cycle
from sdt_console.catalog.nearest import hint, listing
from sdt_console.catalog.raw import Found, Raw, error, remark, strings
from sdt_console.catalog.rules_alarms import alarms
from sdt_console.catalog.rules_cost import costs
from sdt_console.catalog.rules_patterns import globs, nested, paths, patterns


def duplicates(raw: Raw) -> Found:
    for tables, key in (
        (("services", "data"), "name"),
        (("shared",), "name"),
        (("alarms",), "name"),
        (("services", "shared"), "path"),
    ):
        first: dict[str, str] = {}
        for at, item in (pair for table in tables for pair in raw.items(table)):
            value = item.get(key)
            if not isinstance(value, str):
                continue
            same = posixpath.normpath(value) if key == "path" else value
            if same in first:
                yield (*at, key), error(value, f"the same {key} as {first[same]}; each needs its own")
            first.setdefault(same, f"{at[0]} entry {int(at[1]) + 1} ({item.get('name', 'without a name')})")
    events: dict[str, str] = {}
    for name, env in raw.environments().items():
        event = env.get("event")
        if isinstance(event, str) and event:
            if event in events:
                yield (
                    ("environments", name, "event"),
                    error(event, f"the same event as {events[event]}; one event deploys one environment"),
                )
            events.setdefault(event, name)


def references(raw: Raw) -> Found:
    services, shared = raw.names("services"), raw.names("shared")
    everything = services + raw.names("data")
    kinds: tuple[tuple[str, str, list[str], str], ...] = (
        ("services", "uses", shared, "shared module"),
        ("shared", "uses", shared, "shared module"),
        ("services", "build_after", services, "service"),
        ("services", "needs", everything, "service"),
    )
    for table, key, known, noun in kinds:
        for at, item in raw.items(table):
            for i, name in strings(item.get(key)):
                if name == item.get("name"):
                    yield (*at, key, i), error(name, f"a {noun} cannot name itself here")
                elif name not in known:
                    yield (*at, key, i), error(name, f"no such {noun}{hint(name, known)}")
    groups = [g for _, g in strings(raw.data.get("groups"))]
    for table in ("services", "data"):
        for at, item in raw.items(table):
            group = item.get("group", "data" if table == "data" else None)
            if isinstance(group, str) and group not in groups:
                told = f"no such group{hint(group, groups)} (groups: {listing(groups)})"
                yield (*at, "group"), error(group, told)
    default = raw.data.get("default_environment")
    environments = list(raw.environments())
    if isinstance(default, str) and default not in environments:
        told = f"no such environment{hint(default, environments)} (environments: {listing(environments)})"
        yield ("default_environment",), error(default, told)


def cycles(raw: Raw) -> Found:
    for table, key in (("shared", "uses"), ("services", "build_after"), ("services", "needs")):
        at = {item["name"]: where for where, item in raw.items(table) if isinstance(item.get("name"), str)}
        edges = {
            item["name"]: [n for _, n in strings(item.get(key)) if n in at and n != item["name"]]
            for _, item in raw.items(table)
            if isinstance(item.get("name"), str)
        }
        found = cycle(edges)
        if found:
            yield (*at[found[0]], key), error(None, f"goes round in a circle: {' → '.join(found)}")


def priorities(raw: Raw) -> Found:
    waves = {str(item.get("name")): item.get("priority") for _, item in raw.items("services")}
    for at, item in raw.items("services"):
        own = item.get("priority")
        for i, name in strings(item.get("needs")):
            other = waves.get(name)
            if isinstance(own, int) and isinstance(other, int) and other > own:
                told = f"deploys later (priority {other}) than this (priority {own}); needs must come first"
                yield (*at, "needs", i), error(name, told)


def ports(raw: Raw) -> Found:
    first: dict[int, str] = {}
    for table in ("services", "data"):
        for at, item in raw.items(table):
            port = item.get("port")
            if not isinstance(port, int) or isinstance(port, bool):
                continue
            if port in first:
                told = f"also {first[port]}'s; no conflict on Fargate, where each task has its own address"
                yield (*at, "port"), remark(port, told)
            first.setdefault(port, str(item.get("name")))


def pending(raw: Raw) -> Found:
    states = {str(item.get("name")): item.get("state", "active") for _, item in raw.items("services")}
    for at, item in raw.items("services"):
        if item.get("state", "active") != "active":
            continue
        for key in ("build_after", "needs"):
            for i, name in strings(item.get(key)):
                if states.get(name) == "pending":
                    yield (*at, key, i), remark(name, "is pending and never built or deployed; ignored here")


RULES: tuple[Callable[[Raw], Found], ...] = (
    duplicates,
    references,
    cycles,
    priorities,
    paths,
    nested,
    ports,
    patterns,
    globs,
    pending,
    costs,
    alarms,
)
