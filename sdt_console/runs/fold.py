"""``RunState = fold(events)``: a run as its events tell it so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sdt_console import events as ev
from sdt_console.model import Failure, Outcome, RunState, ServiceResult, StageResult

_FIELDS = ("image", "digest", "task_definition", "previous")
# An image that is built and pushed makes no service succeed: it has to run.
_RUNS = {"deploy", "health"}
_REJECTED = {Outcome.FAILED, Outcome.TIMED_OUT}
_BAD = {Outcome.FAILED, Outcome.TIMED_OUT, Outcome.ROLLBACK_FAILED, Outcome.INTERRUPTED, Outcome.ROLLED_BACK}


def fold(events: Iterable[ev.Event]) -> RunState:
    """The state after ``events``, which are one run's, in order and from its first."""
    state = RunState(run="")
    for event in events:
        state = after(state, event)
    return state


def after(state: RunState, event: ev.Event) -> RunState:
    """The state after one more event."""
    body = event.body
    match body:
        case ev.RunStarted():
            return RunState(run=event.run, environment=body.environment, started_at=event.at)
        case ev.RunResumed():
            return _resumed(state)
        case ev.Planned():
            return replace(state, services=_planned(body.plan))
        case ev.StageStarted():
            stage = StageResult(body.stage, None, started_at=event.at)
            return replace(state, stages=_begun(state.stages, stage))
        case ev.StageFinished():
            return replace(state, stages=tuple(_stage(s, body, event.at) for s in state.stages))
        case ev.Intended(stage="deploy", action="ecs:UpdateService"):
            return replace(state, services=tuple(_tried(s, body) for s in state.services))
        case ev.StepFinished():
            return replace(state, services=tuple(_service(s, body) for s in state.services))
        case ev.RunFinished():
            return replace(
                state,
                outcome=body.outcome,
                exit_code=body.exit_code,
                failure=body.failure,
                duration_s=event.at - state.started_at,
            )
        case _:
            return state


def _planned(plan: Mapping[str, Any]) -> tuple[ServiceResult, ...]:
    before = plan.get("before", {})
    return tuple(
        ServiceResult(name, Outcome.SKIPPED, previous=before.get(name) or "")
        for wave in plan.get("waves", [])
        for name in wave
    )


def _resumed(state: RunState) -> RunState:
    """What was interrupted is not an end any more."""
    services = tuple(
        replace(s, outcome=Outcome.SKIPPED, failure=None) if s.outcome is Outcome.INTERRUPTED else s
        for s in state.services
    )
    return replace(state, outcome=None, exit_code=None, failure=None, duration_s=None, services=services)


def _begun(stages: tuple[StageResult, ...], new: StageResult) -> tuple[StageResult, ...]:
    """A stage that is begun again after its run was cut off takes the place of what was left of it."""
    if any(stage.name == new.name for stage in stages):
        return tuple(new if stage.name == new.name else stage for stage in stages)
    return (*stages, new)


def _stage(stage: StageResult, body: ev.StageFinished, at: float) -> StageResult:
    if stage.name != body.stage or stage.outcome is not None:
        return stage
    return replace(
        stage, outcome=body.outcome, duration_s=at - stage.started_at, failure=body.failure, note=body.note
    )


def _tried(service: ServiceResult, body: ev.Intended) -> ServiceResult:
    if service.name != body.service:
        return service
    return replace(service, tried=str(body.request.get("taskDefinition") or ""))


def _service(service: ServiceResult, body: ev.StepFinished) -> ServiceResult:
    if service.name != body.service:
        return service
    made = {key: str(body.result[key]) for key in _FIELDS if body.result.get(key)}
    outcome, failure = service.outcome, service.failure
    if body.stage == "rollback" and body.outcome is Outcome.INTERRUPTED:
        return service  # what had to be rolled back still has failed, for the reason told
    if body.outcome in _BAD or (
        body.outcome is Outcome.SUCCEEDED and body.stage in _RUNS and outcome not in _BAD
    ):
        outcome = body.outcome
    if body.stage in _RUNS and body.outcome in _REJECTED:
        made["rejected"] = service.tried
    return replace(service, outcome=outcome, failure=_first(failure, body), **made)


def _first(failure: Failure | None, body: ev.StepFinished) -> Failure | None:
    """What went wrong first stays; that the service could not be put back either is told beside it."""
    if failure is None or body.failure is None or body.outcome is not Outcome.ROLLBACK_FAILED:
        return failure or body.failure
    beside = f"not rolled back: {body.failure.what}" + (
        f": {body.failure.cause}" if body.failure.cause else ""
    )
    return replace(failure, evidence=(*failure.evidence, beside))
