"""Planning 1,000 services: a pure function, under 100 ms, whatever the shape of the build order."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from sdt_console.catalog.model import Catalog
from sdt_console.model import Detection, Revision, Selection
from sdt_console.pipeline.plan import make
from tests.bench.measure import verdict

SERVICES, MODULES, RUNS, LIMIT = 1_000, 50, 15, 100.0


EARLIER: dict[str, Callable[[int], Sequence[int]]] = {
    "flat": lambda _: (),
    "tree": lambda n: [n // 2] if n else [],
    "chain": lambda n: [n - 1] if n else [],
    "dense": lambda n: range(max(0, n - 50), n),
}


def catalog(shape: str) -> Catalog:
    """:param shape: which services each one builds after: a key of ``EARLIER``."""
    services: list[dict[str, Any]] = [
        {
            "name": f"service-{n}",
            "priority": 1 + n // 100,
            "group": "all",
            "path": f"services/service-{n}",
            "port": 8080,
            "uses": [f"common-{n % MODULES}"],
            "build_after": [f"service-{other}" for other in EARLIER[shape](n)],
        }
        for n in range(SERVICES)
    ]
    # Each module uses the one before, so every service reaches many of them.
    shared = [
        {"name": f"common-{n}", "path": f"common/{n}", "uses": [f"common-{n - 1}"] if n else []}
        for n in range(MODULES)
    ]
    return Catalog.model_validate(
        {
            "version": 1,
            "system": "bench",
            "default_environment": "dev",
            "groups": ["all"],
            "aws": {"region": "eu-west-1", "account": "123456789012"},
            "names": {"cluster": "{env}", "service": "{env}-{service}", "repository": "{env}/{service}"},
            "environments": {"dev": {}},
            "shared": shared,
            "services": services,
        }
    )


def main() -> None:
    slowest: dict[str, tuple[float, float]] = {}
    for shape in EARLIER:
        model = catalog(shape)
        chosen = tuple(Selection(s.name, True, "1 file changed", (f"{s.path}/x",)) for s in model.services)
        detection = Detection("a" * 40, "b" * 40, chosen)
        live = {s.name: Revision(s.name, f"arn:aws:ecs:task-definition/{s.name}:1") for s in model.services}
        seconds = []
        for _ in range(RUNS):
            start = time.perf_counter()
            plan = make(model, "dev", detection, live)
            seconds.append(time.perf_counter() - start)
        if len(plan.builds) != SERVICES or len(plan.waves) != 10:
            sys.exit(f"{shape}: not a plan of all services")
        sentence = f"planning {SERVICES:,} services, {shape} build order, ms"
        slowest[sentence] = (1000 * statistics.median(seconds), LIMIT)
    verdict(slowest)


if __name__ == "__main__":
    main()
