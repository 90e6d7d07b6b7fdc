"""Which image a service's tasks really run: digests, not tags."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sdt_console.errors import DeployError
from sdt_console.pipeline.context import Context

_LOOKS = 5


async def runs_already(ctx: Context, name: str, container: str) -> bool:
    """Whether tasks run and all of them have the digest to be deployed, as far as that is known."""
    running = await _digests(ctx, name, container)
    wanted = ctx.digests.get(name)
    return bool(running) and (wanted is None or set(running) == {wanted})


async def prove_running(ctx: Context, name: str, deployment: str, container: str) -> None:
    """The tasks of our deployment run the digest that was pushed, or is in the registry.

    :raises DeployError: one of them runs something else.
    """
    wanted = ctx.digests.get(name)
    found: Sequence[str] = ()
    for _ in range(_LOOKS):
        found = await _digests(ctx, name, container, deployment)
        if all(found):
            break
        await asyncio.sleep(0)
        await ctx.clock.sleep(ctx.poll_seconds)
    if wanted is None:
        if len(set(found)) == 1:
            ctx.digests[name] = found[0]
        return
    wrong = [digest or "unknown" for digest in found if digest != wanted]
    if wrong:
        raise DeployError(
            f"{name} runs another image than the one pushed",
            f"pushed {wanted}, a task runs {wrong[0]}",
            'see who moved the tag between push and deploy; consider image_reference = "digest"',
        )


async def _digests(ctx: Context, name: str, container: str, deployment: str = "") -> list[str]:
    """Digest of ``container`` in each task meant to run; an empty string where ECS does not know it yet."""
    tasks = await ctx.ecs.tasks(ctx.plan.cluster, ctx.service_name(name))
    return [
        str(c.get("imageDigest") or "")
        for task in tasks
        if not deployment or task.get("startedBy") == deployment
        for c in task.get("containers", ())
        if c.get("name") == container
    ]
