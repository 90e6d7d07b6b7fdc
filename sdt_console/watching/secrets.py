"""The secrets of an engine's environment, through its clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sdt_console.model import SecretSights
from sdt_console.watch.secrets import SecretsLook
from sdt_console.watching.images import chosen

if TYPE_CHECKING:
    from sdt_console.engine import Engine


async def look(door: Engine, services: Sequence[str] = ()) -> SecretSights:
    """The secrets and parameters that the running task definitions of ``services``, or of all, name.

    :raises UsageError: an unknown service or environment.
    :raises CloudError: the services cannot be read.
    """
    from sdt_console.clients.ecs import EcsClient
    from sdt_console.clients.secrets import SecretsClient

    catalog, env = door.catalog, door.environment
    aws = door.outside.aws.watching
    names = {name: catalog.ecs_service(env, name) for name in chosen(door, services)}
    looking = SecretsLook(
        env, catalog.cluster(env), names, catalog.region(env), EcsClient(aws), SecretsClient(aws)
    )
    return await looking.look(door.clock.now())
