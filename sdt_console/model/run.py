"""A run as its events tell it."""

from __future__ import annotations

from dataclasses import dataclass

from sdt_console.model.outcome import Failure, Outcome


@dataclass(frozen=True)
class ServiceResult:
    """What a run made of one service; empty strings for what was not reached.

    :param failure: the first thing that went wrong with it; that it could not be put back either is in the
        evidence.
    :param tried: ARN of the task definition that its ECS service was asked to run.
    :param rejected: that ARN, once the run has judged it: it did not come up, or was not healthy.
    """

    name: str
    outcome: Outcome
    image: str = ""
    digest: str = ""
    task_definition: str = ""
    previous: str = ""
    failure: Failure | None = None
    tried: str = ""
    rejected: str = ""

    @property
    def untold(self) -> bool:
        """Whether ``tried`` was announced, and what became of it was not recorded: the run was killed."""
        open_end = self.outcome in (Outcome.SKIPPED, Outcome.INTERRUPTED)
        return open_end and bool(self.tried) and self.task_definition in ("", self.previous)


@dataclass(frozen=True)
class StageResult:
    """One stage of a run; ``duration_s`` in seconds, ``None`` while it runs, as is ``outcome``."""

    name: str
    outcome: Outcome | None
    duration_s: float | None = None
    failure: Failure | None = None
    note: str = ""
    started_at: float = 0.0


@dataclass(frozen=True)
class RunState:
    """A run as its events tell it so far; ``outcome`` is ``None`` while it runs.

    :param started_at: seconds since the epoch.
    """

    run: str
    environment: str = ""
    outcome: Outcome | None = None
    exit_code: int | None = None
    started_at: float = 0.0
    duration_s: float | None = None
    services: tuple[ServiceResult, ...] = ()
    stages: tuple[StageResult, ...] = ()
    failure: Failure | None = None

    @property
    def resumable(self) -> bool:
        """Whether there is something to go on with: it has no end, or was stopped or cut off before it.

        So it is when it was gone on with, and not even preflight was passed then.
        """
        open_ = (None, Outcome.INTERRUPTED)
        if self.outcome in open_ or any(stage.outcome in open_ for stage in self.stages):
            return True
        names = [stage.name for stage in self.stages if stage.outcome is not Outcome.SUCCEEDED]
        return "preflight" in names and self.stages[-1].name != "preflight"
