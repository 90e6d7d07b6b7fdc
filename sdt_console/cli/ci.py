"""``sdt --ci``: the whole pipeline, headless."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from sdt_console.cli.detect import RANGE
from sdt_console.cli.options import given
from sdt_console.cli.running import BUILDER, DOCKER_HELP, NOT_IN_SANDBOX, report, running

GATES = ("reactor", "maven", "sonarqube", "findings")
OPTIONS: Sequence[click.Option] = (
    *RANGE,
    click.Option(
        ["--skip-gate", "skip_gates"],
        type=click.Choice(GATES),
        multiple=True,
        help="Leave out this gate; it is recorded.",
    ),
    click.Option(["--allow-older"], is_flag=True, help="Deploy an older commit over a newer one."),
    BUILDER,
    click.Option(["--docker"], is_flag=True, help=DOCKER_HELP),
)
# Options that the console takes as well.
_CONSOLES = ("--repo", "--builder", "--docker")


def run_ci(ctx: click.Context, parameters: dict[str, Any]) -> None:
    """``sdt`` without a command: the pipeline with ``--ci``, else the help."""
    if given().ci:
        ctx.exit(pipeline(**parameters))
    used = [name for name in own_options(ctx) if name not in _CONSOLES]
    if used:
        raise click.UsageError(f"{used[0]} needs --ci, or a command")
    if given().json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        if given().sandbox:
            raise click.UsageError("--sandbox needs --ci, a command, or a terminal for the console")
        click.echo(ctx.get_help())
        ctx.exit(0)
    from sdt_console.cli.console import open_console

    ctx.exit(open_console(parameters["repo"], builder=parameters["builder"], docker=parameters["docker"]))


def own_options(ctx: click.Context) -> list[str]:
    """The options of the pipeline that were given on the command line."""
    return [
        option.opts[0]
        for option in OPTIONS
        if option.name is not None
        and ctx.get_parameter_source(option.name) is click.core.ParameterSource.COMMANDLINE
    ]


def pipeline(
    *,
    repo: Path | None,
    base: str | None,
    head: str | None,
    force_full_build: bool,
    skip_gates: Sequence[str] = (),
    allow_older: bool = False,
    builder: str = "auto",
    docker: bool = False,
) -> int:
    """Run the pipeline and report it; its exit code."""
    why = dict.fromkeys(skip_gates, "asked for with --skip-gate")
    with running(repo, builder=builder, docker=docker) as door:
        if given().sandbox:
            why = dict.fromkeys(door.gates_beyond("reactor"), NOT_IN_SANDBOX) | why
        return report(
            door,
            partial(
                door.run,
                base,
                head,
                force_full_build=force_full_build,
                allow_older=allow_older,
                skip_gates=why,
            ),
        )
