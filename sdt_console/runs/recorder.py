"""One run's list of events: first into the journal, then to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sdt_console.errors import UnsharedError
from sdt_console.events import Body, Event
from sdt_console.model import RunState
from sdt_console.runs.fold import after, fold
from sdt_console.runs.mirror import AnyJournal

Subscriber = Callable[[Event], None]


class Recorder:
    """Numbers, dates and records the events of one run.

    :param now: seconds since the epoch.
    :param before: the events of this run that another process has recorded.
    :param subscribers: told after the event is durable; one that raises is left out from then on, and what
        it raised is kept in ``broken``: a report never stops a run.
    """

    def __init__(
        self,
        run: str,
        journal: AnyJournal,
        now: Callable[[], float],
        subscribers: Sequence[Subscriber] = (),
        before: Sequence[Event] = (),
    ) -> None:
        self.run = run
        self.state = fold(before) if before else RunState(run=run)
        self.broken: list[Exception] = []
        self._journal = journal
        self._now = now
        self._subscribers = list(subscribers)
        self._seq = len(before)

    def emit(self, body: Body, at: float | None = None) -> None:
        """Record ``body``; it is on disk when this returns.

        :param at: when it happened, if not now: for what came before the run had a journal.
        :raises UnsharedError: it is recorded on this machine only, and was not told to anyone.
        :raises JournalError: it could not be recorded, and so was not told to anyone.
        """
        event = Event(self.run, self._seq, self._now() if at is None else at, body)
        try:
            self._journal.append(event)
        except UnsharedError:
            self._count(event)
            raise
        self._count(event)
        for subscriber in list(self._subscribers):
            try:
                subscriber(event)
            except Exception as error:  # noqa: BLE001  kept and told at the end; the run goes on
                self._subscribers.remove(subscriber)
                self.broken.append(error)

    def _count(self, event: Event) -> None:
        self._seq += 1
        self.state = after(self.state, event)
