"""The tasks of a service, and why those that stopped did."""

from __future__ import annotations

from typing import Any

from sdt_console.watch.reader import NEVER, Reader
from sdt_console.watch.row import Row, task_sight
from sdt_console.watch.status_ports import Diagnose, Services


class Tasks(Reader):
    """Tasks, running and stopped, of services that move, ail or are looked at closely.

    :param focus: names of those that are looked at closely; it may change at any time.
    """

    name = "tasks"

    def __init__(
        self, services: Services, diagnose: Diagnose, focus: set[str], every: float, *common: Any
    ) -> None:
        super().__init__(*common)
        self._services = services
        self._diagnose = diagnose
        self._focus = focus
        self._every = every
        self._at: dict[str, float] = {}

    def wanted(self) -> float:
        return min(
            (self._at.get(row.watched.name, -NEVER) + self._every for row in self._rows()), default=NEVER
        )

    async def look(self) -> None:
        now = self.clock.now()
        rows = self._rows()
        for row in self.rows.values():
            if row not in rows:
                row.tasks = ()
        await self.each(
            self._one(row, now) for row in rows if self._at.get(row.watched.name, -NEVER) + self._every <= now
        )

    async def _one(self, row: Row, now: float) -> None:
        self._at[row.watched.name] = now
        cluster, service = self.scope.cluster, row.watched.service
        found = [
            *await self._services.tasks(cluster, service),
            *await self._services.tasks(cluster, service, stopped=True),
        ]
        container = row.picture.container if row.picture else row.watched.name
        made = {t.id: t for t in (task_sight(raw, container, self._diagnose) for raw in found)}
        row.tasks = tuple(
            sorted(made.values(), key=lambda t: (t.status == "STOPPED", -(t.stopped_at or t.created_at)))
        )

    def _rows(self) -> list[Row]:
        return [
            r
            for r in self.rows.values()
            if r.troubled or (r.raw is not None and r.watched.name in self._focus)
        ]
