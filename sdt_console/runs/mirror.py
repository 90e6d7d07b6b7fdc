"""The journal of this machine, mirrored into the one that all share."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from sdt_console.errors import DivergedError, JournalError, SdtError, UnsharedError
from sdt_console.events import Event, Intended, Planned, RunFinished, RunResumed, RunStarted
from sdt_console.runs.journal import Journal

T = TypeVar("T")
_AWAITED = (RunStarted, RunResumed, Planned, Intended, RunFinished)
_PAUSE = 1.0
_SHORT = 1.0
_AT_ONCE = 100  # a build tells more than one request each could carry


class Shared(Protocol):
    """A journal elsewhere, which may be out of reach; called from several threads."""

    def append_all(self, events: Sequence[Event]) -> None:
        """Record events in order; those that are there already stay.

        :raises DivergedError: another process recorded something else in the place of one.
        :raises SdtError: some could not be recorded.
        """

    def events(self, run: str) -> list[Event]: ...

    def events_but(self, run: str, kind: str) -> list[Event]: ...

    def first(self, run: str, kind: str) -> Event | None: ...

    def matching(self, beginning: str) -> list[str]: ...

    def runs(self, limit: int = 50) -> list[str]: ...

    def outline(self) -> Iterator[tuple[Event, Event]]: ...

    def close(self) -> None: ...


class MirroredJournal:
    """Written here first, then there, in order; read there, and here when that is out of reach.

    :param limit: seconds to wait for the shared journal before a change in AWS is refused.
    :param remark: told when what is read is only this machine's.
    """

    def __init__(
        self,
        local: Journal,
        shared: Shared,
        limit: float = 10.0,
        remark: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._local = local
        self._shared = shared
        self._patience = limit
        self._remark = remark
        self._known: set[str] = set()
        self._waiting: deque[Event] = deque()
        self._changed = threading.Condition()
        self._trouble: Exception | None = None
        self._for_good = False
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def path(self) -> Path:
        """The journal of this machine."""
        return self._local.path

    def append(self, event: Event) -> None:
        """Record one event: on this machine's disk when this returns.

        What announces a change, or begins or ends a run, is in the shared journal as well by then, with all
        that came before it.

        :raises JournalError: it could not be written here; it is not part of the run.
        :raises UnsharedError: it is written here, and not there in time: nothing may be changed in AWS.
        """
        behind = self._behind(event)
        self._local.append(event)
        self._known.add(event.run)
        with self._changed:
            self._waiting.extend((*behind, event))
            self._start()
            self._changed.notify_all()
            if isinstance(event.body, _AWAITED) and not self._all_shared():
                raise self._unshared()

    def events(self, run: str) -> list[Event]:
        """The events of one run, wherever more of them are known."""
        local = self._local.events(run)
        return max(local, self._there(lambda: self._shared.events(run), local), key=len)

    def events_but(self, run: str, kind: str) -> list[Event]:
        """As :meth:`events`, without those of one type."""
        local = self._local.events_but(run, kind)
        return max(local, self._there(lambda: self._shared.events_but(run, kind), local), key=len)

    def first(self, run: str, kind: str) -> Event | None:
        """The run's first event of one type; ``None`` if it has none."""
        return self._local.first(run, kind) or self._there(lambda: self._shared.first(run, kind), None)

    def matching(self, beginning: str) -> list[str]:
        """Ids of the runs that begin with ``beginning``, of all machines and this one, sorted."""
        local = self._local.matching(beginning)
        return sorted({*local, *self._there(lambda: self._shared.matching(beginning), local)})

    def runs(self, limit: int = 50) -> list[str]:
        """Ids of the newest runs of all machines, newest first; of this one where there are none."""
        return self._there(lambda: self._shared.runs(limit), []) or self._local.runs(limit)

    def outline(self) -> Iterator[tuple[Event, Event]]:
        """First and last event of every run of all machines, newest first; read as it is asked for."""
        given = False
        try:
            for pair in self._shared.outline():
                given = True
                yield pair
        except JournalError as error:
            if given:
                raise
            self._only_here(error)
        else:
            return
        yield from self._local.outline()

    def close(self) -> None:
        """Give what is not shared yet a last chance, then let go."""
        with self._changed:
            self._all_shared()
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(self._patience)
        self._shared.close()
        self._local.close()

    def _behind(self, event: Event) -> Sequence[Event]:
        """Of a run that another process began: what is not shared; this machine gets what it lacks."""
        if event.run in self._known or event.seq == 0:
            return ()
        local, shared = self._local.events(event.run), self._shared.events(event.run)
        for missing in shared[len(local) : event.seq]:
            self._local.append(missing)
        return local[len(shared) :]

    def _there(self, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except JournalError as error:
            self._only_here(error)
            return otherwise

    def _only_here(self, error: JournalError) -> None:
        self._remark(f"only what this machine knows: {error.what} ({error.cause})")

    def _start(self) -> None:
        if self._thread is None:
            # A daemon: a store that hangs must not keep the process from ending.
            self._thread = threading.Thread(target=self._replicate, name="sdt-journal", daemon=True)
            self._thread.start()

    def _all_shared(self) -> bool:
        """Wait until everything is shared; having waited in vain once, not so long again."""
        self._changed.wait_for(lambda: not self._waiting or self._for_good, self._patience)
        if self._waiting:
            self._patience = min(self._patience, _SHORT)
        return not self._waiting

    def _replicate(self) -> None:
        """Share what waits, in order, until it is there."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                events = list(islice(self._waiting, _AT_ONCE))
            trouble = self._trouble_with(events)
            with self._changed:
                self._trouble = trouble
                if trouble is None:
                    for _ in events:
                        self._waiting.popleft()
                elif isinstance(trouble, DivergedError) or not isinstance(trouble, SdtError):
                    self._for_good = True
                self._changed.notify_all()
                if self._for_good:
                    return
                if trouble is not None:
                    self._changed.wait_for(lambda: self._closing, _PAUSE)

    def _trouble_with(self, events: Sequence[Event]) -> Exception | None:
        try:
            self._shared.append_all(events)
        except Exception as error:  # noqa: BLE001  told by the next append that needs it
            return error
        return None

    def _unshared(self) -> UnsharedError:
        trouble = self._trouble
        why = str(trouble).partition("\n")[0] if trouble else "no answer in time"
        told = trouble.next if isinstance(trouble, SdtError) else ""
        return UnsharedError(
            "the run cannot be written to the shared journal, so nothing more is changed",
            why if trouble is None or isinstance(trouble, SdtError) else f"{type(trouble).__name__}: {why}",
            told or "check the network, then go on with `sdt resume`",
        )


AnyJournal = Journal | MirroredJournal
"""What a run is recorded in: this machine's journal alone, or mirrored."""
