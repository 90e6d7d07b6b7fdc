"""``sdt plan``: what a run would build and deploy, in which order, and why."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from sdt_console.cli.detect import RANGE
from sdt_console.cli.options import command, engine, given


@command(
    "plan",
    short="What a run would build and deploy.",
    example="sdt plan --env staging -o plan.json\nsdt plan --offline --base origin/main\n"
    'echo "matrix=$(sdt plan --matrix)" >> "$GITHUB_OUTPUT"',
    params=RANGE,
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the plan here; - for stdout.",
)
@click.option("--matrix", is_flag=True, help="The builds as a GitHub Actions matrix, one line of JSON.")
@click.option("--offline", is_flag=True, help="Without AWS: live revisions are left out.")
def plan(
    repo: Path | None,
    base: str | None,
    head: str | None,
    force_full_build: bool,
    output: Path | None,
    matrix: bool,
    offline: bool,
) -> None:
    """What a run would do: builds in order, waves, task definitions now, and the reason for each service.

    Reads only; the plan is data: -o writes it, and the same commits give the same plan.
    """
    import asyncio

    from sdt_console.cli.output import show, write_json
    from sdt_console.cli.sandbox import session

    with session(repo, offline=offline) as here:
        door = engine(repo=here)
        detection = door.detect(base, head, force_full_build=force_full_build)
        made = asyncio.run(door.plan(detection, offline=offline))
    data = door.planner.as_json(made)
    if output is not None and str(output) != "-":
        _write(output, json.dumps(data, indent=2) + "\n")
        click.echo(f"plan written to {output}", err=True)
    if matrix:
        click.echo(json.dumps(door.planner.matrix(made), separators=(",", ":")))
    elif given().json or str(output) == "-":
        write_json(data)
    elif output is None:
        from sdt_console.cli.plan_picture import picture

        show(picture(made, door.groups))


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a plan. A pipe or a device is written to."""
    from sdt_console.errors import UsageError

    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
            return
        part = target.with_name(f".sdt-plan-{os.getpid()}")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(target)
        except OSError:
            part.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot write {str(path)!r}", told, "name another file") from None
