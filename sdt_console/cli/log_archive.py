"""``sdt logs archive``: old lines to S3, and retention as the catalog wants it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import command, given, service_names
from sdt_console.cli.running import confirmed, running
from sdt_console.text import size, visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdt_console.watching.archive import Archive, Shelf

_FAILED = 3


@command(
    "archive",
    short="Old lines to S3, and retention as the catalog wants it.",
    example="sdt logs archive --env staging\n"
    "sdt logs archive --env staging --bucket our-log-archive --days 14 --apply",
)
@click.argument("services", nargs=-1, shell_complete=service_names, metavar="[SERVICE…]")
@click.option(
    "--days",
    type=click.IntRange(1),
    default=None,
    help="Export what is older than this many days (else half of the retention).",
)
@click.option(
    "--bucket", metavar="NAME", default="", help="S3 bucket to export to; it must let CloudWatch Logs write."
)
@click.option(
    "--no-export", is_flag=True, help="Set the retention even where lines go that were not exported."
)
@click.option("--apply", "applied", is_flag=True, help="Do it; without this it is only said.")
def archive(services: tuple[str, ...], days: int | None, bucket: str, no_export: bool, applied: bool) -> int:
    """Say how long the logs of SERVICE (or of all) are kept and how long log_retention_days in the catalog
    wants it, and what is to be exported; with --apply do both.

    Exports run one after the other, since AWS allows one at a time; what an earlier one has covered is left
    out. The retention of a group is set when its export has ended well. Exit code 3 if something could not be
    done.
    """
    import asyncio

    from sdt_console.cli.output import show, write_json
    from sdt_console.watching.archive import Archive

    if bucket and no_export:
        raise click.UsageError("--bucket exports, --no-export does not; leave one of them out")
    with running(None) as door:
        found = Archive(door, services, days, bucket)

        async def work() -> list[Shelf]:
            shelves = await found.plan()
            if applied and any(shelf.outcome == "planned" for shelf in shelves):
                confirmed(door, [shelf.service for shelf in shelves])
                tell = lambda text: click.echo(visible(text), err=True)  # noqa: E731
                shelves = await found.carry_out(shelves, tell, without_export=no_export)
            return shelves

        shelves = asyncio.run(work())
        for notice in found.notices:
            click.echo(visible(notice), err=True)
        if given().json:
            write_json(_document(door.environment, found, shelves, applied=applied))
        else:
            show(_picture(found, shelves))
            _hint(found, shelves, applied=applied)
    return _FAILED if any(shelf.outcome == "failed" for shelf in shelves) else 0


def _hint(found: Archive, shelves: Sequence[Shelf], *, applied: bool) -> None:
    if not found.bucket:
        click.echo("nothing is exported without --bucket", err=True)
    if not applied and any(shelf.outcome == "planned" for shelf in shelves):
        click.echo("nothing was changed; --apply does it", err=True)


def _picture(found: Archive, shelves: Sequence[Shelf]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("SERVICE", "LOG GROUP", "SIZE", "KEPT", "POLICY", "EXPORT UNTIL", "OUTCOME"):
        table.add_column(column, no_wrap=column != "OUTCOME")
    styles = {"done": "green", "failed": "red", "missing": "yellow", "planned": "cyan"}
    for shelf in shelves:
        group = shelf.group
        outcome = f"{shelf.outcome}: {shelf.note}" if shelf.note else shelf.outcome
        table.add_row(
            Text(shelf.service),
            Text(visible(shelf.name)),
            Text("–" if group is None else size(group.stored_bytes), justify="right"),
            Text(
                "–" if group is None else _days(group.retention_days),
                style="yellow" if shelf.retention_differs else "",
            ),
            Text(_days(shelf.policy_days)),
            Text("–" if shelf.end is None else _day(shelf.end)),
            Text(visible(outcome), style=styles.get(shelf.outcome, "dim"), overflow="fold"),
        )
    return table


def _document(environment: str, found: Archive, shelves: Sequence[Shelf], *, applied: bool) -> dict[str, Any]:
    return {
        "version": 1,
        "environment": environment,
        "bucket": found.bucket or None,
        "days": found.days,
        "applied": applied,
        "groups": [
            {
                "service": shelf.service,
                "group": shelf.name,
                "exists": shelf.group is not None,
                "stored_bytes": None if shelf.group is None else shelf.group.stored_bytes,
                "retention_days": None if shelf.group is None else shelf.group.retention_days,
                "policy_days": shelf.policy_days,
                "export": None
                if shelf.start is None or shelf.end is None
                else {
                    "from": _iso(shelf.start),
                    "to": _iso(shelf.end),
                    "prefix": shelf.prefix,
                    "task": shelf.task or None,
                },
                "outcome": shelf.outcome,
                "note": shelf.note,
            }
            for shelf in shelves
        ],
    }


def _days(days: int | None) -> str:
    return "for ever" if days is None else f"{days} d"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
