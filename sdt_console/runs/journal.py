"""The journal: every event of every run in SQLite, durable before the run goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdt_console.errors import DivergedError, JournalError
from sdt_console.events import Event, decode, encode

__all__ = ["Journal", "JournalError"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    run  TEXT    NOT NULL,
    seq  INTEGER NOT NULL,
    at   REAL    NOT NULL,
    body TEXT    NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_begin ON events (at) WHERE seq = 0;
"""
# Each walks an index; a test looks at how SQLite plans them.
OUTLINE = """
SELECT begin.body, (SELECT body FROM events WHERE run = begin.run ORDER BY seq DESC LIMIT 1)
FROM events AS begin WHERE begin.seq = 0 ORDER BY begin.at DESC, begin.run DESC
"""
FIRST = "SELECT body FROM events WHERE run = ? AND json_extract(body, '$.type') = ? ORDER BY seq LIMIT 1"
EVENTS_BUT = "SELECT body FROM events WHERE run = ? AND json_extract(body, '$.type') <> ? ORDER BY seq"
_VERSION = 1


class Journal:
    """All runs of this user on this machine.

    :param path: the database file; its folder is made if need be, readable by the user alone.
    :raises JournalError: it cannot be opened, or belongs to a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # SQLite itself serialises threads, and each of our statements is a transaction of its own
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise _failed("open", path, error) from None
        with self._told("open"):
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise JournalError(
                    f"{path} was written by a newer sdt", f"its version is {version}", "update sdt-console"
                )
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version={_VERSION}")

    def append(self, event: Event) -> None:
        """Record one event; on disk when this returns.

        :raises DivergedError: the run already has that entry: another process goes on with it, too.
        :raises JournalError: it could not be written.
        """
        with self._told("write"):
            try:
                self._db.execute(
                    "INSERT INTO events (run, seq, at, body) VALUES (?, ?, ?, ?)",
                    (event.run, event.seq, event.at, encode(event)),
                )
            except sqlite3.IntegrityError:
                raise DivergedError(
                    f"run {event.run} is continued by another process",
                    f"{self.path} has an event {event.seq} of it already",
                    f"see `sdt show {event.run}`",
                ) from None

    def events(self, run: str) -> list[Event]:
        """The events of one run in order; empty if there is no such run."""
        with self._told("read"):
            rows = self._db.execute("SELECT body FROM events WHERE run = ? ORDER BY seq", (run,)).fetchall()
        return [decode(body) for (body,) in rows]

    def matching(self, beginning: str) -> list[str]:
        """Ids of the runs that begin with ``beginning``, sorted."""
        with self._told("read"):
            rows = self._db.execute(
                "SELECT run FROM events WHERE seq = 0 AND substr(run, 1, ?) = ? ORDER BY run",
                (len(beginning), beginning),
            ).fetchall()
        return [run for (run,) in rows]

    def runs(self, limit: int = 50) -> list[str]:
        """Ids of the newest runs, newest first."""
        with self._told("read"):
            rows = self._db.execute(
                "SELECT run FROM events WHERE seq = 0 ORDER BY at DESC, run DESC LIMIT ?", (limit,)
            ).fetchall()
        return [run for (run,) in rows]

    def outline(self) -> Iterator[tuple[Event, Event]]:
        """First and last event of every run, newest first; read as it is asked for."""
        with self._told("read"):
            for first, last in self._db.execute(OUTLINE):
                yield decode(first), decode(last)

    def first(self, run: str, kind: str) -> Event | None:
        """The run's first event of one type; ``None`` if it has none."""
        with self._told("read"):
            row = self._db.execute(FIRST, (run, kind)).fetchone()
        return decode(row[0]) if row else None

    def events_but(self, run: str, kind: str) -> list[Event]:
        """As :meth:`events`, without those of one type."""
        with self._told("read"):
            rows = self._db.execute(EVENTS_BUT, (run, kind)).fetchall()
        return [decode(body) for (body,) in rows]

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _failed(verb, self.path, error) from None


def _failed(verb: str, path: Path, error: Exception) -> JournalError:
    return JournalError(
        f"cannot {verb} the journal {path}",
        str(error),
        "free space or correct the folder's rights, or set SDT_STATE to another folder",
    )
