"""``sdt rollback``: back to what is known to be good."""

from __future__ import annotations

from functools import partial

import click

from sdt_console.cli.options import command, service_names
from sdt_console.cli.running import confirmed, report, running


@command(
    "rollback",
    short="Back to the last known good.",
    example="sdt rollback user-service --env production\nsdt rollback user-service --to 41\n"
    "sdt rollback --run 7f3a",
)
@click.argument("services", nargs=-1, shell_complete=service_names, metavar="[SERVICE…]")
@click.option("--to", "revision", metavar="REVISION", default="", help="Number or ARN of a revision.")
@click.option("--run", "undo", metavar="RUN", default="", help="Undo this run: all that it changed.")
@click.option("--no-health-check", is_flag=True, help="Do not judge health after the rollout.")
def rollback(services: tuple[str, ...], revision: str, undo: str, no_health_check: bool) -> int:
    """Put SERVICE back on the last revision known to be good: one that ran well, and whose image is there.

    With --run, everything that the run changed goes back to what it ran before, last wave first.
    """
    from sdt_console.model import Request

    if bool(services) == bool(undo):
        raise click.UsageError("name services, or a run with --run")
    if revision and (undo or len(services) > 1):
        raise click.UsageError("--to is for one service")
    with running(None) as door:
        if undo:
            door.use_environment(door.history.state(undo).environment)
        request = Request(
            "rollback",
            services=tuple(dict.fromkeys(services)),
            revision=revision,
            undo=undo,
            health_check=not no_health_check,
        )
        confirmed(door, request.services or (undo,))
        return report(door, partial(door.conduct, request))
