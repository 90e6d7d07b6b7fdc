"""Health as the load balancer sees it, and as it is answered through it."""

from __future__ import annotations

from typing import Any

from sdt_console.errors import CloudError
from sdt_console.model import ServiceState, TargetSight
from sdt_console.watch.reader import NEVER, Reader
from sdt_console.watch.row import Row
from sdt_console.watch.status_ports import Http, Targets


class TargetHealth(Reader):
    """What the load balancer says of the targets of services that move, ail or are looked at closely."""

    name = "targets"

    def __init__(self, targets: Targets, focus: set[str], every: float, *common: Any) -> None:
        super().__init__(*common)
        self._targets = targets
        self._focus = focus
        self._every = every

    def wanted(self) -> float:
        return self.part.at + self._every if self._rows() else NEVER

    async def look(self) -> None:
        await self.each(self._one(row) for row in self._rows())

    async def _one(self, row: Row) -> None:
        found: list[TargetSight] = []
        for group in row.target_groups:
            for raw in await self._targets.target_health(group):
                target, health = raw.get("Target", {}), raw.get("TargetHealth", {})
                reason = health.get("Description") or health.get("Reason") or ""
                found.append(
                    TargetSight(
                        str(target.get("Id", "")),
                        int(target.get("Port") or 0),
                        str(health.get("State", "")),
                        str(reason),
                    )
                )
        row.targets = tuple(sorted(found, key=lambda t: (t.id, t.port)))

    def _rows(self) -> list[Row]:
        near = [r for r in self.rows.values() if r.troubled or r.watched.name in self._focus]
        return [row for row in near if row.target_groups]


class Health(Reader):
    """Whether the health URL of each service answers, through the load balancer."""

    name = "health"

    def __init__(self, targets: Targets, http: Http, every: float, *common: Any) -> None:
        super().__init__(*common)
        self._targets = targets
        self._http = http
        self._every = every
        self._host = ""

    def wanted(self) -> float:
        if not any(row.watched.url and row.raw is not None for row in self.rows.values()):
            return NEVER
        return self.part.at + self._every if self.part.at else 0.0

    async def look(self) -> None:
        rows = [row for row in self.rows.values() if row.watched.url and row.watched.kind != "pending"]
        if not self._host and any("{alb}" in row.watched.url for row in rows):
            self._host = await self._targets.host(self.scope.load_balancer) or ""
            if not self._host:
                raise CloudError(
                    f"no load balancer {self.scope.load_balancer}",
                    "the health URL goes through it",
                    "correct names.load_balancer",
                )
        await self.each(self._one(row) for row in rows)

    async def _one(self, row: Row) -> None:
        if row.state in (None, ServiceState.MISSING, ServiceState.PENDING):
            row.health = row.health_note = ""
            return
        url = row.watched.url.replace("{alb}", self._host)
        try:
            status = await self._http.status(url, self.scope.limit)
        except CloudError as error:
            row.health, row.health_note = "unhealthy", error.cause or error.what
            return
        well = status == self.scope.expect
        row.health = "healthy" if well else "unhealthy"
        row.health_note = "" if well else f"it answers {status}, not {self.scope.expect}"
