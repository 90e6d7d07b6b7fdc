"""A snapshot for people: a row a service, and under them what is wrong, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sdt_console.model import ServiceSight, ServiceState, Snapshot
from sdt_console.reports.cells import Column, Line, Span, folded, plain, rows
from sdt_console.text import clipped, visible

LOOKS = {
    ServiceState.UP: ("✔", "green"),
    ServiceState.DEGRADED: ("▲", "yellow"),
    ServiceState.DOWN: ("✖", "red"),
    ServiceState.DEPLOYING: ("◐", "cyan"),
    ServiceState.ROLLING_BACK: ("↩", "yellow"),
    ServiceState.PENDING: ("–", "dim"),
    ServiceState.MISSING: ("?", "red"),
}
"""State → glyph and style."""

_WORST = (
    ServiceState.DOWN,
    ServiceState.MISSING,
    ServiceState.DEGRADED,
    ServiceState.ROLLING_BACK,
    ServiceState.DEPLOYING,
    ServiceState.UP,
    ServiceState.PENDING,
)
SORTS = ("group", "name", "state", "age", "image")
_COLUMNS = (
    Column("STATE"),
    Column("SERVICE", least=16),
    Column("TASKS", right=True),
    Column("ROLLOUT", least=9, drop=1),
    Column("IMAGE", least=7, drop=2),
    Column("AGE", right=True, drop=3),
    Column("HEALTH", drop=4),
    Column("ABOUT", least=12, drop=5),
)
_TAG = 16


def chosen(snapshot: Snapshot, states: Iterable[str], group: str, sort: str) -> list[ServiceSight]:
    """The services to show, in order.

    :param states: only these; all if empty.
    :param sort: one of ``SORTS``; ``group`` is the catalog's own order.
    """
    wanted = set(states)
    found = [
        s
        for s in snapshot.services.values()
        if (not wanted or s.state in wanted) and (not group or s.group == group)
    ]
    if sort == "name":
        found.sort(key=lambda s: s.name)
    elif sort == "state":
        found.sort(key=lambda s: _WORST.index(s.state))
    elif sort == "age":
        found.sort(key=lambda s: -(s.deployed_at or 0.0))
    elif sort == "image":
        found.sort(key=lambda s: (s.tag, s.image))
    return found


def picture(
    snapshot: Snapshot,
    services: Sequence[ServiceSight],
    now: float,
    width: int,
    *,
    groups: Sequence[str] = (),
    height: int | None = None,
) -> list[Line]:
    """Lines of at most ``width`` cells.

    :param groups: to show them under, in order; none if empty.
    :param height: if there are more lines, services that are well are only counted.
    """
    made = _picture(snapshot, services, now, width, groups)
    if height is not None and len(made) > height:
        ill = [s for s in services if s.state is not ServiceState.UP]
        made = _picture(snapshot, ill, now, width, groups)
        made.insert(2, [(f"{len(services) - len(ill)} more up", "dim")])
        if len(made) > height:
            made = [*made[: max(height - 1, 1)], [("…", "dim")]]
    return made


def _picture(
    snapshot: Snapshot, services: Sequence[ServiceSight], now: float, width: int, groups: Sequence[str]
) -> list[Line]:
    head, lines = rows(_COLUMNS, [_cells(s, now) for s in services], width)
    made: list[Line] = [*_head(snapshot, now, width), [], *([head] if services else [])]
    if groups:
        for group in groups:
            members = [line for line, s in zip(lines, services, strict=True) if s.group == group]
            if members:
                made += [[(visible(group), "bold")], *members]
    else:
        made += lines
    for sight in services:
        made += _problem(sight, now, width)
    if snapshot.unmanaged:
        told = f"not in the catalog: {', '.join(map(visible, snapshot.unmanaged))}"
        made += [[], *([(line, "dim")] for line in folded(told, width))]
    return made


def _head(snapshot: Snapshot, now: float, width: int) -> list[Line]:
    parts = [snapshot.cluster, snapshot.region, snapshot.account]
    read = snapshot.parts.get("services")
    old = "" if not read or not read.at or now - read.at < 1 else f"{age(now - read.at)} old"
    counted = f"{snapshot.up} of {snapshot.expected} up"
    well = snapshot.up == snapshot.expected
    line: Line = [(visible(snapshot.environment), "bold"), ("  ", "")]
    line += [("  ".join(visible(p) for p in parts if p), "dim"), ("  ", "")]
    line += [(counted, "green" if well else "yellow")] + ([("  " + old, "dim")] if old else [])
    made = [line if len(plain(line)) <= width else [line[0], line[1], *line[4:]]]
    if snapshot.paused:
        made += [[(t, "yellow")] for t in folded(f"paused: {visible(snapshot.paused)}", width)]
    for part in snapshot.parts.values():
        if part.error and not snapshot.paused:
            kept = f" (shown as of {age(now - part.at)} ago)" if part.at else ""
            told = f"{part.name} not read: {visible(part.error)}{kept}"
            made += [[(t, "yellow")] for t in folded(told, width)]
    return made


def _cells(sight: ServiceSight, now: float) -> list[Span]:
    sign, style = LOOKS[sight.state]
    exists = bool(sight.task_definition) and sight.state is not ServiceState.PENDING
    dim = "dim" if sight.state is ServiceState.PENDING else ""
    return [
        (f"{sign} {sight.state}", style),
        (visible(sight.name), dim),
        (f"{sight.running}/{sight.desired}" if exists else "–", dim),
        (visible(sight.rollout), dim if sight.rollout == "steady" else dim or style),
        (image(sight) if exists else "", dim),
        ("" if sight.deployed_at is None or not exists else age(now - sight.deployed_at), dim),
        _health(sight),
        (clipped(visible(sight.subject), 60), "dim"),
    ]


def _health(sight: ServiceSight) -> Span:
    if sight.health == "healthy":
        return "✔ healthy", "green"
    return (
        (f"✖ {clipped(visible(sight.health_note or sight.health), 24)}", "red") if sight.health else ("", "")
    )


def _problem(sight: ServiceSight, now: float, width: int) -> list[Line]:
    if not sight.why or sight.state is ServiceState.PENDING:
        return []
    sign, style = LOOKS[sight.state]
    title: Line = [(f"{sign} {visible(sight.name)}", style), (f"  {sight.state}", style)]
    if sight.since is not None:
        moment = datetime.fromtimestamp(sight.since).astimezone().strftime("%H:%M:%S")
        title.append((f" since {moment} · {age(now - sight.since)}", "dim"))
    made: list[Line] = [[], title]
    for label, text in (("why ", sight.why), ("next", sight.next)):
        for i, line in enumerate(folded(visible(text), max(width - 8, 20)) if text else ()):
            made.append([(f"  {label if not i else '    '}  ", "dim"), (line, "")])
    return made


def told(sight: ServiceSight) -> str:
    """One service in one line, for a log: ``user-service deploying 1/2, 1 of 2 new, 8d2e71b``."""
    counts = f" {sight.running}/{sight.desired}" if sight.task_definition else ""
    parts = [
        sight.rollout,
        image(sight),
        f"health: {sight.health_note or sight.health}" if sight.health == "unhealthy" else "",
    ]
    said = ", ".join(visible(part) for part in parts if part)
    why = f": {visible(sight.why)}" if sight.why else ""
    sign = LOOKS[sight.state][0]
    return f"{sign} {visible(sight.name)} {sight.state}{counts}{f', {said}' if said else ''}{why}"


def image(sight: ServiceSight) -> str:
    """A commit's first seven digits, another tag, or the beginning of a digest."""
    if sight.commit:
        return sight.commit[:7]
    if sight.tag:
        return clipped(visible(sight.tag), _TAG)
    digest = sight.digest.rpartition(":")[2]
    return f"@{visible(digest[:7])}" if digest else ""


def age(seconds: float) -> str:
    """``12s``, ``4m``, ``3h``, ``2d``."""
    seconds = max(0, int(seconds))
    for factor, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= factor:
            return f"{seconds // factor}{unit}"
    return f"{seconds}s"
