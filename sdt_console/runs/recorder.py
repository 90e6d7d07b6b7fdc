"""One run's list of events: first into the journal, then to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sdt_console.errors import JournalError, UnsharedError
from sdt_console.events import Body, Event, RunFinished
from sdt_console.model import Failure, Outcome, RunState
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
        self._lost: JournalError | None = None
        self._ended = False

    def emit(self, body: Body, at: float | None = None) -> None:
        """Record ``body``; it is on disk when this returns. What comes after the run's end is left out.

        That is what a thread still had to say: nothing of it makes a difference any more.

        :param at: when it happened, if not now: for what came before the run had a journal.
        :raises UnsharedError: it is recorded on this machine only, and was not told to anyone.
        :raises JournalError: it could not be recorded, and so was not told to anyone; nor is anything after
            it, even if there is room again: what comes next would follow from what is missing.
        """
        if self._ended:
            return
        if self._lost is not None:
            raise JournalError(self._lost.what, self._lost.cause, self._lost.next)
        event = self._event(body, at)
        try:
            self._journal.append(event)
        except UnsharedError:
            self._count(event)
            raise
        except JournalError as error:
            self._lost = error
            raise
        self._count(event)
        self._tell(event)

    def end(self, body: RunFinished) -> UnsharedError | None:
        """Record how the run ended, and tell it even if it cannot be recorded: nothing is changed after it.

        A run whose end is not in the journal has not succeeded: whoever asks later would not know.

        :returns: why others have not heard of it, if they have not.
        """
        event = self._event(body)
        try:
            self.emit(body)
        except UnsharedError as error:
            self._tell(event)
            return error
        except JournalError as error:
            if body.exit_code == 0:
                again = f"{error.next}, then `sdt resume {self.run}`: all was done but for this entry"
                told = Failure(error.what, error.cause, (), again)
                event = self._event(RunFinished(Outcome.FAILED, JournalError.exit_code, told))
            self._ended = True
            self._count(event)
            self._tell(event)
        return None

    def _event(self, body: Body, at: float | None = None) -> Event:
        return Event(self.run, self._seq, self._now() if at is None else at, body)

    def _tell(self, event: Event) -> None:
        for subscriber in list(self._subscribers):
            try:
                subscriber(event)
            except Exception as error:  # noqa: BLE001  kept and told at the end; the run goes on
                self._subscribers.remove(subscriber)
                self.broken.append(error)

    def _count(self, event: Event) -> None:
        self._seq += 1
        self.state = after(self.state, event)
        self._ended = self._ended or isinstance(event.body, RunFinished)
