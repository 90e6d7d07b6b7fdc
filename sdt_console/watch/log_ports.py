"""What watching logs needs from the outside, as Protocols; ``clients/`` holds the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from sdt_console.model import ExportTask, LiveUpdate, LogEvent, LogGroup


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""

    async def sleep(self, seconds: float) -> None: ...


class LiveSession(Protocol):
    """One Live Tail session; to be closed."""

    async def update(self) -> LiveUpdate | None:
        """The next update, about one a second; ``None`` when the session has ended.

        :raises SdtError: it broke.
        """

    def close(self) -> None: ...


class LogReader(Protocol):
    """The log groups of one account and region."""

    def pages(
        self, group: str, start: int, end: int | None = None, streams: Sequence[str] = ()
    ) -> AsyncIterator[Sequence[LogEvent]]:
        """Events of ``group`` from ``start`` to ``end`` (milliseconds, both included), page by page.

        :raises CloudError: there is no such group, or AWS refused.
        """

    async def described(self, names: Sequence[str]) -> Mapping[str, LogGroup]:
        """Those of ``names`` that exist."""

    async def live(self, arns: Sequence[str]) -> LiveSession:
        """Follow at most ten log groups.

        :raises SdtError: Live Tail cannot be used here.
        """


class Exporter(Protocol):
    """What archives logs, and sets how long they are kept."""

    async def described(self, names: Sequence[str]) -> Mapping[str, LogGroup]: ...

    async def exports(self) -> Sequence[ExportTask]:
        """Every export that AWS remembers."""

    async def export(self, task_id: str) -> ExportTask: ...

    async def start_export(self, group: str, start: int, end: int, bucket: str, prefix: str) -> str:
        """:returns: the task's id.

        :raises BusyError: another export of the account is under way.
        """

    async def keep(self, group: str, days: int) -> None:
        """Set the retention of ``group``."""
