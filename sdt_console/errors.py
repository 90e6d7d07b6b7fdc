"""What goes wrong: one class per exit code, each saying what, why and what next.

Exit codes are an API (see ``docs/exit-codes.md``): 0 succeeded or nothing to do, 1 gate, build or push
failed, 2 usage or catalog, 3 AWS, credentials or network, 4 deploy or health failed and rolled back,
5 rolled back incompletely, 6 lock held or superseded, 7 timed out, 130 interrupted.
"""

from __future__ import annotations

from typing import ClassVar

from sdt_console.model import Failure


class SdtError(Exception):
    """An error a person can act on.

    :param what: what failed, one sentence without a full stop.
    :param cause: why, as far as it is known; empty when ``what`` says it all.
    :param next: what to do about it, imperative; empty only where nothing can be done.
    :param evidence: the lines it was read from: service events, stopped reasons, log lines; untrusted text.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, what: str, cause: str = "", next: str = "", evidence: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause
        self.next = next
        self.evidence = evidence

    def failure(self) -> Failure:
        return Failure(self.what, self.cause, self.evidence, self.next)

    def __str__(self) -> str:
        text = self.what if not self.cause else f"{self.what}: {self.cause}"
        return text if not self.next else f"{text}\n  next: {self.next}"


class UsageError(SdtError):
    """The request cannot be understood or does not fit what is there. Nothing was changed."""

    exit_code = 2


class CatalogError(UsageError):
    """The catalog cannot be read or has problems."""


class GateError(SdtError):
    """A gate, a build or a push failed; nothing was deployed."""

    exit_code = 1


class BuildError(GateError):
    """An image could not be built or pushed."""


class CloudError(SdtError):
    """AWS refused, could not be reached, or answered something that cannot be right."""

    exit_code = 3


class NotAllowedError(CloudError):
    """AWS refused for want of a right.

    :param right: the action as IAM spells it, ``ecs:DescribeServices``.
    """

    def __init__(self, right: str, cause: str) -> None:
        super().__init__(f"not allowed to call {right}", cause, f"have the right {right} granted")
        self.right = right


class ReadOnlyError(UsageError):
    """A change was asked for while ``--read-only`` is set."""


class DeployError(SdtError):
    """A deploy or a health check failed."""

    exit_code = 4


class SupersededError(SdtError):
    """Someone else deploys this, or already did."""

    exit_code = 6


class TimedOutError(SdtError):
    """A limit was reached before an answer was known."""

    exit_code = 7
