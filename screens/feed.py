"""What is seen of the environment, kept fresh backstage while somebody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdt_console.errors import SdtError
from sdt_console.model import Hold, Identity, ServiceSight, Snapshot, Validity

if TYPE_CHECKING:
    from sdt_console.engine import Engine

_AGAIN_S = 5.0
_SLOW_S = 10.0


@dataclass(frozen=True)
class Seen:
    """A change.

    :param services: those that a person would see differ.
    """

    snapshot: Snapshot
    services: dict[str, ServiceSight] = field(default_factory=dict)


class Feed:
    """One watch of the engine's environment, who we are, and who holds which lock.

    A failure is kept beside what was seen last.

    :param tell: called backstage with each change.
    """

    def __init__(self, door: Engine, tell: Callable[[Seen], None]) -> None:
        self._door = door
        self._tell = tell
        self._watch: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.snapshot: Snapshot | None = None
        self.error: SdtError | None = None
        self.identity: Identity | None = None
        self.validity: Validity | None = None
        self.holds: tuple[Hold, ...] = ()

    @property
    def calls(self) -> int:
        """How many calls this session has made so far."""
        outside = self._door.__dict__.get("outside")
        return sum(outside.calls.counts.values()) if outside is not None else 0

    async def run(self) -> None:
        """Watch until cancelled; what cannot be watched now is tried again."""
        from sdt_console.watching.status import changes, watch

        self._loop = asyncio.get_running_loop()
        while True:
            try:
                self._watch = watch(self._door)
                async for change in changes({self._door.environment: self._watch}, self._door.clock):
                    if change is not None:
                        _, news = change
                        self.error, self.snapshot = None, news.snapshot
                        self._tell(Seen(news.snapshot, dict(news.services)))
            except SdtError as error:
                self.error = error
            await asyncio.sleep(_AGAIN_S)

    async def look_around(self) -> None:
        """Slow clocks; no failure stops the console."""
        while True:
            try:
                if self.identity is None:
                    self.identity = await self._door.outside.identity.caller()
                self.validity = await self._door.outside.identity.validity()
            except SdtError:
                self.validity = None
            try:
                self.holds = await asyncio.to_thread(self._held)
            except SdtError:
                self.holds = ()
            await asyncio.sleep(_SLOW_S)

    def _held(self) -> tuple[Hold, ...]:
        now, mine = self._door.clock.now(), f"{self._door.environment}/"
        return tuple(h for h in self._door.leases.holds() if h.key.startswith(mine) and h.expires > now)

    def refresh(self) -> None:
        """Read all services again, now."""
        if self._loop is not None and self._watch is not None:
            self._loop.call_soon_threadsafe(self._watch.refresh)

    def focus(self, service: str) -> None:
        """Look closely at one service."""
        if self._loop is not None and self._watch is not None:
            self._loop.call_soon_threadsafe(self._focus, service)

    def _focus(self, service: str) -> None:
        self._watch.focus.clear()
        self._watch.focus.add(service)
