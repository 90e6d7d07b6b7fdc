"""``sdt secrets``: what the running task definitions name is there, and how old it is. Never a value."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import command, given, service_names
from sdt_console.cli.running import running

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from sdt_console.model import SecretSight, SecretSights

_DAY = 86400.0


@command(
    "secrets",
    short="Secrets that services name: there, and how old.",
    example="sdt secrets --env production\n"
    "sdt secrets user-service\n"
    "sdt secrets --json | jq -r '.secrets[] | select(.age_days > 90) | .name'",
)
@click.argument("services", nargs=-1, shell_complete=service_names, metavar="[SERVICE…]")
def secrets(services: tuple[str, ...]) -> None:
    """Secrets and parameters that the running task definitions of SERVICE, or of all services, name.

    Each is told once: whether it is there, who names it, when it was last changed and rotated. They are only
    described: no value is ever read.
    """
    import asyncio

    from sdt_console.cli.output import show, write_json
    from sdt_console.watching.secrets import look

    with running(None) as door:
        found = asyncio.run(look(door, services))
    if given().json:
        write_json(document(found))
    else:
        show(_picture(found))


def document(found: SecretSights) -> dict[str, Any]:
    """``sdt secrets --json``: fields may be added, never changed."""
    from dataclasses import asdict

    return {
        "version": 1,
        "environment": found.environment,
        "at": found.at,
        "services": found.services,
        "notes": [asdict(note) for note in found.notes],
        "secrets": [
            asdict(sight) | {"age_days": None if (age := sight.age(found.at)) is None else int(age // _DAY)}
            for sight in found.secrets
        ],
    }


def _picture(found: SecretSights) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from sdt_console.cli.images_picture import lines_of
    from sdt_console.text import plural, visible

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("", "SECRET", "CHANGED", "ROTATED", "AGE", "NAMED BY"):
        table.add_column(column, no_wrap=column not in ("SECRET", "NAMED BY"))
    for sight in found.secrets:
        table.add_row(*_row(sight, found.at))
    parts: list[RenderableType] = [table] if found.secrets else []
    problems = [s.problem for s in found.secrets if s.problem]
    for finding in (*problems, *found.notes):
        sign, style = ("✖", "red") if finding.severity == "error" else ("!", "yellow")
        parts += [Text(), Text.assemble((sign, style), " ", visible(finding.what))]
        parts += lines_of(finding)
    told = f"{found.environment}: {plural(len(found.secrets), 'secret')} named by running task definitions"
    return Group(*parts, Text(), Text(f"{told} of {plural(found.services, 'service')}", style="dim"))


def _row(sight: SecretSight, now: float) -> list[Text]:
    from rich.text import Text

    from sdt_console.text import visible

    sign, style = ("✔", "green") if sight.exists else ("?", "dim")
    if sight.problem:
        sign, style = ("✖", "red") if sight.problem.severity == "error" else ("!", "yellow")
    users = ", ".join(sight.users[:2]) + (f" +{len(sight.users) - 2}" if len(sight.users) > 2 else "")
    age = sight.age(now)
    if sight.source == "parameter-store":
        rotated = ""
    else:
        rotated = _day(sight.rotated_at) or ("never" if sight.rotates else "no rotation")
    there = sight.exists is True
    return [
        Text(sign, style=style),
        Text(visible(sight.name), overflow="fold"),
        Text(_day(sight.changed_at)),
        Text(rotated if there else "", style="" if sight.rotated_at else "dim"),
        Text(f"{int(age // _DAY)} d" if there and age is not None else ""),
        Text(visible(users), style="dim", overflow="ellipsis", no_wrap=True),
    ]


def _day(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d")
