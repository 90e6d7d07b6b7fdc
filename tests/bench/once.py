"""One deploy of services by name, as a command of its own: all that start-up costs is in it.

``python -m tests.bench.once CATALOG REPO SERVICE…``; polls as ``--sandbox`` does. Prints, as JSON, the run's
outcome, the seconds of its deploy stage, and service → seconds of its step.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from sdt_console.cli.running import SANDBOX_POLL_SECONDS
from sdt_console.engine import Engine
from sdt_console.events import Event
from sdt_console.model import Request
from sdt_console.settings import Settings


def main() -> None:
    catalog, repo, *services = sys.argv[1:]
    settings = Settings(
        catalog=catalog, repo=Path(repo), builder="sandbox", poll_seconds=SANDBOX_POLL_SECONDS
    )
    door = Engine(settings)
    began: dict[str, float] = {}
    took: dict[str, float] = {}

    def tell(event: Event) -> None:
        if event.type in ("step-started", "step-finished") and getattr(event.body, "stage", "") == "deploy":
            name = getattr(event.body, "service", "")
            if event.type == "step-started":
                began[name] = event.at
            else:
                took[name] = event.at - began[name]

    request = Request("deploy", services=tuple(services), force=True)
    state = asyncio.run(door.conduct(request, subscribers=[tell]))
    door.close()
    deploy = next(stage.duration_s for stage in state.stages if stage.name == "deploy")
    cause = state.failure.cause if state.failure else ""
    json.dump({"outcome": str(state.outcome), "cause": cause, "deploy": deploy, "steps": took}, sys.stdout)


if __name__ == "__main__":
    main()
