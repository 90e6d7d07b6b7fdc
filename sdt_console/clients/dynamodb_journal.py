"""The journal that everyone shares: every event of every run as an item of a DynamoDB table."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.dynamodb import TRANSACTION_LIMIT, ConflictError, Item, Table
from sdt_console.errors import CloudError, DivergedError, JournalError
from sdt_console.events import Event, RunFinished, RunResumed, decode, encode

_RUN = "sdt/run/"
_MONTHS = "sdt/runs"  # a set of the months that have runs, each ``sdt/runs/{yyyy-mm}``: a set of those runs
_FIRST_READ = 25
_READ = 100
# An item may have 400 KB (DynamoDB's quota); the plan of a large system is compressed well below that.
_PACKED_ABOVE = 32_000


class DynamoJournal:
    """Runs of all machines, in a DynamoDB table; every method blocks, and may be called from any thread.

    An event is ``sdt/run/{run}/{seq}``, written once. ``sdt/run/{run}`` has the first event and, when the run
    has ended, the last; sets of runs by month stand for a list, which DynamoDB does not have.
    """

    def __init__(self, aws: Aws, table: str) -> None:
        self._table = Table(aws, table)

    def append(self, event: Event) -> None:
        """Record one event; one that is there already as it is stays.

        :raises DivergedError: another process wrote another event in its place.
        :raises JournalError: it could not be written.
        """
        self.append_all([event])

    def append_all(self, events: Sequence[Event]) -> None:
        """Record events in their order, many in one request; as :meth:`append` otherwise.

        What is recorded when it raises is a beginning of ``events``.
        """
        with self._told("write"):
            for part in _parts(events):
                self._put(part)
                for event in part:
                    if event.seq == 0:
                        self._begin(event)
                    elif isinstance(event.body, RunFinished | RunResumed):
                        self._end(event)

    def _put(self, events: Sequence[Event]) -> None:
        items = {_event_key(event.run, event.seq): _packed(encode(event)) for event in events}
        try:
            if len(items) > 1:
                self._table.put_all_new(items)
                return
        except ConflictError:
            pass  # some are there already, from a write whose answer was lost
        for event in events:
            key = _event_key(event.run, event.seq)
            try:
                self._table.put_new(key, items[key])
            except ConflictError:
                there = self._table.get(key)
                if there is None or _unpacked(there) != encode(event):
                    raise DivergedError(
                        f"run {event.run} is continued by somebody else",
                        f"{self._table.name} has another event {event.seq}",
                        f"see `sdt show {event.run}`",
                    ) from None

    def _begin(self, event: Event) -> None:
        month = datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m")
        self._table.update(
            _RUN + event.run,
            UpdateExpression="SET #first = :first",
            ExpressionAttributeNames={"#first": "First"},
            ExpressionAttributeValues={":first": {"S": encode(event)}},
        )
        self._table.add_to_set(f"{_MONTHS}/{month}", "Runs", f"{event.at!r} {event.run}")
        self._table.add_to_set(_MONTHS, "Months", month)

    def _end(self, event: Event) -> None:
        names = {"#last": "Last"}
        if isinstance(event.body, RunResumed):
            self._table.update(
                _RUN + event.run, UpdateExpression="REMOVE #last", ExpressionAttributeNames=names
            )
            return
        self._table.update(
            _RUN + event.run,
            UpdateExpression="SET #last = :last",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":last": {"S": encode(event)}},
        )

    def events(self, run: str) -> list[Event]:
        """The events of one run in order, as far as they are there without a gap."""
        with self._told("read"):
            return list(self._read(run))

    def events_but(self, run: str, kind: str) -> list[Event]:
        """As :meth:`events`, without those of one type."""
        with self._told("read"):
            return [event for event in self._read(run) if event.type != kind]

    def first(self, run: str, kind: str) -> Event | None:
        """The run's first event of one type; ``None`` if it has none."""
        with self._told("read"):
            return next((event for event in self._read(run) if event.type == kind), None)

    def matching(self, beginning: str) -> list[str]:
        """Ids of the runs that begin with ``beginning``, sorted; a whole id is the only one to match it."""
        with self._told("read"):
            if beginning and self._table.get(_RUN + beginning):
                return [beginning]
            return sorted(run for run in self._newest() if run.startswith(beginning))

    def runs(self, limit: int = 50) -> list[str]:
        """Ids of the newest runs, newest first."""
        with self._told("read"):
            return [run for run, _ in zip(self._newest(), range(limit), strict=False)]

    def outline(self) -> Iterator[tuple[Event, Event]]:
        """First and last event of every run, newest first; the first for both while a run has not ended."""
        with self._told("read"):
            for month in self._months():
                runs = self._of_month(month)
                heads = self._table.get_many(_RUN + run for run in runs)
                for head in (heads[_RUN + run] for run in runs if _RUN + run in heads):
                    first = decode(head["First"]["S"])
                    yield first, decode(head["Last"]["S"]) if "Last" in head else first

    def close(self) -> None:
        """Nothing is kept open."""

    def _read(self, run: str) -> Iterator[Event]:
        start, size = 0, _FIRST_READ
        while True:
            keys = [_event_key(run, seq) for seq in range(start, start + size)]
            found = self._table.get_many(keys)
            for key in keys:
                if key not in found:
                    return
                yield decode(_unpacked(found[key]))
            start, size = start + size, _READ

    def _newest(self) -> Iterator[str]:
        for month in self._months():
            yield from self._of_month(month)

    def _months(self) -> list[str]:
        item = self._table.get(_MONTHS)
        return sorted(item["Months"]["SS"], reverse=True) if item else []

    def _of_month(self, month: str) -> list[str]:
        item = self._table.get(f"{_MONTHS}/{month}")
        entries = [entry.split(" ", 1) for entry in item["Runs"]["SS"]] if item else []
        return [run for _, run in sorted(((float(at), run) for at, run in entries), reverse=True)]

    @contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (CloudError, ValueError, KeyError) as error:
            known = isinstance(error, CloudError)
            raise JournalError(
                f"cannot {verb} the shared journal in {self._table.name}",
                str(error).partition("\n")[0] if known else f"{type(error).__name__}: {error}",
                (error.next if isinstance(error, CloudError) else "") or "run again",
            ) from error


def _event_key(run: str, seq: int) -> str:
    return f"{_RUN}{run}/{seq:06d}"


def _parts(events: Sequence[Event]) -> list[Sequence[Event]]:
    """Parts that fit into a transaction: an event that is packed, and may be large, goes by itself."""
    parts: list[list[Event]] = []
    room = 0
    for event in events:
        large = len(encode(event)) > _PACKED_ABOVE
        if large or not room:
            parts.append([])
            room = TRANSACTION_LIMIT
        parts[-1].append(event)
        room = 0 if large else room - 1
    return list(parts)


def _packed(text: str) -> Item:
    if len(text) <= _PACKED_ABOVE:
        return {"Event": {"S": text}}
    return {"Packed": {"B": zlib.compress(text.encode())}}


def _unpacked(item: Item) -> str:
    packed: Any = item.get("Packed")
    return zlib.decompress(packed["B"]).decode() if packed else str(item["Event"]["S"])
