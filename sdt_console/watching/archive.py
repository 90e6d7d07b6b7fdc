"""Archiving the logs of an engine's services."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sdt_console.errors import UsageError
from sdt_console.watch.logs.archive import Shelf, carried_out, planned
from sdt_console.watching.logs import Logs

if TYPE_CHECKING:
    from sdt_console.engine import Engine

__all__ = ["Archive", "Shelf"]


class Archive:
    """:param services: all of the catalog if empty.
    :param days: export what is older; half of the retention if ``None``.
    :param bucket: empty to export nothing.
    """

    def __init__(self, door: Engine, services: Sequence[str], days: int | None, bucket: str) -> None:
        self._door = door
        self._logs = Logs(door)
        self.services = tuple(services) or tuple(door.names("services"))
        self.bucket = bucket
        self.policy_days = door.catalog.environments[door.environment].log_retention_days
        self.days = max(1, self.policy_days // 2) if days is None else days

    @property
    def notices(self) -> list[str]:
        return [notice.text for notice in self._logs.notices]

    async def plan(self) -> list[Shelf]:
        """What there is to do, nothing done.

        :raises UsageError: no such service, or days that cannot be.
        """
        places = await self._logs.places(self.services)
        return await planned(
            self._logs.client,
            [(place.service, place.group) for place in places],
            environment=self._door.environment,
            policy_days=self.policy_days,
            days=self.days,
            bucket=self.bucket,
            now=self._door.clock.now(),
        )

    async def carry_out(
        self, shelves: Sequence[Shelf], told: Callable[[str], object], *, without_export: bool
    ) -> list[Shelf]:
        """Do it.

        :param without_export: lines that are older than the retention may go unsaved.
        :raises ReadOnlyError: this session may not change anything.
        :raises UsageError: lines would go that are exported nowhere.
        """
        self._door.outside.calls.refuse_if_read_only("logs:PutRetentionPolicy")
        losing = [shelf.service for shelf in shelves if shelf.shortens]
        if losing and not (self.bucket or without_export):
            raise UsageError(
                f"the logs of {', '.join(losing[:5])}{', …' if len(losing) > 5 else ''} would be cut short",
                f"they are kept longer than {self.policy_days} days now, and nothing is exported first",
                "name a bucket with --bucket, or let them go with --no-export",
            )
        return await carried_out(self._logs.client, self._door.clock, shelves, self.bucket, told)
