"""``sdt --ci``: the whole pipeline, headless."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.detect import RANGE
from sdt_console.cli.options import engine, given

if TYPE_CHECKING:
    from sdt_console.engine import Engine
    from sdt_console.model import RunState

DOCKER_HELP = "Tasks of the sandbox are containers of the images that were pushed."
GATES = ("reactor", "maven", "sonarqube", "findings")
OPTIONS: Sequence[click.Option] = (
    *RANGE,
    click.Option(
        ["--skip-gate", "skip_gates"],
        type=click.Choice(GATES),
        multiple=True,
        help="Leave out this gate; it is recorded.",
    ),
    click.Option(
        ["--builder"],
        type=click.Choice(["auto", "engine", "sandbox"]),
        default="auto",
        show_default=True,
        help="Who builds: a Docker Engine, or sdt itself (COPY-only Dockerfiles).",
    ),
    click.Option(["--docker"], is_flag=True, help=DOCKER_HELP),
)
# The sandbox has no Maven repository and no SonarQube to ask.
_NOT_IN_SANDBOX = "not in the sandbox"
_SANDBOX_POLL_SECONDS = 0.1


def run_ci(ctx: click.Context, parameters: dict[str, Any]) -> None:
    """``sdt`` without a command: the pipeline with ``--ci``, else the help."""
    if not given().ci:
        used = own_options(ctx)
        if used or given().sandbox:
            raise click.UsageError(f"{used[0] if used else '--sandbox'} needs --ci, or a command")
        click.echo(ctx.get_help())
        ctx.exit(0)
    ctx.exit(pipeline(**parameters))


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
    builder: str = "auto",
    docker: bool = False,
) -> int:
    """Run the pipeline and report it; its exit code."""
    why = dict.fromkeys(skip_gates, "asked for with --skip-gate")
    if given().scenario and not given().sandbox:
        raise click.UsageError("--scenario needs --sandbox")
    if not given().sandbox:
        if docker:
            raise click.UsageError("--docker needs --sandbox")
        door = engine(repo=repo, builder=builder)
        return run_and_report(door, base=base, head=head, force_full_build=force_full_build, skip_gates=why)
    from sdt_console.cli.sandbox import opened

    with opened(repo, docker=docker) as box:
        door = engine(
            repo=box.repository, builder=builder, poll_seconds=_SANDBOX_POLL_SECONDS, keep_images=False
        )
        if box.base and builder != "sandbox":
            door.catalog.source.build_args["BASE"] = box.base
        skipped = dict.fromkeys(door.gates_beyond("reactor"), _NOT_IN_SANDBOX) | why
        return run_and_report(
            door, base=base, head=head, force_full_build=force_full_build, skip_gates=skipped
        )


def run_and_report(door: Engine, **request: Any) -> int:
    """One run: its story on stderr, its report or JSON document on stdout; the exit code."""
    import asyncio

    from sdt_console.cli.output import show, write_json

    options = given()
    colour = sys.stderr.isatty() and not options.ci and "NO_COLOR" not in os.environ
    state = asyncio.run(
        _until_stopped(door, subscribers=[door.terminal_report(sys.stderr, colour)], **request)
    )
    if options.json:
        write_json(door.run_document(state))
    else:
        show(door.summary(state))
    return state.exit_code if state.exit_code is not None else 3


async def _until_stopped(door: Engine, **request: Any) -> RunState:
    """The run; SIGTERM (a cancelled CI job) stops it like ctrl-C does."""
    import asyncio
    import contextlib
    import signal

    run = asyncio.create_task(door.run(**request))
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, run.cancel)
    return await run
