"""The services of the catalog as the seed sees them: how many tasks of which size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sdt_console.catalog.model import Catalog


@dataclass(frozen=True)
class Part:
    """A service as the seed sees it: built or data, in one form."""

    name: str
    ports: tuple[int, ...]
    desired: int
    group: str
    cpu: str
    memory: str
    order: int

    @property
    def port(self) -> int:
        return self.ports[0]


def parts(catalog: Catalog, env: str) -> list[Part]:
    """Every service of the catalog, data services first: they were there before the others.

    A protected environment has twice the tasks, each of twice the size.
    """
    large = catalog.environments[env].protected
    tasks, cpu, memory = (2, "512", "2048") if large else (1, "256", "1024")
    data = [Part(d.name, (d.port, *d.ports), 1, "data", cpu, memory, 0) for d in catalog.data]
    built = [
        Part(s.name, (s.port,), 0 if s.state == "pending" else tasks, s.group, cpu, memory, s.priority)
        for s in catalog.services
    ]
    return data + sorted(built, key=lambda part: part.order)


def short_name(name: str, limit: int = 32) -> str:
    """A name of at most ``limit`` characters, distinct for distinct names; a target group's by default."""
    if len(name) <= limit:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: limit - 7].rstrip('-')}-{mark}"
