"""What an earlier process did for this run, as the journal has it: so that nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sdt_console import events as ev
from sdt_console.errors import CloudError, DeployError, GateError, SdtError, SupersededError, TimedOutError
from sdt_console.model import Failure, Outcome

_ERRORS: Mapping[str, type[SdtError]] = {"gate": GateError, "build": GateError, "push": GateError}


class Past:
    """The entries of a run that was cut off; empty for a new run.

    What was interrupted counts as not ended: it is begun again, and finds what was left of it.
    """

    def __init__(self, entries: Iterable[ev.Event] = ()) -> None:
        self.plan: Mapping[str, Any] | None = None
        self.finished: ev.RunFinished | None = None
        self.started: ev.RunStarted | None = None
        self.updated: list[str] = []
        """Services of the deploy stage for which ``UpdateService`` was announced, in that order."""
        self._stages: dict[str, ev.StageFinished] = {}
        self._steps: dict[tuple[str, str], ev.StepFinished] = {}
        self._intended: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        self._done: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        for entry in entries:
            self._take(entry.body)

    def stage(self, name: str) -> ev.StageFinished | None:
        """How the stage ended, if it did."""
        return self._stages.get(name)

    def step(self, stage: str, service: str) -> ev.StepFinished | None:
        """How the stage's work on one service ended, if it did."""
        return self._steps.get((stage, service))

    def intended(self, stage: str, service: str, action: str) -> Mapping[str, Any] | None:
        """The parameters of a change that was announced."""
        return self._intended.get((stage, service, action))

    def done(self, stage: str, service: str, action: str) -> Mapping[str, Any] | None:
        """The answer to a change that was announced; ``None`` if none was recorded."""
        return self._done.get((stage, service, action))

    def digests(self) -> dict[str, str]:
        """Service → digest of its image in the registry, as far as that was known."""
        found = {}
        for (stage, service), step in self._steps.items():
            if stage in ("build", "push", "deploy") and step.result.get("digest"):
                found[service] = str(step.result["digest"])
        return found

    def failed(self) -> set[str]:
        """Services whose deploy or health check had failed."""
        return {
            service
            for (stage, service), step in self._steps.items()
            if stage in ("deploy", "health") and step.failure is not None
        }

    def _take(self, body: ev.Body) -> None:
        match body:
            case ev.RunStarted():
                self.started = body
            case ev.RunResumed():
                self.finished = None
            case ev.Planned():
                self.plan = body.plan
            case ev.StageFinished() if body.outcome is not Outcome.INTERRUPTED:
                self._stages[body.stage] = body
            case ev.StepFinished() if body.outcome is not Outcome.INTERRUPTED:
                self._steps[body.stage, body.service] = body
            case ev.Intended():
                key = (body.stage, body.service, body.action)
                self._intended[key] = body.request
                self._done.pop(key, None)  # announced again: the answer before it is not the answer to this
                if key[0] == "deploy" and key[2] == "ecs:UpdateService" and body.service not in self.updated:
                    self.updated.append(body.service)
            case ev.Done():
                self._done[body.stage, body.service, body.action] = body.result
            case ev.RunFinished():
                self.finished = body
            case _:
                pass


def again(stage: str, outcome: Outcome, failure: Failure) -> SdtError:
    """The error that a recorded failure was, of the class that gives its exit code."""
    kind = _ERRORS.get(stage, CloudError if stage == "preflight" else DeployError)
    by_outcome = {Outcome.REFUSED: SupersededError, Outcome.TIMED_OUT: TimedOutError}
    return by_outcome.get(outcome, kind)(failure.what, failure.cause, failure.next, failure.evidence)
