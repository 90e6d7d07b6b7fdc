"""What the figures need of one run, read off its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sdt_console import events as ev
from sdt_console.model import Outcome, Selection
from sdt_console.runs.expected import Key, durations
from sdt_console.runs.fold import fold

_DEPLOYING = ("deploy", "health", "rollback")
_DETECTED = ("pipeline", "apply")


@dataclass(frozen=True)
class RunFacts:
    """One run.

    :param kind: of its request: ``pipeline``, ``deploy``, ``build``, ``rollback`` or ``apply``.
    :param began: seconds since the epoch; ``ended`` as well, ``None`` as long as it has not.
    :param deploys: its plan was to deploy, as far as it had one.
    :param touched: services → how they ended, of those that it began to deploy.
    :param possible: services that its changes could have selected; ``selected`` those that were.
    :param took: seconds by stage and service.
    :param built: images that were built; ``reused`` those that were in ECR already.
    """

    run: str
    environment: str
    kind: str
    head: str
    began: float
    ended: float | None = None
    outcome: Outcome | None = None
    deploys: bool = True
    resumed: bool = False
    touched: Mapping[str, Outcome] = field(default_factory=dict)
    possible: int = 0
    selected: int = 0
    took: Mapping[Key, float] = field(default_factory=dict)
    built: int = 0
    reused: int = 0


def facts(events: Sequence[ev.Event]) -> RunFacts | None:
    """The facts of one run's events, in order; ``None`` if they do not begin with its start."""
    if not events or not isinstance(events[0].body, ev.RunStarted):
        return None
    begin, started, state = events[0], events[0].body, fold(events)
    plan: Mapping[str, Any] = {}
    ended: float | None = None
    head, touched = started.head, set()
    built = reused = 0
    for event in events:
        match event.body:
            case ev.Planned(plan=told):
                plan, head = told, str(told.get("head") or head)
            case ev.StepStarted(stage=stage, service=service) if stage in _DEPLOYING:
                touched.add(service)
            case ev.StepFinished(stage="build", outcome=outcome):
                built += outcome is Outcome.SUCCEEDED
                reused += outcome is Outcome.SKIPPED
            case ev.RunFinished():
                ended = event.at
            case _:
                pass
    kind = str(started.request.get("kind") or "pipeline")
    stages = plan.get("stages")
    selections = [_selection(s) for s in plan.get("selections", ())] if kind in _DETECTED else []
    return RunFacts(
        run=begin.run,
        environment=started.environment,
        kind=kind,
        head=head,
        began=begin.at,
        ended=ended if state.outcome is not None else None,
        outcome=state.outcome,
        deploys=kind != "build" if stages is None else "deploy" in stages,
        resumed=any(isinstance(event.body, ev.RunResumed) for event in events),
        touched={s.name: s.outcome for s in state.services if s.name in touched},
        possible=sum(s.buildable for s in selections),
        selected=sum(s.selected for s in selections),
        took=durations(events),
        built=built,
        reused=reused,
    )


def _selection(data: Mapping[str, Any]) -> Selection:
    return Selection(str(data.get("name", "")), bool(data.get("selected")), str(data.get("reason", "")))
