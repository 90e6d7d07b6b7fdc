"""What of the catalog those who watch need: names in AWS, environment by environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Watched:
    """A service of the catalog as it is looked for in one environment.

    :param service: its name in ECS.
    :param kind: ``active``, ``pending`` (its code is not there yet) or ``data``.
    :param url: what is asked for its health, with ``{alb}`` for the load balancer's host; empty for none.
    """

    name: str
    group: str
    service: str
    kind: str = "active"
    url: str = ""


@dataclass(frozen=True)
class Scope:
    """One environment.

    :param region: ``None`` for the SDK's own choice.
    :param role: ARN of a role to assume; empty for none.
    :param load_balancer: its name; empty if there is none.
    :param services: in catalog order, data services last.
    :param groups: in the order in which they are shown.
    :param expect: HTTP status that a healthy service answers; ``limit`` seconds it may take.
    """

    environment: str
    cluster: str
    region: str | None = None
    account: str = ""
    role: str = ""
    load_balancer: str = ""
    services: tuple[Watched, ...] = ()
    groups: tuple[str, ...] = ()
    expect: int = 200
    limit: float = 5.0


@dataclass(frozen=True)
class Outline:
    """All environments of a catalog, in its order."""

    default: str
    scopes: Mapping[str, Scope] = field(default_factory=dict)
