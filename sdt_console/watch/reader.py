"""What reads one part of the picture: on a clock of its own, what is known is kept when it fails."""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass

from sdt_console.errors import CloudError, CredentialsError
from sdt_console.model import Part, Scope
from sdt_console.watch.row import Row
from sdt_console.watch.status_ports import Clock

NEVER = math.inf
_AT_ONCE = 8  # calls of one part that are under way together


@dataclass(frozen=True)
class Pace:
    """Seconds between two looks at each part.

    :param fast: at services that move; ``slow`` at all others: no row is ever older than that by much.
    :param tasks: at the tasks of services that move, ail or are looked at closely.
    :param cluster: at the list of the cluster's services.
    :param health: at the health URLs.
    :param again: after a failure.
    :param calls: ``DescribeServices`` a second at most, well below the 20 that ECS sustains.
    """

    fast: float = 2.0
    slow: float = 8.0
    tasks: float = 5.0
    targets: float = 10.0
    cluster: float = 300.0
    health: float = 30.0
    again: float = 5.0
    calls: float = 14.0


class Reader(ABC):
    """Reads one part."""

    name: str

    def __init__(self, scope: Scope, rows: Mapping[str, Row], clock: Clock, again: float) -> None:
        self.scope = scope
        self.rows = rows
        self.clock = clock
        self.part = Part(self.name)
        self._again = again
        self._not_before = 0.0

    def due(self) -> float:
        """When it is to be read next; ``NEVER`` if nothing is to be read."""
        return max(self.wanted(), self._not_before)

    @abstractmethod
    def wanted(self) -> float:
        """When it would be read next had nothing failed."""

    @abstractmethod
    async def look(self) -> None:
        """Read it into the rows.

        :raises CloudError: it cannot be read.
        """

    async def read(self) -> None:
        """Read it; a failure is kept beside what is known.

        :raises CredentialsError: nothing can be read.
        """
        try:
            await self.look()
        except CredentialsError:
            raise
        except CloudError as error:
            told = f"{error.what}: {error.cause}" if error.cause else error.what
            self.part = Part(self.name, self.part.at, told, error.next)
            self._not_before = self.clock.now() + self._again
        else:
            self.part = Part(self.name, self.clock.now())

    @staticmethod
    async def each(work: Iterable[Awaitable[None]]) -> None:
        """All of ``work``, a few at a time; the first failure once all are done."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(item: Awaitable[None]) -> None:
            async with gate:
                await item

        done = await asyncio.gather(*map(one, work), return_exceptions=True)
        for failure in done:
            if isinstance(failure, BaseException):
                raise failure
