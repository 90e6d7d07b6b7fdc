"""``sdt history`` and ``sdt show``: the runs in the journal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from sdt_console.cli.options import command, engine, given

if TYPE_CHECKING:
    from rich.table import Table

    from sdt_console.model import RunState

_NAMES_SHOWN = 2


@command(
    "history",
    short="The runs so far.",
    example="sdt history --limit 5\nsdt history --json | jq '.[0].outcome'",
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first."
)
def history(limit: int) -> None:
    """The newest runs on this machine: when, where, how they ended, and what they deployed."""
    from sdt_console.cli.output import show, write_json

    door = engine()
    runs = door.history.newest(limit)
    if given().json:
        write_json([door.run_document(run) for run in runs])
    elif not runs:
        click.echo("no run yet; `sdt demo` makes one", err=True)
    else:
        show(_table(runs))


@command("show", short="One run.", example="sdt show 7f3a\nsdt show 7f3a --events | jq -c .")
@click.argument("run")
@click.option("--events", is_flag=True, help="Its events as JSON lines, as they were recorded.")
def show_run(run: str, events: bool) -> None:
    """One run: how it ended and why, its stages and services. RUN is its id, or the beginning of it."""
    from sdt_console.cli.output import show, write_json
    from sdt_console.events import encode

    door = engine()
    if events:
        for event in door.history.events(run):
            click.echo(encode(event))
    elif given().json:
        write_json(door.run_document(door.history.state(run)))
    else:
        show(door.summary(door.history.state(run)))


def _table(runs: list[RunState]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("RUN", "WHEN", "ENVIRONMENT", "OUTCOME", "TIME", "SERVICES"):
        table.add_column(column, no_wrap=column != "SERVICES")
    for run in runs:
        when = datetime.fromtimestamp(run.started_at).astimezone()
        table.add_row(
            Text(run.run),
            Text(when.strftime("%Y-%m-%d %H:%M:%S")),
            Text(run.environment),
            Text(str(run.outcome or "unfinished")),
            Text("" if run.duration_s is None else f"{run.duration_s:.1f} s"),
            Text(_services([service.name for service in run.services])),
        )
    return table


def _services(names: list[str]) -> str:
    """The first few, and how many more; `sdt show` has them all."""
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
