"""``sdt resume``: go on with a run that was cut off."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from sdt_console.cli.options import command
from sdt_console.cli.running import BUILDER, REPO, confirmed, report, running


@command(
    "resume", short="Go on with a run that was cut off.", example="sdt resume 7f3a", params=[REPO, BUILDER]
)
@click.argument("run")
def resume(run: str, repo: Path | None, builder: str) -> int:
    """Go on with RUN: its process is gone, or it was interrupted, or cut off from AWS or its journal.

    Nothing is done a second time. What it had begun is compared with ECS: a rollout in flight is
    followed further, one that has ended is judged, what was never begun is done now. RUN is the run's
    id, or the beginning of it.
    """
    with running(repo, builder=builder) as door:
        before = door.history.events(run)
        state = door.history.state(run)
        if state.environment:
            door.use_environment(state.environment)
            confirmed(door, [service.name for service in state.services] or [state.run])
        return report(door, partial(door.resume, state.run, str(repo or "")), before=before)
