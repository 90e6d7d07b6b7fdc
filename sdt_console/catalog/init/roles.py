"""What a service is for, guessed from its name and libraries, and the deploy wave that follows from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

LAST = 4
_CONFIG = frozenset({"config", "configserver", "configservice", "configuration", "configurations"})
_DISCOVERY = frozenset(
    {"discovery", "registry", "eureka", "consul", "nacos", "serviceregistry", "eurekaserver"}
)
_GATEWAY = frozenset({"gateway", "apigateway", "zuul", "edge"})
_NOT_GATEWAY = frozenset({"payment", "payments", "sms", "mail", "email", "bank", "iot", "device"})
_SUPPORT = frozenset(
    {"monitoring", "monitor", "admin", "zipkin", "tracing", "prometheus", "grafana", "turbine", "hystrix"}
    | {"loadgenerator", "load", "dashboard", "kibana", "jaeger", "otel", "collector"}
)
_BY_LIBRARY = {
    "spring-cloud-config-server": 1,
    "spring-cloud-starter-netflix-eureka-server": 2,
    "spring-cloud-starter-eureka-server": 2,
    "spring-cloud-starter-gateway": 3,
    "spring-cloud-gateway-server": 3,
    "spring-cloud-starter-netflix-zuul": 3,
    "spring-cloud-starter-zuul": 3,
}
SAYS = {1: "configuration", 2: "discovery", 3: "gateway"}


def wave(name: str, libraries: frozenset[str] = frozenset()) -> int:
    """The deploy wave guessed for a service: 1 configuration, 2 discovery, 3 gateway, 4 all others."""
    words = set(re.split(r"[-_]", name))
    if words & _CONFIG:
        return 1
    if words & _DISCOVERY:
        return 2
    if words & _GATEWAY and not words & _NOT_GATEWAY:
        return 3
    return min((_BY_LIBRARY[library] for library in libraries if library in _BY_LIBRARY), default=LAST)


def group(name: str, priority: int) -> str:
    """``core`` for what the others stand on, ``support`` for what only watches them, else ``business``."""
    if priority < LAST:
        return "core"
    return "support" if set(re.split(r"[-_]", name)) & _SUPPORT else "business"


def lift(waves: Mapping[str, int], needs: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, str]]:
    """Waves in which nothing needs a later one: name → (wave, the need that lifted it, or empty)."""
    found = {name: (number, "") for name, number in waves.items()}
    changed = True
    while changed:
        changed = False
        for name, wanted in needs.items():
            for other in wanted:
                if name in found and other in found and found[other][0] > found[name][0]:
                    found[name] = (found[other][0], other)
                    changed = True
    return found
