"""What every command that runs something shares: its engine, its report, and how it is stopped."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import EXIT_INTERRUPTED, engine, given
from sdt_console.errors import UsageError
from sdt_console.text import visible

if TYPE_CHECKING:
    from sdt_console.cli.sandbox import Box
    from sdt_console.engine import Engine
    from sdt_console.events import Event
    from sdt_console.model import RunState

DOCKER_HELP = "Tasks of the sandbox are containers of the images that were pushed."
NOT_IN_SANDBOX = "not in the sandbox"
"""Why the gates that need Maven or SonarQube are not run there."""

SANDBOX_POLL_SECONDS = 0.05
"""At the sandbox's default speed: three seconds of its life."""
BUILDER = click.Option(
    ["--builder"],
    type=click.Choice(["auto", "engine", "sandbox"]),
    default="auto",
    show_default=True,
    help="Who builds: a Docker Engine, or sdt itself (COPY-only Dockerfiles).",
)
REPO = click.Option(
    ["--repo"],
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The repository (else the one this folder is in).",
)


@contextmanager
def running(repo: Path | None, *, builder: str = "auto", docker: bool = False) -> Iterator[Engine]:
    """An engine for a run, on a sandbox of its own with ``--sandbox``."""
    with boxed(repo, builder=builder, docker=docker) as (door, _):
        yield door


@contextmanager
def boxed(
    repo: Path | None, *, builder: str = "auto", docker: bool = False
) -> Iterator[tuple[Engine, Box | None]]:
    """As :func:`running`, with the sandbox, if there is one."""
    if given().scenario and not given().sandbox:
        raise click.UsageError("--scenario needs --sandbox")
    if not given().sandbox:
        if docker:
            raise click.UsageError("--docker needs --sandbox")
        yield engine(repo=repo, builder=builder), None
        return
    from sdt_console.cli.sandbox import opened

    with opened(repo, docker=docker) as box:
        door = engine(
            repo=box.repository,
            builder=builder,
            poll_seconds=SANDBOX_POLL_SECONDS,
            keep_images=False,
            build_args={"BASE": box.base} if box.base and builder != "sandbox" else {},
        )
        yield door, box


def report(door: Engine, run: Callable[..., Awaitable[RunState]], before: Sequence[Event] = ()) -> int:
    """One run: its story on stderr, its report or JSON document on stdout; the exit code.

    :param run: takes ``subscribers``.
    :param before: the events of a run that is gone on with.
    """
    from sdt_console.cli.output import show, write_json

    state = conducted(door, run, before)
    if given().json:
        write_json(door.run_document(state))
    else:
        show(door.summary(state))
    return state.exit_code if state.exit_code is not None else 3


def conducted(
    door: Engine, run: Callable[..., Awaitable[RunState]], before: Sequence[Event] = ()
) -> RunState:
    """One run, its story on stderr."""
    import asyncio

    from sdt_console.reports.live import live_report

    options = given()
    colour = sys.stderr.isatty() and not options.ci and "NO_COLOR" not in os.environ
    tell = live_report(
        sys.stderr,
        colour=colour,
        now=door.clock.now,
        expected=lambda environment: door.history.expected(environment),
        environ=door.settings.environ,
    )
    with tell:
        tell.recall(before)
        state: RunState = asyncio.run(_until_stopped(run(subscribers=[tell]), tell.close))
    for remark in door.remarks:
        click.echo(f"remark: {visible(remark)}", err=True)
    return state


async def _until_stopped(run: Awaitable[Any], leave: Callable[[], None]) -> Any:
    """The run; ctrl-C and SIGTERM (a cancelled CI job) stop it in order, a second one at once.

    At once is like a power cut: the journal has what was done, and `sdt resume` goes on from there.

    :param leave: makes the terminal clean.
    :raises click.Abort: it was stopped before it had a journal: nothing was changed.
    """
    import asyncio
    import contextlib
    import signal

    task = asyncio.ensure_future(run)
    asked = False

    def stop() -> None:
        nonlocal asked
        if asked:
            leave()
            click.echo("left at once; see `sdt history`, and `sdt resume RUN`", err=True)
            sys.stderr.flush()
            os._exit(EXIT_INTERRUPTED)
        asked = True
        click.echo("stopping at the next safe point; once more leaves at once", err=True)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not in the main thread
            asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:  # asked to stop before there was a run whose end could be told
        if not asked:
            raise RuntimeError("a run was cancelled, and nobody asked for it") from None
        raise click.Abort from None


def confirmed(door: Engine, names: Sequence[str]) -> None:
    """Have a change of a protected environment typed out, unless ``--yes`` or ``--ci`` says it was meant.

    :raises UsageError: it was not, or there is no terminal to ask in.
    """
    options = given()
    if not door.protected or options.yes or options.ci or options.sandbox or not names:
        return
    word = names[0] if len(names) == 1 else door.environment
    if not sys.stdin.isatty():
        raise UsageError(
            f"{door.environment} is protected",
            "there is no terminal to ask in",
            "say that it is meant with --yes",
        )
    typed = click.prompt(f"{door.environment} is protected; type {word} to go on", err=True, default="")
    if typed.strip() != word:
        raise UsageError(f"{typed!r} is not {word}", "nothing was changed")
