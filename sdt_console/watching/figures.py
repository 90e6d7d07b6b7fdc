"""How deploying goes, from an engine's history and, for lead times, its repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdt_console.errors import SdtError
from sdt_console.model import FiguresReport
from sdt_console.watching.images import commits

if TYPE_CHECKING:
    from sdt_console.engine import Engine

_DAY_S = 86400.0
NO_REPOSITORY = "lead time needs the commits: name the backend's repository with --repo DIR"


def report(door: Engine, days: int) -> FiguresReport:
    """The figures of the runs that began in the last ``days`` days.

    With an environment asked for, of that one only. The catalog gives the order of environments, and none is
    needed.

    :raises JournalError: the journal cannot be read.
    """
    from sdt_console.runs.facts import facts
    from sdt_console.runs.figures import report as made

    now = door.clock.now()
    since = now - days * _DAY_S
    runs = [
        told
        for events in door.history.since(since, door.settings.environment or "")
        if (told := facts(events)) is not None
    ]
    known = commits(door)
    heads = sorted({run.head for run in runs if run.head})
    authored = {name: c.authored_at for name, c in known(heads).items()} if known else {}
    notes = [] if authored or not heads else [NO_REPOSITORY]
    first = min((run.began for run in runs), default=since)
    found = made(runs, max(since, first), now, authored, _order(door))
    return FiguresReport(found.total, found.environments, tuple(notes))


def _order(door: Engine) -> tuple[str, ...]:
    try:
        return tuple(door.catalog.environments)
    except SdtError:  # what has been can be told without one
        return ()
