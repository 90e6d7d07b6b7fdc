"""Metrics of an engine's services, for the command line and for screens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdt_console.errors import CloudError, NotAllowedError, UsageError
from sdt_console.model import MetricSheet
from sdt_console.watch.logs.moments import moment_of
from sdt_console.watch.metrics import read
from sdt_console.watching.grounds import Grounds

if TYPE_CHECKING:
    from sdt_console.engine import Engine

SPAN_S = 3600.0
MINUTE_S = 60.0


class Metrics:
    """Reads them when it is told to: AWS charges for each metric of each reading.

    :param grounds: shared with others of the session that need the same.
    """

    def __init__(self, door: Engine, grounds: Grounds | None = None) -> None:
        self._door = door
        self.grounds = grounds or Grounds(door)

    async def read(self, names: Sequence[str] = (), span: float = SPAN_S) -> MetricSheet:
        """The last ``span`` seconds of ``names``; of all services and of what they stand on if empty.

        :raises UsageError: an unknown service.
        :raises CloudError: CloudWatch cannot be read; a :class:`NotAllowedError` names the right.
        """
        from sdt_console.clients.metrics import MetricsClient

        door = self._door
        _known(door, names)
        base = await self.grounds.get()
        reader = MetricsClient(door.outside.aws.watching)
        try:
            return await read(reader, base, door.clock.now(), span, tuple(names) or None)
        except NotAllowedError as error:
            error.next += "; without it: `sdt status`, `sdt alarms`"
            raise


@dataclass(frozen=True)
class Seen:
    """What a screen shows: the last figures that could be read, and why there are no newer ones."""

    sheet: MetricSheet | None = None
    error: CloudError | None = None


class MetricsWatch:
    """The metrics of one environment for a screen: read at most once a minute, however often it is drawn."""

    def __init__(self, metrics: Metrics, span: float = SPAN_S) -> None:
        self._metrics = metrics
        self._span = span
        self._tried = float("-inf")
        self.seen = Seen()

    async def refresh(self, now: float) -> Seen:
        """Read if a minute has gone by since the last attempt; never raises what AWS said."""
        if now - self._tried >= MINUTE_S:
            self._tried = now
            try:
                self.seen = Seen(await self._metrics.read(span=self._span))
            except CloudError as error:
                self.seen = Seen(self.seen.sheet, error)
        return self.seen


def span_of(text: str, now: float) -> float:
    """Seconds from the moment that ``text`` names (``1h``, ``03:00``, ``2026-11-23``) until ``now``.

    :raises UsageError: it is no time, or not in the past.
    """
    span = now - moment_of(text, now) / 1000
    if span < 1:
        raise UsageError(f"{text!r} is not in the past", next="say how long ago, such as 1h or 7d")
    return span


def _known(door: Engine, names: Sequence[str]) -> None:
    known = list(door.catalog.all_names)
    for name in names:
        if name not in known:
            from sdt_console.catalog.nearest import hint, listing

            raise UsageError(f"no service {name!r}{hint(name, known)}", next=f"use one of {listing(known)}")
