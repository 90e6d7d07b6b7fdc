"""Who looks at a picture that changes: each gets what it has not seen yet, at its own speed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sdt_console.model import Snapshot, SnapshotChange


def change(before: Snapshot | None, now: Snapshot) -> SnapshotChange:
    """What of ``now`` differs from ``before``; ages are no difference."""
    services = before.services if before else {}
    parts = before.parts if before else {}
    return SnapshotChange(
        now,
        {name: sight for name, sight in now.services.items() if services.get(name) != sight},
        {name: part for name, part in now.parts.items() if parts.get(name) != part},
    )


class Subscription:
    """One who looks: iterate over it for changes. Use it as a context manager.

    There is no queue: a change is worked out when it is taken, against what was taken last. Whoever is slow
    sees fewer and larger changes, never old ones, and holds up nobody.

    :param current: the newest picture.
    :param moved: told when this one begins or ends to look.
    """

    def __init__(self, current: Callable[[], Snapshot], moved: Callable[[Subscription], None]) -> None:
        self._current = current
        self._moved = moved
        self._seen: Snapshot | None = None
        self._fresh = asyncio.Event()
        self._looking = True
        self._open = True

    @property
    def looking(self) -> bool:
        """Whether somebody really looks; set it to ``False`` while the view is hidden."""
        return self._looking and self._open

    @looking.setter
    def looking(self, value: bool) -> None:
        self._looking = value
        self._moved(self)

    def published(self) -> None:
        """There is a newer picture."""
        self._fresh.set()

    def close(self) -> None:
        """Look no more; the iteration ends."""
        self._open = False
        self._fresh.set()
        self._moved(self)

    @property
    def closed(self) -> bool:
        return not self._open

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SnapshotChange:
        while self._open:
            now = self._current()
            if now.version > (self._seen.version if self._seen else 0):
                told = change(self._seen, now)
                self._seen = now
                return told
            self._fresh.clear()
            await self._fresh.wait()
        raise StopAsyncIteration
