"""A run that has nothing to do: told at once, without anything of what a run else needs."""

from __future__ import annotations

from sdt_console.events import Emit, Noted, RunFinished
from sdt_console.model import Outcome, Plan


def is_empty(plan: Plan) -> bool:
    """Whether nothing is built or deployed."""
    return not plan.builds and not plan.services


def nothing_to_do(emit: Emit) -> RunFinished:
    """Say so; how the run ends, not recorded yet."""
    emit(Noted("no service changed: nothing to build or deploy"))
    return RunFinished(Outcome.NOTHING_TO_DO, 0)
