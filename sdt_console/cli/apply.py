"""``sdt apply``: run exactly a plan that was made before."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from sdt_console.cli.ci import GATES
from sdt_console.cli.options import command, given
from sdt_console.cli.running import BUILDER, NOT_IN_SANDBOX, REPO, confirmed, report, running


@command(
    "apply",
    short="Run a plan that was made before.",
    example="sdt plan --env staging -o plan.json\nsdt apply plan.json",
    params=[REPO, BUILDER],
)
@click.argument("plan", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--skip-gate",
    "skip_gates",
    type=click.Choice(GATES),
    multiple=True,
    help="Leave out this gate; it is recorded.",
)
@click.option("--allow-older", is_flag=True, help="Deploy an older commit over a newer one.")
def apply(plan: Path, repo: Path | None, builder: str, skip_gates: tuple[str, ...], allow_older: bool) -> int:
    """Run exactly the plan in FILE, as `sdt plan -o` wrote it; refused if a service has moved since."""
    from dataclasses import replace

    from sdt_console.model import Request

    why = dict.fromkeys(skip_gates, "asked for with --skip-gate")
    with running(repo, builder=builder) as door:
        made = door.planner.read(plan)
        if given().sandbox:
            why = dict.fromkeys(door.gates_beyond("reactor"), NOT_IN_SANDBOX) | why
        confirmed(door, made.services or made.builds)
        made = replace(made, allow_older=made.allow_older or allow_older)
        request = Request("apply", made.base, made.head, allow_older=allow_older, skip_gates=why)
        return report(door, partial(door.conduct, request, made))
