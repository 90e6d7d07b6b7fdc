"""``sdt cost``: what was charged, and what runs now costs; ``sdt cost publish``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import add_global_options, command, given
from sdt_console.cli.running import running
from sdt_console.errors import UsageError
from sdt_console.text import plural

if TYPE_CHECKING:
    from sdt_console.engine import Engine
    from sdt_console.model.cost_book import CostBook
    from sdt_console.watching.cost import CostDesk

_DAYS, _MONTHS = 14, 6
_TITLES = {
    "service": "AWS SERVICE",
    "component": "SERVICE",
    "env": "ENVIRONMENT",
    "day": "DAY",
    "month": "MONTH",
}


@click.group(
    "cost",
    invoke_without_command=True,
    short_help="What was charged, and what runs now costs.",
    epilog="\b\nExample:\n  sdt cost --env dev\n  sdt cost --by day --days 30 --export costs.csv\n"
    "  sdt cost --live --if user-service=cpu:1024,memory:2048,count:3\n  sdt cost publish --env dev",
    context_settings={"max_content_width": 100},
)
@click.option(
    "--days", type=click.IntRange(1, 365), help=f"How many days that are over, besides today (else {_DAYS})."
)
@click.option(
    "--by",
    type=click.Choice(list(_TITLES)),
    help="One table: by AWS service, component (your own service, by its tag), env, day or month.",
)
@click.option(
    "--live", is_flag=True, help="What runs now, an hour and a month; asks nothing that costs money."
)
@click.option(
    "--if",
    "changes",
    multiple=True,
    metavar="SERVICE=cpu:N,memory:N,count:N",
    help="With --live: what another size or count would do.",
)
@click.option(
    "--export",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every entry to a .csv or .json file, exact to the last digit.",
)
@click.option("--refresh", is_flag=True, help="Ask AWS anew; each request to Cost Explorer costs $0.01.")
@click.pass_context
def cost(
    ctx: click.Context,
    days: int | None,
    by: str | None,
    live: bool,
    changes: tuple[str, ...],
    export: Path | None,
    refresh: bool,
) -> None:
    """What was charged: by AWS service, the month's outlook, what changed most, estimates and budgets.

    Of the whole account, or of the environment that --env names. Cost Explorer takes money for every
    request, so what it told is kept for 6 hours; what was asked and what that has cost is told on stderr.
    """
    if ctx.invoked_subcommand is not None:
        return
    if changes and not live:
        raise click.UsageError("--if needs --live")
    if live and (by or days):
        raise click.UsageError("--live goes with neither --by nor --days")
    if by == "month" and days:
        raise click.UsageError("--by month shows whole months; leave out --days")
    if export is not None and export.suffix not in (".csv", ".json"):
        raise UsageError(
            f"cannot export to {export.name}", "its name says which format", "name it .csv or .json"
        )
    with _desk(refresh=refresh) as (door, desk):
        if live:
            _live(door, desk, changes, export)
        else:
            _charged(door, desk, days or _DAYS, by, export)


@command(
    "publish",
    short="Put the costs to CloudWatch metrics.",
    example="sdt cost publish --env dev\n0 */6 * * *  sdt cost publish --env production  # in a crontab",
)
@click.option("--refresh", is_flag=True, help="Ask AWS anew; each request to Cost Explorer costs $0.01.")
def publish(refresh: bool) -> None:
    """Put what was charged, and what runs now costs, to CloudWatch metrics, in the catalog's namespace.

    Of all environments, or of the one that --env names; live figures are of that one, or of the default.
    CloudWatch takes money for each metric of one's own.
    """
    import asyncio

    from sdt_console.cli.output import write_json

    with _desk(refresh=refresh) as (_, desk):
        published = asyncio.run(desk.publish(given().env or ""))
        if given().json:
            points = [
                {"metric": p.metric, "dimensions": dict(p.dimensions), "value": str(p.value), "at": p.at}
                for p in published.points
            ]
            write_json({"version": 1, "namespace": published.namespace, "points": points})
        else:
            names = len({p.metric for p in published.points})
            told = f"{plural(len(published.points), 'value')} of {plural(names, 'metric')}"
            click.echo(f"put {told} to {published.namespace}")
        _told(desk)


@contextmanager
def _desk(*, refresh: bool) -> Iterator[tuple[Engine, CostDesk]]:
    from sdt_console.watching.cost import CostDesk

    with running(None) as door:
        desk = CostDesk(door, refresh=refresh)
        try:
            yield door, desk
        finally:
            desk.close()


def _charged(door: Engine, desk: CostDesk, days: int, by: str | None, path: Path | None) -> None:
    import asyncio

    from sdt_console.cli import cost_documents, cost_pictures
    from sdt_console.cli.output import show, write_json
    from sdt_console.watching.cost_view import by_environment, by_period, by_service

    environment = door.environment if given().env else ""
    now = door.clock.now()
    document: dict[str, Any]
    if by is None:
        view = asyncio.run(desk.overview(days, environment))
        book = view.book
        document = cost_documents.overview_document(view, by_service(book))
        picture: Any = cost_pictures.overview(view, now)
    else:
        book = asyncio.run(_book(desk, by, days, environment))
        lines = {"env": by_environment, "day": by_period, "month": by_period}.get(by, by_service)(book)
        document = cost_documents.book_document(book, environment, by, lines)
        picture = cost_pictures.page(_TITLES[by], environment, book, lines, now)
    if path is not None:
        cost_documents.export(path, *cost_documents.entry_rows(book), document)
        click.echo(f"{plural(len(book.entries), 'entry', 'entries')} in {path}", err=True)
    if given().json:
        write_json(document | {"requests": _requests(desk)})
    else:
        show(picture)
    _told(desk)


async def _book(desk: CostDesk, by: str, days: int, environment: str) -> CostBook:
    if by == "month":
        return await desk.months(_MONTHS, environment)
    return await (desk.components if by == "component" else desk.days)(days, environment)


def _live(door: Engine, desk: CostDesk, changes: tuple[str, ...], path: Path | None) -> None:
    import asyncio

    from sdt_console.cli import cost_documents, cost_live
    from sdt_console.cli.output import show, write_json

    live, effects = asyncio.run(desk.live(changes))
    document = cost_live.document(live, effects)
    if path is not None:
        cost_documents.export(path, *cost_live.rows(live), document)
        click.echo(f"{plural(len(live.services), 'service')} in {path}", err=True)
    if given().json:
        write_json(document)
    else:
        show(cost_live.picture(live, effects, door.clock.now()))


def _requests(desk: CostDesk) -> dict[str, Any]:
    asked, month = desk.asked, desk.spent()
    return {
        "made": asked.requests,
        "cost": str(asked.price),
        "this_month": month.requests,
        "this_month_cost": str(month.price),
    }


def _told(desk: CostDesk) -> None:
    asked, month = desk.asked, desk.spent()
    made = f"{plural(asked.requests, 'request')} to Cost Explorer, ${asked.price}"
    click.echo(
        f"{made if asked.requests else 'nothing asked of Cost Explorer'}; "
        f"this month on this machine {month.requests}, ${month.price}",
        err=True,
    )


add_global_options(cost)
cost.add_command(publish)
