"""How a run, a stage or a step ended, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a run, a stage or a step ended; the words are an API (``sdt show --json``)."""

    SUCCEEDED = "succeeded"
    NOTHING_TO_DO = "nothing-to-do"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    ROLLBACK_FAILED = "rollback-failed"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"
    """Only for stages and steps: not run, with the reason beside it."""


@dataclass(frozen=True)
class Failure:
    """Why something failed, as a person needs it.

    :param what: what failed, one sentence.
    :param cause: why.
    :param evidence: the lines it was read from: service events, stopped reasons, log lines.
    :param next: what to do now.
    """

    what: str
    cause: str
    evidence: tuple[str, ...] = ()
    next: str = ""
