"""How long a run still takes, from how long its parts took before."""

from __future__ import annotations

from collections.abc import Mapping

from sdt_console.reports.view import BAD, View
from sdt_console.runs.expected import Key


def stage_time(stage: str, services: list[str], expected: Mapping[Key, float]) -> float | None:
    """Seconds that a stage takes for ``services``; ``None`` if the history does not know.

    The stage's own median may be of runs with more services or fewer: it is no longer than all of these
    one after the other, and no shorter than the slowest of them.
    """
    whole = expected.get((stage, ""))
    each = [expected[stage, name] for name in services if (stage, name) in expected]
    if whole is None or len(each) < len(services) or not each:
        return whole
    return min(max(whole, max(each)), sum(each))


def run_time(view: View, expected: Mapping[Key, float], now: float) -> float | None:
    """Seconds from the run's begin to its end: what has passed, and what the stages to come will take.

    ``None`` if the history does not know one of them, or the run does not go as planned.
    """
    run = view.run
    if not view.plan or any(step.outcome in BAD for step in view.steps.values()):
        return None
    total = now - run.started_at
    for stage in run.stages:
        if stage.outcome is None:
            whole = stage_time(stage.name, view.names, expected)
            if whole is None:
                return None
            total += max(0.0, whole - (now - stage.started_at))
    for name in view.to_come:
        whole = stage_time(name, view.names, expected)
        if whole is None:
            return None
        total += whole
    return total
