"""One small image by each of the Engine's builders, fresh and again: BuildKit is no slower, both cache."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

import docker

from sdt_console.clients.engine_builder import EngineBuilder
from tests.bench.measure import verdict
from tests.busybox import import_busybox
from tests.clients.builders import OURS, run
from tests.clients.images import order

RUNS, BASE = 7, "sdt-bench-busybox:1"
RATIO, CACHED = 1.0, 0.5
BUILDERS = {"buildkit": "1", "classic": "0"}


def _seconds(builder: str, folder: Path, context: str, content: str) -> float:
    """One build of ``folder/context``, whose layers depend on ``content``."""
    os.environ["DOCKER_BUILDKIT"] = BUILDERS[builder]
    text = f"FROM {BASE}\nCOPY a /a\nRUN busybox sha256sum /a > /sum\nCOPY b /b\nRUN busybox cat /a /b > /c\n"
    wanted = order(folder / context, text, {"a": content, "b": content}, references=(f"{BASE}-{builder}",))
    start = time.perf_counter()
    run(EngineBuilder, wanted)
    return time.perf_counter() - start


def main() -> None:
    trouble = EngineBuilder.available()
    if trouble:
        if os.environ.get("SDT_REQUIRE_DOCKER"):
            sys.exit(trouble)
        print(f"not measured: {trouble}")
        return
    engine = docker.from_env()
    import_busybox(engine, BASE)
    figures: dict[str, list[float]] = {
        f"{builder}, {kind}": [] for builder in BUILDERS for kind in ("fresh", "cached")
    }
    try:
        with tempfile.TemporaryDirectory() as folder:
            for turn in range(RUNS + 1):
                for builder in BUILDERS:
                    content = uuid.uuid4().hex
                    for kind in ("fresh", "cached"):
                        taken = _seconds(builder, Path(folder), f"{turn}-{builder}", content)
                        if turn:  # the first one warms up
                            figures[f"{builder}, {kind}"].append(taken)
    finally:
        for image in [*engine.images.list(filters={"label": OURS}), engine.images.get(BASE)]:
            engine.images.remove(image.id, force=True)
        engine.close()
    median = {name: statistics.median(found) for name, found in figures.items()}
    for name, found in figures.items():
        print(f"{name:16}  {median[name]:5.2f} s, of {RUNS}: {min(found):5.2f} to {max(found):5.2f} s")
    verdict(
        {
            "BuildKit / classic, fresh": (median["buildkit, fresh"] / median["classic, fresh"], RATIO),
            "BuildKit, cached / fresh": (median["buildkit, cached"] / median["buildkit, fresh"], CACHED),
            "classic, cached / fresh": (median["classic, cached"] / median["classic, fresh"], CACHED),
        }
    )


if __name__ == "__main__":
    main()
