"""What else is in the cluster."""

from __future__ import annotations

from typing import Any

from sdt_console.watch.reader import Reader
from sdt_console.watch.status_ports import Services


class Cluster(Reader):
    """Which services the cluster has that the catalog does not know."""

    name = "cluster"

    def __init__(self, services: Services, every: float, *common: Any) -> None:
        super().__init__(*common)
        self._services = services
        self._every = every
        self.unmanaged: tuple[str, ...] = ()

    def wanted(self) -> float:
        return self.part.at + self._every if self.part.at else 0.0

    async def look(self) -> None:
        known = {watched.service for watched in self.scope.services}
        names = await self._services.service_names(self.scope.cluster)
        self.unmanaged = tuple(name for name in names if name not in known)
