"""``sdt figures``: how deploying goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import command, engine, given
from sdt_console.cli.running import REPO

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdt_console.model import Figures, FiguresReport, Spread


@command(
    "figures",
    short="How deploying goes: frequency, success, lead time, time to restore.",
    example="sdt figures --days 30 --repo ../backend\n"
    "sdt figures --env production --json | jq '.total.success_rate'",
    params=[REPO],
)
@click.option("--days", type=click.IntRange(1, 10_000), default=90, show_default=True, help="How far back.")
def figures(days: int, repo: Path | None) -> None:
    """Figures of the runs in the history, for each environment and in total.

    A deployment is a run that was to deploy and came to a verdict. Durations are told as the middle one and,
    behind the slash, the one that nine of ten stay below.
    """
    from sdt_console.cli.output import show, write_json
    from sdt_console.watching.figures import report

    found = report(engine(repo=repo), days)
    if given().json:
        write_json(document(found))
    elif not found.total.runs:
        click.echo(f"no run in the last {days} days", err=True)
    else:
        show(_picture(found))
    for note in found.notes:
        click.echo(f"remark: {note}", err=True)


def document(found: FiguresReport) -> dict[str, Any]:
    """``sdt figures --json``: fields may be added, never changed; durations in seconds, rates from 0 to 1."""
    return {
        "version": 1,
        "total": _figures(found.total),
        "environments": {name: _figures(one) for name, one in found.environments.items()},
        "notes": list(found.notes),
    }


def _figures(one: Figures) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one) | {
        "per_day": one.per_day,
        "per_week": one.per_week,
        "success_rate": one.success_rate,
        "change_failure_rate": one.change_failure_rate,
        "avoided_share": one.avoided_share,
    }


def _picture(found: FiguresReport) -> RenderableType:
    from datetime import datetime

    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from sdt_console.text import visible

    columns = dict(found.environments)
    if len(columns) != 1:
        columns["total"] = found.total
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    for name in columns:
        table.add_column(visible(name), justify="right", no_wrap=True)
    cells = [_cells(one) for one in columns.values()]
    for label in cells[0]:
        table.add_row(Text(label), *(Text(column[label]) for column in cells))
    parts: list[RenderableType] = [table]
    still: dict[tuple[str, str, float], list[str]] = {}
    for o in found.total.outages:
        still.setdefault((o.environment, o.run, o.since), []).append(o.service)
    for (environment, run, at), names in still.items():
        when = datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        told = f"{environment}: {', '.join(names[:3])}{more} failed at {when}, and not restored since"
        parts.append(Text.assemble(("!", "yellow"), " ", visible(f"{told}: `sdt show {run}`")))
    since = datetime.fromtimestamp(found.total.since).astimezone().strftime("%Y-%m-%d")
    return Group(*parts, Text(), Text(f"since {since}", style="dim"))


def _cells(one: Figures) -> dict[str, str]:
    from sdt_console.text import percent

    return {
        "runs": str(one.runs),
        "deployments": str(one.deployments),
        "  succeeded": f"{one.succeeded}  {percent(one.succeeded, one.deployments)}",
        "  failed before deploying": str(one.failed_early),
        "  failed in deploying": str(one.failed_late),
        "  a week": f"{one.per_week:.1f}",
        "change failure rate": percent(one.failed_late, one.reached),
        "rollbacks by hand": str(one.rollbacks),
        "lead time": _spread(one.lead_time),
        "time to restore": _spread(one.time_to_restore),
        "not restored yet": str(len(one.outages)),
        "build": _spread(one.build_time),
        "one image": _spread(one.image_time),
        "a whole run": _spread(one.run_time),
        "builds avoided": percent(one.builds_avoided, one.builds_possible),
        "images used again": str(one.images_reused),
    }


def _spread(told: Spread | None) -> str:
    """``12 min / 18 min``; a dash if it is not known."""
    return "–" if told is None else f"{_duration(told.median_s)} / {_duration(told.p90_s)}"


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            value = seconds / length
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{seconds:.1f} s"
