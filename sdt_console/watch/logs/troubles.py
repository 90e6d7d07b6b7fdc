"""What went wrong with a log group, in words, once."""

from __future__ import annotations

from collections.abc import Sequence

from sdt_console.errors import NotAllowedError, SdtError, UnreachableError
from sdt_console.model import LogNotice
from sdt_console.watch.logs.round import PATIENCE
from sdt_console.watch.logs.source import Source

SAMPLED = LogNotice(
    "sampled", "more than 500 lines a second: Live Tail shows a sample at once, the others follow by search"
)
_GONE = "ResourceNotFoundException"


def unknown_group(error: SdtError) -> bool:
    """Whether AWS says that there is no such log group or stream."""
    return _GONE in error.what


def advised(error: SdtError) -> SdtError:
    """The error, with what works in spite of it."""
    if isinstance(error, NotAllowedError):
        error.next = f"have the right {error.right} granted; `sdt health SERVICE` works without it"
    elif unknown_group(error):
        error.next = (
            "see the task definition's awslogs-group, and `sdt doctor`; a group may come with the first task"
        )
    return error


def without_live(error: SdtError) -> LogNotice:
    """Why it is searched instead."""
    why = error.what
    if isinstance(error, NotAllowedError):
        why = f"the right {error.right} is missing"
    elif error.cause:
        why = f"{error.what}: {error.cause}"
    return LogNotice("polling", f"no Live Tail ({why}); searching about once a second instead")


class Told:
    """Tells a trouble when it begins, changes or ends."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        self._forgot: dict[str, int] = {}

    def of(self, sources: Sequence[Source], *, patient: bool) -> list[LogNotice]:
        """:param patient: what may pass by the next look is not told yet."""
        found = []
        for source in sources:
            error, before = source.trouble, self._told.get(source.group, "")
            if error is None:
                if before:
                    found.append(LogNotice("again", f"{source.group} can be read again", source.service))
                    del self._told[source.group]
            elif not (patient and isinstance(error, UnreachableError) and source.failures < PATIENCE):
                # Denied stays denied for as long as anyone wants to wait; the rest may pass.
                source.hopeless = isinstance(error, NotAllowedError)
                said = _sentence(source, error)
                if error.what != before:
                    found.append(LogNotice("unread", said, source.service))
                    self._told[source.group] = error.what
            if source.forgot is not None and self._forgot.get(source.group) is None:
                self._forgot[source.group] = source.forgot
                found.append(
                    LogNotice("late", f"{source.group}: too many lines to find all late ones", source.service)
                )
        return found


def _sentence(source: Source, error: SdtError) -> str:
    if unknown_group(error):
        return f"the log group {source.group} does not exist"
    advised(error)
    told = f"{source.group} cannot be read: {error.what}"
    if error.cause:
        told += f" ({error.cause})"
    return f"{told}; {error.next}" if error.next else told
