"""The image repositories of an engine's environment, through its clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sdt_console.errors import SdtError, UsageError
from sdt_console.model import Commit, Shelves
from sdt_console.outside import Outside
from sdt_console.watch.image_problems import best_tag, elsewhere, short
from sdt_console.watch.lifecycle import Policy
from sdt_console.watch.running_images import tag_of
from sdt_console.watch.shelves import Elsewhere, Place, Shop

if TYPE_CHECKING:
    from sdt_console.engine import Engine

__all__ = ["best_tag", "chosen", "commits", "elsewhere", "look", "policy", "short", "tag_of"]


async def look(
    door: Engine,
    services: Sequence[str] = (),
    *,
    audit: bool = False,
    scans: int = 0,
    everywhere: bool = False,
) -> Shelves:
    """The repositories of ``services``, or of all in the catalog, and what runs from them.

    :param audit: hold the repositories against the catalog's lifecycle policy as well.
    :param scans: of how many images of a service, the newest, the scan is asked for where a list of images
        does not tell it; those that run are asked for in any case.
    :param everywhere: look at what runs in the catalog's other environments, too.
    :raises UsageError: an unknown service or environment.
    :raises CloudError: AWS takes no call from us.
    """
    from sdt_console.clients.cluster_tasks import ClusterTasks
    from sdt_console.clients.ecr_images import EcrImages

    catalog, env = door.catalog, door.environment
    kinds = {s.name: s.state for s in catalog.services} | {d.name: "data" for d in catalog.data}
    places = [
        Place(
            name,
            catalog.ecs_service(env, name),
            kinds[name],
            catalog.repository(env, name),
            catalog.image_repository(env, name),
        )
        for name in chosen(door, services)
    ]
    aws = door.outside.aws.watching
    opened: list[Outside] = []
    try:
        shop = Shop(
            env,
            catalog.cluster(env),
            places,
            EcrImages(aws),
            ClusterTasks(aws),
            policy(door),
            audit,
            scans,
            commits(door),
            _others(door, opened) if everywhere else (),
        )
        return await shop.look(door.clock.now())
    finally:
        for outside in opened:
            outside.close()


def policy(door: Engine) -> Policy:
    """What the catalog asks of every repository."""
    return Policy(door.catalog.images.keep_tagged, door.catalog.images.expire_untagged_days)


def chosen(door: Engine, services: Sequence[str]) -> list[str]:
    """``services``, or all of the catalog, in its order.

    :raises UsageError: one is unknown.
    """
    known = list(door.catalog.all_names)
    for name in services:
        if name not in known:
            from sdt_console.catalog.nearest import hint, listing

            raise UsageError(f"no service {name!r}{hint(name, known)}", next=f"use one of {listing(known)}")
    return [name for name in known if name in services] if services else known


def commits(door: Engine) -> _Commits | None:
    """Commits of the repository named, or of the one this folder is in; ``None`` if there is none."""
    try:
        return _Commits(door.repository)
    except SdtError:
        return None


class _Commits:
    """What a repository knows of commits; one that cannot be read knows none."""

    def __init__(self, repository: Any) -> None:
        self._repository = repository

    def __call__(self, names: Sequence[str]) -> Mapping[str, Commit]:
        try:
            found: Mapping[str, Commit] = self._repository.subjects(names)
        except SdtError:
            return {}
        return found


def _others(door: Engine, opened: list[Outside]) -> list[Elsewhere]:
    """The other environments; those of the same region and role are asked by the same session."""
    from sdt_console.clients.cluster_tasks import ClusterTasks

    catalog, env = door.catalog, door.environment
    home = (catalog.region(env), catalog.environments[env].role)
    sessions = {home: door.outside}
    found = []
    for name, other in catalog.environments.items():
        place = (catalog.region(name), other.role)
        if name == env:
            continue
        if place not in sessions:
            sessions[place] = Outside(door.settings, *place, clock=door.clock)
            opened.append(sessions[place])
        found.append(Elsewhere(name, catalog.cluster(name), ClusterTasks(sessions[place].aws.watching)))
    return found
