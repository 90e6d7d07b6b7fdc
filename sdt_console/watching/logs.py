"""The logs of an engine's services: which log groups they write to, and a tail of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdt_console.errors import SdtError, UsageError
from sdt_console.model import LogNotice
from sdt_console.watch.logs.moments import moment_of
from sdt_console.watch.logs.sieve import Sieve
from sdt_console.watch.logs.source import Source
from sdt_console.watch.logs.tail import HOLD_S, Tail

if TYPE_CHECKING:
    from sdt_console.engine import Engine

__all__ = ["LogPlace", "Logs", "Wanted", "moment_of"]


@dataclass(frozen=True)
class LogPlace:
    """Where a service writes.

    :param read: from its task definition; else it is what the catalog's pattern says.
    """

    service: str
    group: str
    region: str
    read: bool


@dataclass(frozen=True)
class Wanted:
    """Which lines of which services, see ``sdt logs --help``; times in milliseconds since the epoch.

    :param task: id of a task, or its beginning; empty for all.
    :param live: use Live Tail where it can be used; else only search.
    """

    services: tuple[str, ...]
    since: int
    until: int | None = None
    follow: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    level: str = ""
    task: str = ""
    live: bool = True
    hold_s: float = HOLD_S


@dataclass
class Logs:
    """Logs of one environment, for the command line and for screens.

    :ivar notices: what is to be known before the first line: a guess, a group elsewhere.
    """

    door: Engine
    notices: list[LogNotice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.door.outside.log_events
        self._region = self.door.catalog.region(self.door.environment)

    async def places(self, services: Sequence[str]) -> list[LogPlace]:
        """The log groups of ``services``, in that order.

        :raises UsageError: no such service.
        """
        catalog, env = self.door.catalog, self.door.environment
        for name in services:
            if name not in catalog.all_names:
                from sdt_console.catalog.nearest import hint

                raise UsageError(
                    f"no service {name!r} in {self.door.catalog_file}{hint(name, list(catalog.all_names))}",
                    next="see `sdt catalog`, or take --all",
                )
        defined = await self._defined(services)
        found: list[LogPlace] = []
        for name in dict.fromkeys(services):
            groups = _groups(defined.get(name))
            if not groups:
                found.append(LogPlace(name, catalog.log_group(env, name), self._region, read=False))
            for group, region in groups.items():
                if region not in ("", self._region):
                    text = f"{name} logs to {group} in {region}: not shown, use --region {region}"
                    self.notices.append(LogNotice("unread", text, name))
                else:
                    found.append(LogPlace(name, group, self._region, read=True))
        return found

    async def tail(self, wanted: Wanted) -> Tail:
        """:raises UsageError: no such service, or an expression that cannot be.
        :raises CloudError: AWS refused, or could not be reached.
        """
        sieve = Sieve(wanted.include, wanted.exclude, wanted.level)
        places = await self.places(wanted.services)
        sources = []
        for place in places:
            streams = await self._streams(place, wanted.task)
            if not wanted.task or streams:
                sources.append(Source(self.client, place.service, place.group, wanted.since, streams))
        if not sources:
            raise UsageError(
                f"no task {wanted.task!r} has written to these logs"
                if wanted.task
                else "there is no log to read",
                next="see `sdt status` for the tasks there are, or leave --task out",
            )
        arns: Mapping[str, str] = {}
        if wanted.follow and wanted.live and not wanted.task:
            arns = await self._arns([source.group for source in sources])
        return Tail(
            self.client,
            self.door.clock,
            sources,
            sieve=sieve,
            until=wanted.until,
            follow=wanted.follow,
            arns=arns,
            hold_s=wanted.hold_s,
            renew=self.door.outside.aws.renew,
        )

    async def _arns(self, groups: Sequence[str]) -> dict[str, str]:
        try:
            found = await self.client.described(groups)
        except SdtError as error:
            text = f"no Live Tail ({error.what}); searching about once a second instead"
            self.notices.append(LogNotice("polling", text))
            return {}
        return {name: group.arn for name, group in found.items()}

    async def _streams(self, place: LogPlace, task: str) -> list[str]:
        if not task:
            return []
        try:
            names = await self.client.streams(place.group)
        except SdtError as error:
            self.notices.append(LogNotice("unread", f"{place.group}: {error.what}", place.service))
            return []
        return [name for name in names if name.rpartition("/")[2].startswith(task)]

    async def _defined(self, services: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Service → its task definition, of those that ECS knows."""
        catalog, env, ecs = self.door.catalog, self.door.environment, self.door.outside.ecs
        names = {catalog.ecs_service(env, name): name for name in services}
        try:
            live = await ecs.services(catalog.cluster(env), list(names))
            definitions = await asyncio.gather(
                *(ecs.task_definition(service.task_definition) for service in live.values())
            )
        except SdtError as error:
            text = f"log groups are named as the catalog says: {error.what}"
            self.notices.append(LogNotice("unread", text))
            return {}
        return {names[name]: found for name, found in zip(live, definitions, strict=True)}


def _groups(definition: Mapping[str, Any] | None) -> dict[str, str]:
    """Log group → region, of all containers that log with the awslogs driver."""
    groups: dict[str, str] = {}
    for container in (definition or {}).get("containerDefinitions", ()):
        logging = container.get("logConfiguration") or {}
        options = logging.get("options") or {}
        if logging.get("logDriver") == "awslogs" and options.get("awslogs-group"):
            groups[str(options["awslogs-group"])] = str(options.get("awslogs-region", ""))
    return groups
