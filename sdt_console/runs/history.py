"""The runs in the journal, as a person asks for them."""

from __future__ import annotations

from sdt_console.errors import UsageError
from sdt_console.events import Event
from sdt_console.model import RunState
from sdt_console.runs.fold import fold
from sdt_console.runs.journal import Journal


class History:
    """Past runs, and those under way."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def newest(self, limit: int) -> list[RunState]:
        """The newest runs of this machine, newest first."""
        return [fold(self._journal.events(run)) for run in self._journal.runs(limit)]

    def events(self, run: str) -> list[Event]:
        """The events of one run.

        :param run: its id, or the beginning of it.
        :raises UsageError: no run, or several, begin like that.
        """
        found = self._journal.matching(run)
        if len(found) == 1:
            return self._journal.events(found[0])
        if found:
            raise UsageError(f"{len(found)} runs begin with {run!r}", ", ".join(found), "give more of the id")
        raise UsageError(f"no run {run!r} in {self._journal.path}", next="see `sdt history`")

    def state(self, run: str) -> RunState:
        """How one run ended, or stands; ``run`` as for :meth:`events`."""
        return fold(self.events(run))
