"""The lease: one run at a time may change a service of an environment. Here on one machine, in SQLite."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sdt_console.errors import LeaseHeldError, LeaseLostError, StoreError, UsageError
from sdt_console.model import Broken, Grant, Hold, Holder, Slot
from sdt_console.model.hold import broken_from, hold_from, to_json
from sdt_console.process import is_free

_SCHEMA = """
CREATE TABLE IF NOT EXISTS leases (
    key     TEXT    NOT NULL PRIMARY KEY,
    fencing INTEGER NOT NULL,
    hold    TEXT,
    broken  TEXT
) WITHOUT ROWID;
"""
_VERSION = 1


class Leases(Protocol):
    """Who may change which service; every method blocks, and may be called from any thread."""

    def acquire(self, keys: Sequence[str], holder: Holder, now: float, ttl: float) -> Grant:
        """Acquire all of ``keys`` or none.

        A key is free to take if nobody holds it, if its hold has expired, or if the process that holds it
        was one of this machine and runs no more.

        :param keys: each ``{environment}/{service}``.
        :param now: seconds since the epoch.
        :param ttl: seconds until it expires unless renewed.
        :raises LeaseHeldError: some are held; it says by whom, since when and where to look.
        :raises SdtError: the store cannot be reached.
        """

    def renew(self, holds: Sequence[Hold], now: float, ttl: float) -> tuple[Hold, ...]:
        """Put off the expiry; one that has expired is still ours if nobody took it since.

        :raises LeaseLostError: one of them is not ours any more; it says who has it or broke it, and why.
        :raises SdtError: the store cannot be reached.
        """

    def prove(self, holds: Sequence[Hold]) -> None:
        """Look whether ``holds`` are ours, in one read that changes nothing.

        :raises LeaseLostError: one of them is not ours any more; it says who has it or broke it, and why.
        :raises SdtError: the store cannot be reached.
        """

    def release(self, holds: Sequence[Hold]) -> None:
        """Give back those that are still ours."""

    def holds(self) -> tuple[Hold, ...]:
        """What is held, also what has expired and was not taken since, by key."""

    def broken(self) -> tuple[Broken, ...]:
        """For each key the last hold that was broken by hand, by key."""

    def break_(self, key: str, by: str, reason: str, now: float) -> Broken:
        """Take ``key`` from whoever holds it; who, when and why is kept.

        :raises UsageError: nobody holds it.
        """

    def close(self) -> None: ...


class SqliteLeases:
    """The leases of this user on this machine.

    :param path: the database file; its folder is made if need be, readable by the user alone.
    :raises StoreError: it cannot be opened, or belongs to a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise _failed(path, error) from None
        with self._told():
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise StoreError(
                    f"{path} was written by a newer sdt", f"its version is {version}", "update sdt-console"
                )
            self._db.execute(_SCHEMA)
            self._db.execute(f"PRAGMA user_version={_VERSION}")

    def acquire(self, keys: Sequence[str], holder: Holder, now: float, ttl: float) -> Grant:
        """See :meth:`Leases.acquire`."""
        token = secrets.token_hex(16)
        with self._writing():
            slots = [self._slot(key) for key in dict.fromkeys(keys)]
            if held := [s.hold for s in slots if s.hold and not is_free(s, now)]:
                raise LeaseHeldError(held)
            made = [Hold.of(s.key, holder, token, now, ttl, s.fencing + 1) for s in slots]
            for hold in made:
                self._keep(hold)
        return Grant(tuple(made), tuple(s.hold for s in slots if s.hold))

    def renew(self, holds: Sequence[Hold], now: float, ttl: float) -> tuple[Hold, ...]:
        """See :meth:`Leases.renew`."""
        with self._writing():
            self._prove(holds)
            renewed = tuple(hold.renewed(now, ttl) for hold in holds)
            for hold in renewed:
                self._keep(hold)
        return renewed

    def prove(self, holds: Sequence[Hold]) -> None:
        """See :meth:`Leases.prove`."""
        with self._lock, self._told():
            self._prove(holds)

    def release(self, holds: Sequence[Hold]) -> None:
        """See :meth:`Leases.release`."""
        with self._writing():
            for hold in holds:
                if hold.same(self._slot(hold.key).hold):
                    self._db.execute("UPDATE leases SET hold = NULL WHERE key = ?", (hold.key,))

    def holds(self) -> tuple[Hold, ...]:
        """See :meth:`Leases.holds`."""
        with self._lock, self._told():
            rows = self._db.execute("SELECT hold FROM leases WHERE hold IS NOT NULL ORDER BY key").fetchall()
        return tuple(hold_from(text) for (text,) in rows)

    def broken(self) -> tuple[Broken, ...]:
        """See :meth:`Leases.broken`."""
        with self._lock, self._told():
            rows = self._db.execute(
                "SELECT broken FROM leases WHERE broken IS NOT NULL ORDER BY key"
            ).fetchall()
        return tuple(broken_from(text) for (text,) in rows)

    def break_(self, key: str, by: str, reason: str, now: float) -> Broken:
        """See :meth:`Leases.break_`."""
        with self._writing():
            hold = self._slot(key).hold
            if hold is None:
                raise UsageError(f"nobody holds {key}", next="see `sdt lock`")
            made = Broken.of(hold, by, reason, now)
            self._db.execute("UPDATE leases SET hold = NULL, broken = ? WHERE key = ?", (to_json(made), key))
        return made

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _prove(self, holds: Sequence[Hold]) -> None:
        for hold in holds:
            slot = self._slot(hold.key)
            if not hold.same(slot.hold):
                raise LeaseLostError(hold, slot.hold, slot.broken)

    def _slot(self, key: str) -> Slot:
        row = self._db.execute("SELECT fencing, hold, broken FROM leases WHERE key = ?", (key,)).fetchone()
        if row is None:
            return Slot(key)
        fencing, hold, broken = row
        return Slot(key, fencing, hold and hold_from(hold), broken and broken_from(broken))

    def _keep(self, hold: Hold) -> None:
        self._db.execute(
            "INSERT INTO leases (key, fencing, hold) VALUES (?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET fencing = excluded.fencing, hold = excluded.hold",
            (hold.key, hold.fencing, to_json(hold)),
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction that no other process writes beside; nothing of it stays if it is left early."""
        with self._lock, self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            raise _failed(self.path, error) from None


def _failed(path: Path, error: Exception) -> StoreError:
    return StoreError(
        f"cannot use the leases in {path}",
        str(error),
        "free space or correct the folder's rights, or set SDT_STATE to another folder",
    )
