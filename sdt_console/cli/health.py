"""``sdt health``: how services stand now, judged as after a deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import command, given, service_names
from sdt_console.cli.running import running

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdt_console.engine import Checked


@command(
    "health", short="How services stand now.", example="sdt health --env dev\nsdt health user-service --json"
)
@click.argument("services", nargs=-1, shell_complete=service_names, metavar="[SERVICE…]")
def health(services: tuple[str, ...]) -> int:
    """Judge SERVICE, or all active services: all tasks run, and the health URL answers. Changes nothing.

    Exit code 4 if one is not well.
    """
    import asyncio

    from sdt_console.cli.output import show, write_json

    with running(None) as door:
        checked = asyncio.run(door.health(services))
    if given().json:
        write_json(_document(checked))
    else:
        show(_picture(checked))
    return checked.exit_code


def _document(checked: Checked) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "version": 1,
        "environment": checked.environment,
        "services": [
            {
                "name": s.name,
                "healthy": s.failure is None,
                "note": s.note,
                "failure": asdict(s.failure) if s.failure else None,
            }
            for s in checked.services
        ],
    }


def _picture(checked: Checked) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from sdt_console.text import visible

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("SERVICE", "HEALTH", "WHAT WAS SEEN"):
        table.add_column(column, no_wrap=column != "WHAT WAS SEEN")
    for s in checked.services:
        well = s.failure is None
        told = s.note if s.failure is None else (s.failure.cause or s.failure.what)
        table.add_row(
            Text(s.name),
            Text("✔ healthy" if well else "✖ unhealthy", style="green" if well else "red"),
            Text(visible(told), overflow="fold"),
        )
    note = f"{checked.environment}: {checked.note}" if checked.note else checked.environment
    return Group(table, Text(), Text(visible(note), style="dim"))
