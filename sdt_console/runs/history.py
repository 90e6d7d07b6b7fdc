"""The runs in the journal, as a person asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from sdt_console.errors import UsageError
from sdt_console.events import Event, Planned, RunFinished, RunStarted
from sdt_console.model import Outcome, RunState
from sdt_console.runs.expected import Key, expected
from sdt_console.runs.fold import fold
from sdt_console.runs.mirror import AnyJournal

UNFINISHED = "unfinished"
"""The word for a run that is under way or was cut off."""

_MEASURED = 10
_PROGRESS = "step-progressed"


@dataclass(frozen=True)
class PastRun:
    """One run of a list; ``title`` and ``by`` are untrusted text, empty where they are not known."""

    state: RunState
    title: str = ""
    by: str = ""


class History:
    """Past runs, and those under way."""

    def __init__(self, journal: AnyJournal) -> None:
        self._journal = journal

    def newest(self, limit: int) -> list[RunState]:
        """The newest runs of this machine, newest first."""
        return [past.state for past in self.listed(limit)]

    def listed(
        self, limit: int, *, environment: str = "", service: str = "", outcome: str = ""
    ) -> list[PastRun]:
        """The newest of the runs that are asked for, newest first; an empty text takes all.

        Only those that are returned are read as a whole, so that a long history costs little.

        :param service: one of those that the run's plan deploys.
        :param outcome: one of :class:`Outcome`, or ``unfinished``.
        """
        found = []
        for begin in islice(self._wanted(environment, service, outcome), limit):
            state = fold(self._journal.events_but(begin.run, _PROGRESS))
            body = begin.body
            title, by = (body.title, body.by) if isinstance(body, RunStarted) else ("", "")
            found.append(PastRun(state, title, by))
        return found

    def expected(self, environment: str) -> Mapping[Key, float]:
        """Median seconds of each stage and service in the environment's last ten runs that succeeded."""
        runs = islice(self._wanted(environment, "", Outcome.SUCCEEDED), _MEASURED)
        return expected([self._journal.events_but(begin.run, _PROGRESS) for begin in runs])

    def since(self, at: float, environment: str = "") -> Iterator[list[Event]]:
        """The events of every run begun at ``at`` or later, but progress; newest run first.

        :param at: seconds since the epoch.
        """
        for begin in self._wanted(environment, "", ""):
            if begin.at < at:
                return
            yield self._journal.events_but(begin.run, _PROGRESS)

    def _wanted(self, environment: str, service: str, outcome: str) -> Iterator[Event]:
        """First events of the runs that are asked for, newest first."""
        for begin, end in self._journal.outline():
            where = begin.body.environment if isinstance(begin.body, RunStarted) else ""
            how = str(end.body.outcome) if isinstance(end.body, RunFinished) else UNFINISHED
            if environment not in ("", where) or outcome not in ("", how):
                continue
            if service and service not in self._planned(begin.run):
                continue
            yield begin

    def _planned(self, run: str) -> list[str]:
        """The services that the run's plan deploys; none if it was not planned."""
        event = self._journal.first(run, "planned")
        plan = event.body.plan if event is not None and isinstance(event.body, Planned) else {}
        return [name for wave in plan.get("waves", ()) for name in wave]

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
