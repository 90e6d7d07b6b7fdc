"""A run as one looks at it while it goes on: its state, and what is under way of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sdt_console import events as ev
from sdt_console.model import PIPELINE, Failure, Outcome, RunState
from sdt_console.runs.fold import after

BAD = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.ROLLBACK_FAILED, Outcome.REFUSED})


@dataclass(frozen=True)
class Step:
    """A stage's work on one service; ``outcome`` is ``None`` while it is under way.

    :param done: how far it is, of ``total``, in the stage's own unit; ``total`` 0 if it is not known.
    :param began: seconds since the epoch, as is ``ended``.
    """

    stage: str
    service: str
    began: float
    note: str = ""
    done: int = 0
    total: int = 0
    outcome: Outcome | None = None
    failure: Failure | None = None
    ended: float | None = None


@dataclass(frozen=True)
class View:
    """Everything that a picture of a run is drawn from.

    :param steps: by stage and service, in the order in which they began.
    :param at: time of the last event, seconds since the epoch.
    """

    run: RunState = field(default_factory=lambda: RunState(run=""))
    started: ev.RunStarted | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[tuple[str, str], Step] = field(default_factory=dict)
    at: float = 0.0

    @property
    def waves(self) -> list[list[str]]:
        """Names of the services to deploy, wave by wave."""
        return [[str(name) for name in wave] for wave in self.plan.get("waves", ())]

    @property
    def names(self) -> list[str]:
        """All services that the plan builds or deploys, once each."""
        deployed = [name for wave in self.waves for name in wave]
        return list(dict.fromkeys([*(str(n) for n in self.plan.get("builds", ())), *deployed]))

    @property
    def to_come(self) -> list[str]:
        """The plan's stages that have not begun; none once one has failed."""
        if any(stage.outcome in BAD for stage in self.run.stages):
            return []
        begun = {stage.name for stage in self.run.stages}
        planned = self.plan.get("stages", PIPELINE) if self.plan else ()
        return [str(name) for name in planned if name not in begun]

    @property
    def under_way(self) -> list[Step]:
        return [step for step in self.steps.values() if step.outcome is None]

    @property
    def failed(self) -> list[Step]:
        """Each service's last step that failed, also where the service is going back since."""
        return list({step.service: step for step in self.steps.values() if step.outcome in BAD}.values())

    @property
    def latest(self) -> list[Step]:
        """Each service's last step, in the order in which those began."""
        last: dict[str, Step] = {}
        for step in self.steps.values():
            last.pop(step.service, None)
            last[step.service] = step
        return list(last.values())


def view_of(events: Iterable[ev.Event]) -> View:
    """The view after ``events``, which are one run's, in order and from its first."""
    view = View()
    for event in events:
        view = seen(view, event)
    return view


def seen(view: View, event: ev.Event) -> View:
    """The view after one more event; an event that it does not know changes only the time."""
    view = replace(view, run=after(view.run, event), at=event.at)
    match event.body:
        case ev.RunStarted() as body:
            return replace(view, started=body, plan={}, steps={})
        case ev.RunResumed():
            # What was cut off is begun again, or was over without anybody to say so.
            return replace(view, steps={key: s for key, s in view.steps.items() if s.outcome is not None})
        case ev.Planned(plan=plan):
            return replace(view, plan=plan)
        case ev.StepStarted() as body:
            return _with(view, Step(body.stage, body.service, event.at, body.note))
        case ev.StepProgressed() as body:
            return _progressed(view, body)
        case ev.StepFinished() as body:
            step = view.steps.get((body.stage, body.service)) or Step(body.stage, body.service, event.at)
            note = body.note or step.note
            ended = replace(step, note=note, outcome=body.outcome, failure=body.failure, ended=event.at)
            return _with(view, ended, moves=False)
        case _:
            return view


def _progressed(view: View, body: ev.StepProgressed) -> View:
    """A rollout that goes back is told as progress of ``deploy``: it is that of the service's open step."""
    step = view.steps.get((body.stage, body.service))
    if step is None or step.outcome is not None:
        step = next((s for s in view.under_way if s.service == body.service), None)
    if step is None:
        return view
    # A line of output in between says nothing about how far the step is.
    done, total = (body.done, body.total) if body.total > 0 else (step.done, step.total)
    return _with(view, replace(step, note=body.note, done=done, total=total), moves=False)


def _with(view: View, step: Step, *, moves: bool = True) -> View:
    steps = dict(view.steps)
    if moves:
        steps.pop((step.stage, step.service), None)
    steps[step.stage, step.service] = step
    return replace(view, steps=steps)
