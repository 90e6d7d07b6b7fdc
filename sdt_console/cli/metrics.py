"""``sdt metrics``: CPU, memory, requests, latency and errors of services, and of what they stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import command, given, service_names
from sdt_console.cli.running import running

if TYPE_CHECKING:
    from sdt_console.model import MetricSheet, Series


@command(
    "metrics",
    short="CPU, memory, requests, latency, errors.",
    example="sdt metrics\nsdt metrics user-service --since 24h\nsdt metrics --json | jq '.resources'",
)
@click.argument("services", nargs=-1, shell_complete=service_names, metavar="[SERVICE…]")
@click.option("--since", default="1h", show_default=True, metavar="TIME", help="How long ago, or when.")
def metrics(services: tuple[str, ...], since: str) -> int:
    """What CloudWatch has on SERVICE, or on all services and what they stand on: newest value and course.

    A gap in the course means that AWS published nothing. AWS charges $0.01 for a thousand metrics asked for.
    """
    import asyncio

    from sdt_console.cli.metric_pictures import all_services, some_services
    from sdt_console.cli.output import show, write_json
    from sdt_console.watching.metrics import Metrics, span_of

    with running(None) as door:
        span = span_of(since, door.clock.now())
        sheet = asyncio.run(Metrics(door).read(services, span))
    if given().json:
        write_json(_document(sheet))
    else:
        show(some_services(sheet, services) if services else all_services(sheet))
    return 0


def _document(sheet: MetricSheet) -> dict[str, Any]:
    names = dict.fromkeys(s.service for s in sheet.series if s.service)
    return {
        "version": 1,
        "environment": sheet.environment,
        "at": sheet.at,
        "start": sheet.start,
        "end": sheet.end,
        "period_s": sheet.period,
        "services": [{"name": name, "metrics": [_series(s) for s in sheet.of(name)]} for name in names],
        "resources": [
            {"name": name, "metrics": [_series(s) for s in series]}
            for name, series in sheet.resources.items()
        ],
        "asked": sheet.asked,
        "notes": list(sheet.notes),
    }


def _series(series: Series) -> dict[str, Any]:
    latest = series.latest
    return {
        "name": series.name,
        "unit": series.unit,
        "now": latest[1] if latest else None,
        "now_at": latest[0] if latest else None,
        "min": min(series.known, default=None),
        "max": max(series.known, default=None),
        "values": list(series.values),
        "note": series.note,
    }
