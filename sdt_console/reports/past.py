"""The list of past runs, and how many of them went well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from sdt_console.model import Outcome, RunState
from sdt_console.reports.glyphs import UNDER_WAY, seconds, word
from sdt_console.runs.history import PastRun
from sdt_console.text import percent, plural, visible

_ABOUT_FROM = 100
"""Columns of a terminal that has room for what a run was about."""
_NO_VERDICT = (Outcome.NOTHING_TO_DO, Outcome.REFUSED, Outcome.INTERRUPTED, None)


def table(runs: Sequence[PastRun], width: int) -> Table:
    """A row a run, newest first, each one line; what is cut is in ``sdt show``."""
    wide = width >= _ABOUT_FROM
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("RUN", "WHEN", "ENV", "OUTCOME"):
        made.add_column(name, no_wrap=True)
    made.add_column("TIME", justify="right", no_wrap=True)
    # These two give way: Rich narrows columns that may wrap before the others, and their cells do not.
    made.add_column("SERVICES", max_width=40 if wide else None)
    if wide:
        made.add_column("ABOUT", max_width=60)
    for past in runs:
        state = past.state
        unfinished = Text(f"{UNDER_WAY[0]} unfinished", style=UNDER_WAY[1])
        row = [
            Text(visible(state.run)),
            Text(_when(state.started_at)),
            Text(visible(state.environment)),
            word(state.outcome) if state.outcome else unfinished,
            Text("" if state.duration_s is None else seconds(state.duration_s)),
            _cut(_services([service.name for service in state.services], 2 if wide else 1)),
        ]
        about = "  ".join(filter(None, [past.title, past.by and f"by {past.by}"]))
        made.add_row(*row, *([_cut(visible(about), "dim")] if wide else []))
    return made


def footing(runs: Sequence[RunState]) -> str:
    """``20 runs: 17 succeeded, 2 rolled-back, 1 unfinished; success rate 89 % (17 of 19)``.

    Runs that had nothing to do, were refused or stopped, or have not finished say nothing about success.
    """
    counted = Counter(str(run.outcome or "unfinished") for run in runs)
    parts = ", ".join(f"{count} {name}" for name, count in counted.most_common())
    judged = [run for run in runs if run.outcome not in _NO_VERDICT]
    told = f"{plural(len(runs), 'run')}: {parts}"
    if not judged:
        return told
    good = sum(run.outcome is Outcome.SUCCEEDED for run in judged)
    return f"{told}; success rate {percent(good, len(judged))} ({good} of {len(judged)})"


def _cut(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _when(at: float) -> str:
    """Local time, sortable."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


def _services(names: list[str], shown: int) -> str:
    """The first, and how many more; `sdt show` has them all."""
    more = len(names) - shown
    return visible(", ".join(names[:shown])) + (f" +{more}" if more > 0 else "")
