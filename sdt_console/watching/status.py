"""Services watched through an engine's clients: one environment, or several at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdt_console.errors import CloudError, SdtError, UsageError
from sdt_console.model import Scope, Snapshot, SnapshotChange
from sdt_console.outside import Outside
from sdt_console.watch.snapshot import Watch
from sdt_console.watching.outline import outline, scope

if TYPE_CHECKING:
    from sdt_console.engine import Engine
    from sdt_console.watch.reader import Pace
    from sdt_console.watch.status_ports import Clock, Diagnosis, Subject

__all__ = ["Environments", "Watch", "changes", "everywhere", "scope", "watch"]


def watch(door: Engine, only: Sequence[str] = (), *, pace: Pace | None = None) -> Watch:
    """The services of this session's environment, by the calls of this session.

    A run of the same session shares the API budget, and goes first.

    :param only: names of services; all if empty.
    :raises UsageError: an unknown environment or service.
    """
    found = scope(door)
    _known(only, found)
    return _watch(door, found, _outside(door, found), only, pace)


@dataclass
class Environments:
    """Several environments, each watched in its own region and role.

    :param watches: by environment, in the catalog's order.
    """

    watches: Mapping[str, Watch]
    _opened: list[Outside] = field(default_factory=list)

    async def look(self, *, health: bool = False) -> dict[str, Snapshot | CloudError]:
        """Each environment once; one that cannot be read does not keep the others from being shown."""
        done = await asyncio.gather(
            *(watch.look(health=health) for watch in self.watches.values()), return_exceptions=True
        )
        found: dict[str, Snapshot | CloudError] = {}
        for name, answer in zip(self.watches, done, strict=True):
            if isinstance(answer, BaseException) and not isinstance(answer, CloudError):
                raise answer
            found[name] = answer
        return found

    def close(self) -> None:
        """Let go of the clients that were made for them."""
        for outside in self._opened:
            outside.close()


def everywhere(door: Engine, only: Sequence[str] = (), *, pace: Pace | None = None) -> Environments:
    """All environments of the catalog. Those of one account and region share one API budget.

    :raises UsageError: an unknown service.
    """
    scopes = outline(door).scopes
    opened: list[Outside] = []
    shared: dict[tuple[str, str | None], Outside] = {}
    watches = {}
    for name, found in scopes.items():
        _known(only, found)
        place = (found.account, found.region)
        first = shared.get(place)
        outside = Outside(door.settings, found.region, found.role, calls=first.calls if first else None)
        if first is None:
            shared[place] = outside
            opened.append(outside)
        watches[name] = _watch(door, found, outside, only, pace)
    return Environments(watches, opened)


async def changes(
    watches: Mapping[str, Watch], clock: Clock, beat: float | None = None
) -> AsyncIterator[tuple[str, SnapshotChange] | None]:
    """What changes in each environment, as it is seen; until whoever iterates has enough.

    :param beat: seconds after which ``None`` is given, to show how old everything has become.
    """
    subscriptions = {name: watch.subscribe() for name, watch in watches.items()}
    pollers = [asyncio.ensure_future(watch.run()) for watch in watches.values()]
    nexts = {asyncio.ensure_future(anext(s)): name for name, s in subscriptions.items()}
    timer = asyncio.ensure_future(clock.sleep(beat)) if beat is not None else None
    try:
        while True:
            waits = {*pollers, *nexts, *((timer,) if timer else ())}
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for poller in pollers:
                if poller in done:
                    poller.result()  # a poller ends only by a defect
            for ready in [future for future in nexts if future in done]:
                name = nexts.pop(ready)
                yield name, ready.result()
                nexts[asyncio.ensure_future(anext(subscriptions[name]))] = name
            if timer is not None and timer in done and beat is not None:
                yield None
                timer = asyncio.ensure_future(clock.sleep(beat))
    finally:
        for subscription in subscriptions.values():
            subscription.close()
        left = [*pollers, *nexts, *((timer,) if timer else ())]
        for future in left:
            future.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _watch(door: Engine, found: Scope, outside: Outside, only: Sequence[str], pace: Pace | None) -> Watch:
    from sdt_console.clients.ecs import EcsClient
    from sdt_console.clients.elb import LoadBalancerClient
    from sdt_console.clients.http import HttpClient

    aws = outside.aws.watching
    return Watch(
        found,
        door.clock,
        EcsClient(aws),
        _diagnose,
        targets=LoadBalancerClient(aws) if found.load_balancer else None,
        http=HttpClient(outside.calls.watching),
        subject=_subject(door),
        renew=outside.aws.renew,
        only=only,
        pace=pace,
    )


def _outside(door: Engine, found: Scope) -> Outside:
    """The session's own clients; made here if nobody needed them yet, without reading the whole catalog."""
    if "outside" not in door.__dict__:
        door.__dict__["outside"] = Outside(door.settings, found.region, found.role)
    made: Outside = door.outside
    return made


def _diagnose(task: Mapping[str, Any], container: str) -> Diagnosis | None:
    from sdt_console.pipeline.diagnose import diagnose

    return diagnose(task, container)


def _subject(door: Engine) -> Subject | None:
    """What a commit is about, from the repository of this session; ``None`` if none was named."""
    if door.settings.repo is None:
        return None
    try:
        repository = door.repository
    except SdtError:  # there is none: only the commit's id is shown
        return None
    known: dict[str, str] = {}

    def subject(commit: str) -> str:
        if commit not in known:
            try:
                full = repository.commit(commit)
                known[commit] = repository.title(full) if full else ""
            except SdtError:
                known[commit] = ""
        return known[commit]

    return subject


def _known(names: Sequence[str], found: Scope) -> None:
    known = [watched.name for watched in found.services]
    for name in names:
        if name not in known:
            from sdt_console.catalog.nearest import hint, listing

            raise UsageError(f"no service {name!r}{hint(name, known)}", next=f"use one of {listing(known)}")
