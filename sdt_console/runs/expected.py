"""How long a stage, and a service in it, will take: the median of the runs before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from sdt_console import events as ev
from sdt_console.model import Outcome

Key = tuple[str, str]
"""Stage and service; the service is empty for the stage as a whole."""


def expected(runs: Iterable[Sequence[ev.Event]]) -> Mapping[Key, float]:
    """Median seconds of every stage and of every service in it, over ``runs``.

    Only what succeeded counts: a skipped build took no time, and a failed rollout took another's. What was
    cut off and resumed does not count either. What never succeeded has no entry.
    """
    seen: dict[Key, list[float]] = {}
    for run in runs:
        for key, duration in durations(run).items():
            seen.setdefault(key, []).append(duration)
    return {key: median(values) for key, values in seen.items()}


def durations(run: Sequence[ev.Event]) -> dict[Key, float]:
    """Seconds of each stage, and of each service in it, that began and succeeded without a break."""
    began: dict[Key, float] = {}
    took: dict[Key, float] = {}
    for event in run:
        match event.body:
            case ev.RunResumed():
                began.clear()
            case ev.StageStarted(stage=stage):
                began[stage, ""] = event.at
            case ev.StepStarted(stage=stage, service=service):
                began[stage, service] = event.at
            case ev.StageFinished(stage=stage, outcome=outcome):
                _end(began, took, (stage, ""), outcome, event.at)
            case ev.StepFinished(stage=stage, service=service, outcome=outcome):
                _end(began, took, (stage, service), outcome, event.at)
            case _:
                pass
    return took


def _end(began: dict[Key, float], took: dict[Key, float], key: Key, outcome: Outcome, at: float) -> None:
    start = began.pop(key, None)
    if start is not None and outcome in (Outcome.SUCCEEDED, Outcome.ROLLED_BACK):
        took[key] = max(0.0, at - start)
