"""``sdt replay``: a recorded run in the terminal, as it happened."""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING

import click

from sdt_console.cli.options import command, engine, given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdt_console.engine import Engine
    from sdt_console.events import Event


@command("replay", short="Play a run again.", example="sdt replay 7f3a\nsdt replay 7f3a --speed 10 --from 40")
@click.argument("run")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="X",
    help="Times as fast as it happened; else so that a long run takes about 15 seconds.",
)
@click.option(
    "--from", "first", type=click.IntRange(0), default=0, metavar="N", help="Begin with event number N."
)
@click.option("--no-wait", is_flag=True, help="Without the pauses.")
@click.option("--events", is_flag=True, help="Its events as JSON lines, at once, as into a pipe.")
def replay(run: str, speed: float | None, first: int, no_wait: bool, events: bool) -> None:
    """Play a recorded run in the report that it had. RUN is its id, or the beginning of it.

    Into a pipe, and with --json or --events, its events as JSON lines, at once.
    """
    from sdt_console.errors import UsageError

    door = engine()
    recorded = door.history.events(run)
    if first >= len(recorded):
        raise UsageError(f"--from {first} is after the end", f"the run has events 0 to {len(recorded) - 1}")
    if events or given().json or not sys.stdout.isatty():
        from sdt_console.events import encode

        for event in recorded[first:]:
            click.echo(encode(event))
    else:
        _play(door, recorded, first, math.inf if no_wait else speed)
    _tell_unfinished(recorded)


def _play(door: Engine, recorded: Sequence[Event], first: int, speed: float | None) -> None:
    import asyncio

    from sdt_console.cli.output import show
    from sdt_console.reports.live import live_report
    from sdt_console.reports.replay import Playback
    from sdt_console.reports.summary import summary
    from sdt_console.reports.view import view_of

    playback = Playback(recorded, speed=speed, clock=door.clock.now, sleep=door.clock.sleep)
    colour = sys.stderr.isatty() and not given().ci and "NO_COLOR" not in os.environ
    report = live_report(
        sys.stderr,
        colour=colour,
        now=playback.now,
        expected=door.history.expected,
        environ=door.settings.environ,
    )
    with report:
        report.recall(recorded[:first])
        asyncio.run(playback.play(report, first))
    view = view_of(recorded)
    show(summary(view.run, view))


def _tell_unfinished(recorded: Sequence[Event]) -> None:
    from sdt_console.events import RunFinished

    if not isinstance(recorded[-1].body, RunFinished):
        run = recorded[-1].run
        click.echo(f"run {run} has not finished: it is under way, or was cut off", err=True)
        click.echo(f"  next: `sdt resume {run}` goes on with it", err=True)
