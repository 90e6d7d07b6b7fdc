"""What goes wrong: one class per exit code, each saying what, why and what next.

Exit codes are an API (see ``docs/exit-codes.md``): 0 succeeded or nothing to do, 1 gate, build or push
failed, 2 usage or catalog, 3 AWS, credentials or network, 4 deploy or health failed and rolled back,
5 rolled back incompletely, 6 lock held or superseded, 7 timed out, 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from sdt_console.model import Broken, Failure, Hold


class SdtError(Exception):
    """An error a person can act on.

    :param what: what failed, one sentence without a full stop.
    :param cause: why, as far as it is known; empty when ``what`` says it all.
    :param next: what to do about it, imperative; empty only where nothing can be done.
    :param evidence: the lines it was read from: service events, stopped reasons, log lines; untrusted text.
    """

    exit_code: ClassVar[int] = 3
    resumable: ClassVar[bool] = False
    """A run that ends by it was cut off, and nothing is known to be wrong with what it deploys: nothing is
    rolled back for it, and ``sdt resume`` goes on."""

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
    """AWS refused, could not be reached, or answered something that cannot be right.

    ``unknown`` is set for a change whose answer never came: it may have been made.
    """

    exit_code = 3
    unknown = False


class UnreachableError(CloudError):
    """AWS does not answer us for now: no credentials, no network, too many requests, a failure on its side.

    Nothing is known of what was asked; the same may work later.
    """

    resumable = True


class CredentialsError(UnreachableError):
    """AWS takes no call with the credentials that there are: none, expired, or unknown to it.

    Once there are new ones everything works again.
    """


class BusyError(UnreachableError):
    """AWS does one such thing at a time, and another one is under way."""


class NotAllowedError(CloudError):
    """AWS refused for want of a right.

    :param right: the action as IAM spells it, ``ecs:DescribeServices``.
    """

    def __init__(self, right: str, cause: str) -> None:
        super().__init__(f"not allowed to call {right}", cause, f"have the right {right} granted")
        self.right = right


class TagTakenError(CloudError):
    """An image tag is another image's, and the repository's tags are immutable."""


class ReadOnlyError(UsageError):
    """A change was asked for while ``--read-only`` is set."""


class DeployError(SdtError):
    """A deploy or a health check failed."""

    exit_code = 4


class SupersededError(SdtError):
    """Someone else deploys this, or already did."""

    exit_code = 6


class LeaseHeldError(SupersededError):
    """Another run may change these services now; nothing was acquired.

    :param held: by whom, one for each key that is not free.
    """

    def __init__(self, held: Sequence[Hold]) -> None:
        first = held[0]
        super().__init__(
            f"{first.key} is held by another run",
            told(first),
            f"look there (`sdt show {first.run}`), wait, or take it from them: "
            f"`sdt lock break {first.key} --reason …`",
            tuple(f"{hold.key}: {told(hold)}" for hold in held[1:]),
        )
        self.held = tuple(held)


class LeaseLostError(SupersededError):
    """A lease that was ours is not any more: nothing more may be changed under it.

    :param mine: as we knew it.
    :param now_held: who has it now; ``None`` if nobody, or if it cannot be known.
    :param broken: the last time that the key's lease was broken by hand.
    :param cause: what else is known; only looked at where nobody took or broke it.
    """

    resumable = True

    def __init__(
        self, mine: Hold, now_held: Hold | None = None, broken: Broken | None = None, cause: str = ""
    ) -> None:
        causes = []
        if broken is not None and broken.token == mine.token:
            causes.append(f"{broken.by} broke it at {moment(broken.at)}: {broken.reason}")
        if now_held is not None and not now_held.same(mine):
            causes.append(told(now_held))
        look = f"`sdt show {now_held.run}`" if now_held is not None else "`sdt lock`"
        super().__init__(
            f"the lease of {mine.key} is no longer ours",
            "; ".join(causes) or cause or "it had expired, and another run had it since",
            f"see {look}; then `sdt resume {mine.run}` goes on with this run",
        )
        self.mine = mine


def told(hold: Hold) -> str:
    """Who holds a lease since when, and where to look."""
    where = f", {hold.url}" if hold.url else ""
    return (
        f"{hold.owner} on {hold.host} has it since {moment(hold.since)} for run {hold.run}{where}; "
        f"it expires at {moment(hold.expires)} unless renewed"
    )


def moment(at: float) -> str:
    """Seconds since the epoch as a local date and time."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


class StoreError(SdtError):
    """What we remember cannot be read or written: the state folder, or the shared table."""

    exit_code = 3


class JournalError(StoreError):
    """The journal cannot be written or read; nothing is changed in AWS without it."""

    resumable = True


class DivergedError(JournalError):
    """Another process recorded something else in an event's place: two go on with the same run."""


class UnsharedError(JournalError):
    """The event is on this machine's disk, but not in the shared store in time.

    It is part of the run: the next event has the next number.
    """


class TimedOutError(SdtError):
    """A limit was reached before an answer was known."""

    exit_code = 7
