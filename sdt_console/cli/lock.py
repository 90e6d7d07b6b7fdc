"""``sdt lock``: who deploys what right now; and ``sdt lock break``, when nobody does."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import add_global_options, command, engine, given
from sdt_console.errors import ReadOnlyError, UsageError, moment
from sdt_console.text import visible

if TYPE_CHECKING:
    from rich.table import Table

    from sdt_console.engine import Engine
    from sdt_console.holding import Leases
    from sdt_console.model import Broken, Hold

_RECENT_S = 86_400.0
_SHOWN = ("key", "owner", "host", "pid", "run", "url", "since", "heartbeat", "expires", "fencing")
_SHOWN_BROKEN = ("key", "run", "owner", "by", "reason", "at")


@click.group(
    "lock",
    invoke_without_command=True,
    short_help="Who deploys what right now.",
    epilog="\b\nExample:\n  sdt lock\n  sdt lock --json | jq -r '.locks[].key'\n"
    '  sdt lock break dev/user-service --reason "the runner is gone"',
)
@click.pass_context
def lock(ctx: click.Context) -> None:
    """Who deploys what right now: each service that is held, by whom, since when, in which run.

    Of all environments, or of the one that --env names.
    """
    if ctx.invoked_subcommand is not None:
        return
    from sdt_console.cli.output import show, write_json

    with _leases() as (door, leases):
        now = door.clock.now()
        asked = "" if given().env is None else f"{door.environment}/"
        holds = [hold for hold in leases.holds() if hold.key.startswith(asked)]
        broken = [entry for entry in leases.broken() if entry.key.startswith(asked)]
    if given().json:
        write_json(
            {
                "version": 1,
                "locks": [_document(hold, now) for hold in holds],
                "broken": [_broken_document(entry) for entry in broken],
            }
        )
        return
    if holds:
        show(_table(holds, now))
    else:
        click.echo("nothing is held", err=True)
    for entry in broken:
        if now - entry.at < _RECENT_S:
            click.echo(visible(_told(entry)), err=True)


@command(
    "break",
    short="Take a service from whoever holds it.",
    example='sdt lock break dev/user-service --reason "the runner is gone"',
)
@click.argument("key", metavar="ENV/SERVICE")
@click.option("--reason", metavar="TEXT", required=True, help="Why; it is recorded, and told to its holder.")
def break_lock(key: str, reason: str) -> None:
    """Take ENV/SERVICE from whoever holds it, so that another run may deploy it.

    A run that still lives stops before its next change, and says who broke its lock and why.
    """
    from sdt_console.asked import who
    from sdt_console.cli.output import write_json

    if given().read_only:
        raise ReadOnlyError("breaking a lock refused", "this session is read-only", "leave out --read-only")
    if not reason.strip():
        raise UsageError("the reason is empty", "it is told to whoever loses the lock", "say why")
    if key.count("/") != 1 or not all(key.split("/")):
        raise UsageError(f"{key!r} is not ENV/SERVICE", next="see `sdt lock` for what is held")
    with _leases() as (door, leases):
        hold = next((hold for hold in leases.holds() if hold.key == key), None)
        if hold is None:
            held = ", ".join(hold.key for hold in leases.holds()) or "nothing is"
            raise UsageError(f"nobody holds {key}", f"held: {held}", "see `sdt lock`")
        _confirm(hold)
        by = who(door.settings.environ) or "somebody"
        broken = leases.break_(key, by, reason.strip(), door.clock.now())
    click.echo(visible(_told(broken)), err=True)
    if given().json:
        write_json({"version": 1, "broken": [_broken_document(broken)]})


@contextmanager
def _leases() -> Iterator[tuple[Engine, Leases]]:
    from sdt_console.cli.sandbox import session
    from sdt_console.holding import leases

    with session(None):
        door = engine()
        store = leases(door.settings, door.catalog, door.state_folder)
        try:
            yield door, store
        finally:
            store.close()


def _confirm(hold: Hold) -> None:
    """:raises UsageError: it is not meant, or there is no terminal to ask in."""
    if given().yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"breaking the lock of {hold.key} has to be confirmed",
            "there is no terminal to ask in",
            "say that it is meant with --yes",
        )
    told = visible(f"{hold.owner} on {hold.host} has {hold.key} since {moment(hold.since)}, run {hold.run}")
    if not click.confirm(f"{told}. Take it from them?", err=True):
        raise UsageError("not confirmed", "nothing was changed")


def _broken_document(broken: Broken) -> dict[str, Any]:
    known = asdict(broken)
    return {key: known[key] for key in _SHOWN_BROKEN}


def _document(hold: Hold, now: float) -> dict[str, Any]:
    known = asdict(hold)
    return {key: known[key] for key in _SHOWN} | {"expired": now >= hold.expires}


def _told(broken: Broken) -> str:
    return (
        f"{broken.key}: {broken.by} took it from run {broken.run} of {broken.owner} "
        f"at {moment(broken.at)}: {broken.reason}"
    )


def _table(holds: Sequence[Hold], now: float) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("SERVICE", "OWNER", "HOST", "RUN", "SINCE", "EXPIRES", "URL"):
        table.add_column(column, no_wrap=column not in ("OWNER", "HOST", "URL"))
    for hold in holds:
        expires = "expired" if now >= hold.expires else moment(hold.expires)
        cells = (hold.key, hold.owner, hold.host, hold.run, moment(hold.since), expires, hold.url)
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


add_global_options(lock)
lock.add_command(break_lock)
