"""Answers that cost money, and what they have cost: one SQLite file of this user on this machine."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sdt_console.errors import StoreError

REQUEST_PRICE = Decimal("0.01")
"""USD for a request to Cost Explorer, each page counted (AWS Cost Explorer pricing)."""
KEPT_S = 90 * 86_400.0
"""How long an answer is kept that nobody has asked for again."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    scope TEXT NOT NULL,
    key   TEXT NOT NULL,
    at    REAL NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (
    at        REAL    NOT NULL,
    scope     TEXT    NOT NULL,
    operation TEXT    NOT NULL,
    count     INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS requests_at ON requests (at);
"""
_VERSION = 1


@dataclass(frozen=True)
class Kept:
    """An answer and when it was given, seconds since the epoch."""

    at: float
    document: Any


@dataclass(frozen=True)
class Spent:
    """Requests to Cost Explorer and their price in USD."""

    requests: int

    @property
    def price(self) -> Decimal:
        return self.requests * REQUEST_PRICE


class CostStore:
    """The answers of each scope (an account as one session sees it), and the ledger of requests.

    :param path: the database; its folder is made if need be, readable by the user alone.
    :raises StoreError: it cannot be opened, or belongs to a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise _failed("open", path, error) from None
        with self._told("open"):
            self._db.execute("PRAGMA journal_mode=WAL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise StoreError(
                    f"{path} was written by a newer sdt", f"its version is {version}", "update sdt-console"
                )
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version={_VERSION}")

    def kept(self, scope: str, key: str) -> Kept | None:
        """The newest answer; ``None`` if there is none."""
        with self._told("read"):
            row = self._db.execute(
                "SELECT at, body FROM answers WHERE scope = ? AND key = ?", (scope, key)
            ).fetchone()
        if row is None:
            return None
        try:
            return Kept(row[0], json.loads(row[1]))
        except ValueError:
            return None  # asked for anew

    def keep(self, scope: str, key: str, at: float, document: Any) -> None:
        """Replace the answer; those of long ago go."""
        with self._told("write"):
            self._db.execute(
                "INSERT OR REPLACE INTO answers (scope, key, at, body) VALUES (?, ?, ?, ?)",
                (scope, key, at, json.dumps(document)),
            )
            self._db.execute("DELETE FROM answers WHERE at < ?", (at - KEPT_S,))

    def record(self, scope: str, operation: str, count: int, at: float) -> None:
        """Write ``count`` requests into the ledger."""
        if count <= 0:
            return
        with self._told("write"):
            self._db.execute(
                "INSERT INTO requests (at, scope, operation, count) VALUES (?, ?, ?, ?)",
                (at, scope, operation, count),
            )

    def spent(self, scope: str, since: float = 0.0) -> Spent:
        """Requests of a scope since then."""
        with self._told("read"):
            (count,) = self._db.execute(
                "SELECT COALESCE(SUM(count), 0) FROM requests WHERE scope = ? AND at >= ?", (scope, since)
            ).fetchone()
        return Spent(int(count))

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _failed(verb, self.path, error) from None


def _failed(verb: str, path: Path, error: Exception) -> StoreError:
    return StoreError(
        f"cannot {verb} {path}",
        str(error),
        "see that its folder can be written, or move the file away: it only keeps what AWS has told",
    )
