"""What the services of a session's environment stand on, looked up once in a while for all who need it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sdt_console.model import Ground
from sdt_console.watch.ground import ground
from sdt_console.watching.outline import scope

if TYPE_CHECKING:
    from sdt_console.engine import Engine

KEPT_S = 600.0
"""Seconds; load balancers and gateways change when infrastructure does."""


class Grounds:
    """Keeps the last answer; one that has notes is asked for again the next time."""

    def __init__(self, door: Engine) -> None:
        self._door = door
        self._kept: Ground | None = None
        self._at = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> Ground:
        """:raises CloudError: the services cannot be described."""
        from sdt_console.clients.ecs import EcsClient
        from sdt_console.clients.surroundings import SurroundingsClient

        door = self._door
        async with self._lock:
            now = door.clock.now()
            if self._kept is not None and now - self._at < KEPT_S:
                return self._kept
            aws = door.outside.aws.watching
            database = door.catalog.database(door.environment)
            found = await ground(scope(door), database, EcsClient(aws), SurroundingsClient(aws))
            self._kept, self._at = (None if found.notes else found), now
            return found
