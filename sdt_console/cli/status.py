"""``sdt status``: how all services stand, once or for as long as somebody looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import command, given, service_names
from sdt_console.cli.running import REPO, running
from sdt_console.errors import CloudError

if TYPE_CHECKING:
    from sdt_console.engine import Engine
    from sdt_console.model import ServiceSight, Snapshot
    from sdt_console.reports.cells import Line
    from sdt_console.watching.status import Watch

ALL = "all"
_STATES = ("up", "degraded", "down", "deploying", "rolling-back", "pending", "missing")
_SORTS = ("group", "name", "state", "age", "image")
_PIPED_WIDTH = 160
_EXIT_UNREAD = 3


class View:
    """What of a snapshot is shown, and in which order."""

    def __init__(self, states: Sequence[str], group: str, sort: str) -> None:
        self._states, self._group, self.sort = states, group, sort

    def of(self, snapshot: Snapshot) -> list[ServiceSight]:
        from sdt_console.reports.status import chosen

        return chosen(snapshot, self._states, self._group, self.sort)

    def lines(self, snapshot: Snapshot, watch: Watch, now: float, height: int | None = None) -> list[Line]:
        from sdt_console.reports.status import picture

        groups = watch.scope.groups if self.sort == "group" else ()
        return picture(snapshot, self.of(snapshot), now, _width(), groups=groups, height=height)


@command(
    "status",
    short="How all services stand.",
    example="sdt status --env dev\n"
    "sdt status --watch --sort state\n"
    "sdt status --env all --state down --state degraded\n"
    "sdt status --json | jq -r '.services[] | [.name, .state, .commit] | @tsv'",
)
@click.argument("services", nargs=-1, shell_complete=service_names, metavar="[SERVICE…]")
@click.option("--watch", "-w", "watched", is_flag=True, help="Go on: redraw when something changes.")
@click.option(
    "--state", "states", type=click.Choice(_STATES), multiple=True, help="Only services that stand so."
)
@click.option("--group", metavar="GROUP", default="", help="Only services of this group.")
@click.option("--sort", type=click.Choice(_SORTS), default="group", show_default=True, help="In which order.")
@click.option("--health", is_flag=True, help="Ask the health URLs, too; with --watch they are always asked.")
def status(
    services: tuple[str, ...],
    watched: bool,
    states: tuple[str, ...],
    group: str,
    sort: str,
    health: bool,
    repo: Path | None,
) -> int:
    """How each service of the catalog stands in ECS, or each SERVICE: its tasks, its rollout, its image.

    What is wrong is told below, with the cause and what to do. Changes nothing. --env all shows every
    environment; one that cannot be read is told, and the others are shown all the same.

    Exit code 0 if all could be read, however the services stand; 3 if not.
    """
    view = View(states, group, sort)
    everywhere = given().env == ALL
    if everywhere:
        given().env = None
    with running(repo) as door:
        if watched:
            return _follow(door, services, view, everywhere)
        return (
            _everywhere(door, services, view, health) if everywhere else _here(door, services, view, health)
        )


status.params.append(REPO)


def _here(door: Engine, services: Sequence[str], view: View, health: bool) -> int:
    import asyncio

    from sdt_console.watching.status import watch

    seen = watch(door, services)
    snapshot = asyncio.run(seen.look(health=health))
    if given().json:
        from sdt_console.cli.output import write_json
        from sdt_console.reports.status_document import document

        write_json(document(snapshot, view.of(snapshot)))
        _tell_unread(snapshot)
    else:
        _print(view.lines(snapshot, seen, door.clock.now()))
    return _exit(snapshot)


def _everywhere(door: Engine, services: Sequence[str], view: View, health: bool) -> int:
    import asyncio

    from sdt_console.cli.output import error_text, write_json
    from sdt_console.reports.status_document import document, failed
    from sdt_console.watching.status import everywhere

    seen = everywhere(door, services)
    try:
        found = asyncio.run(seen.look(health=health))
    finally:
        seen.close()
    documents: list[dict[str, Any]] = []
    worst = 0
    for name, snapshot in found.items():
        watch = seen.watches[name]
        if isinstance(snapshot, CloudError):
            worst = snapshot.exit_code
            documents.append(failed(name, watch.scope.cluster, snapshot))
            click.echo(f"{name}: {error_text(snapshot, colour=_colour(sys.stderr))}", err=True)
            continue
        worst = max(worst, _exit(snapshot))
        documents.append(document(snapshot, view.of(snapshot)))
        if not given().json:
            _print([*view.lines(snapshot, watch, door.clock.now()), []])
    if given().json:
        write_json({"version": 1, "environments": documents})
    return worst


def _follow(door: Engine, services: Sequence[str], view: View, everywhere: bool) -> int:
    import asyncio

    from sdt_console.watching import status as watching

    several = watching.everywhere(door, services) if everywhere else None
    if several is not None:
        watches = dict(several.watches)
    else:
        one = watching.watch(door, services)
        watches = {one.scope.environment: one}
    live = sys.stdout.isatty() and not given().json and not given().ci
    try:
        asyncio.run(_redraw(door, watches, view) if live else _log(door, watches, view))
    finally:
        if several is not None:
            several.close()
    return 0


async def _redraw(door: Engine, watches: dict[str, Watch], view: View) -> None:
    """One picture, drawn anew when something changes, and every second for the ages in it."""
    from rich.live import Live
    from rich.text import Text

    from sdt_console.cli.output import console
    from sdt_console.watching.status import changes

    out = console()
    with Live(console=out, auto_refresh=False, screen=True) as screen:
        async for _ in changes(watches, door.clock, beat=1.0):
            room = max(out.size.height // len(watches) - 1, 4)
            lines = [
                line
                for watch in watches.values()
                for line in view.lines(watch.snapshot, watch, door.clock.now(), room)
            ]
            drawn = Text("\n", no_wrap=True).join(Text.assemble(*line) for line in lines)
            screen.update(drawn, refresh=True)


async def _log(door: Engine, watches: dict[str, Watch], view: View) -> None:
    """A line for each change, the first ones for how all stands."""
    import json
    from datetime import datetime

    from sdt_console.reports.status import told
    from sdt_console.reports.status_document import service
    from sdt_console.text import visible
    from sdt_console.watching.status import changes

    said: dict[tuple[str, str], str] = {}
    errors: dict[tuple[str, str], str] = {}
    async for change in changes(watches, door.clock):
        if change is None:
            continue
        name, seen = change
        at = seen.snapshot.at or door.clock.now()
        stamp = datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
        head = f"{stamp} {f'{name} ' if len(watches) > 1 else ''}"
        for sight in view.of(seen.snapshot):
            if sight.name not in seen.services or _half_read(sight, seen.snapshot):
                continue
            line = {"version": 1, "environment": name, "at": at, "service": service(sight)}
            text = json.dumps(line["service"]) if given().json else told(sight)
            if said.get((name, sight.name)) != text:
                said[name, sight.name] = text
                click.echo(json.dumps(line) if given().json else head + text)
        problems = {part.name: part.error for part in seen.snapshot.parts.values()}
        problems |= {"credentials": seen.snapshot.paused}
        for part, error in problems.items():
            if errors.get((name, part), "") != error:
                errors[name, part] = error
                click.echo(f"{head}{part}: {visible(error) if error else 'read again'}", err=True)


def _half_read(sight: ServiceSight, snapshot: Snapshot) -> bool:
    """Whether its image is still being asked for: it is told once it is known."""
    return bool(sight.task_definition) and not sight.image and not snapshot.parts["images"].error


def _print(lines: Sequence[Line]) -> None:
    from sdt_console.reports.cells import plain

    if not _colour(sys.stdout):
        click.echo("\n".join(map(plain, lines)))
        return
    click.echo("\n".join("".join(_styled(text, style) for text, style in line) for line in lines), color=True)


def _styled(text: str, style: str) -> str:
    words = style.split()
    colour = next((word for word in words if word not in ("bold", "dim")), None)
    return click.style(text, fg=colour, bold="bold" in words, dim="dim" in words) if words else text


def _colour(stream: Any) -> bool:
    return stream.isatty() and not given().ci and "NO_COLOR" not in os.environ


def _width() -> int:
    import shutil

    if sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) > 0 else _PIPED_WIDTH


def _tell_unread(snapshot: Snapshot) -> None:
    from sdt_console.text import visible

    for part in snapshot.parts.values():
        if part.error:
            click.echo(f"{part.name} not read: {visible(part.error)}", err=True)


def _exit(snapshot: Snapshot) -> int:
    return _EXIT_UNREAD if snapshot.parts["services"].error else 0
