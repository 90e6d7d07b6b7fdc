"""``sdt history`` and ``sdt show``: the runs in the journal."""

from __future__ import annotations

import click

from sdt_console.cli.options import command, engine, given
from sdt_console.model import Outcome

_UNFINISHED = "unfinished"
_OUTCOMES = [str(outcome) for outcome in Outcome if outcome is not Outcome.SKIPPED] + [_UNFINISHED]


@command(
    "history",
    short="The runs so far.",
    example="sdt history --limit 5\n"
    "sdt history --env prod --service user-service --outcome rolled-back\n"
    "sdt history --json | jq '.[0].outcome'",
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first."
)
@click.option("--service", metavar="SERVICE", default="", help="Only runs that deploy this service.")
@click.option(
    "--outcome",
    type=click.Choice(_OUTCOMES),
    metavar="OUTCOME",
    default=None,
    help=f"Only runs that ended like this: {', '.join(_OUTCOMES)}.",
)
def history(limit: int, service: str, outcome: str | None) -> None:
    """The newest runs on this machine: when, where, how they ended, and what they deployed.

    With --env only those of that environment. How many of them succeeded is told on stderr.
    """
    from sdt_console.cli.output import console, show, write_json
    from sdt_console.reports.past import footing, table

    door = engine()
    environment = given().env or ""
    runs = door.history.listed(limit, environment=environment, service=service, outcome=outcome or "")
    if not runs:  # a service or an environment of earlier days may be in the journal only
        door.refuse_unknown(environment, service)
    if given().json:
        write_json([door.run_document(past.state) for past in runs])
    elif not runs:
        filtered = service or outcome or environment
        click.echo("no such run" if filtered else "no run yet; `sdt demo` makes one", err=True)
    else:
        show(table(runs, console().width))
        click.echo(footing([past.state for past in runs]), err=True)


@command("show", short="One run.", example="sdt show 7f3a\nsdt show 7f3a --events | jq -c .")
@click.argument("run")
@click.option("--events", is_flag=True, help="Its events as JSON lines, as they were recorded.")
def show_run(run: str, events: bool) -> None:
    """One run: how it ended and why, its stages and services. RUN is its id, or the beginning of it.

    Of a run that has not finished: where it stands.
    """
    from sdt_console.cli.output import show, write_json
    from sdt_console.events import encode
    from sdt_console.reports.summary import summary
    from sdt_console.reports.view import view_of

    door = engine()
    if events:
        for event in door.history.events(run):
            click.echo(encode(event))
    elif given().json:
        write_json(door.run_document(door.history.state(run)))
    else:
        view = view_of(door.history.events(run))
        show(summary(view.run, view))
