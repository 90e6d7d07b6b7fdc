"""Deploy: wave by wave, each service's new revision followed until it is judged by its own deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any

from sdt_console.errors import CloudError, DeployError, SdtError, SupersededError
from sdt_console.events import Noted
from sdt_console.model import Outcome
from sdt_console.pipeline.change import moved, register, update
from sdt_console.pipeline.context import Context, Verdict, each, raise_first, step
from sdt_console.pipeline.follow import Follower
from sdt_console.pipeline.past import again
from sdt_console.pipeline.rollout import follow, rollout_of
from sdt_console.pipeline.running_image import prove_running, runs_already, same_image
from sdt_console.pipeline.stop import good_revision, stop
from sdt_console.pipeline.task_definition import container_index
from sdt_console.pipeline.verdict import confirm
from sdt_console.text import plural


async def deploy(ctx: Context, verdict: Verdict) -> None:
    """Roll out the plan's waves; a wave begins when the one before it has succeeded.

    :raises DeployError: a rollout failed; later waves were not started.
    :raises SupersededError: a service has moved since the plan was made, or someone deployed over ours.
    """
    await _unmoved(ctx)
    async with Follower(ctx.ecs, ctx.plan.cluster, ctx.clock, ctx.poll_seconds) as follower:
        for wave in ctx.plan.waves:

            async def one(name: str) -> None:
                ended = ctx.past.step("deploy", name)
                if ended is None:
                    async with step(ctx.emit, "deploy", name) as told:
                        await _one(ctx, name, follower, told)
                elif ended.failure is not None:
                    raise again("deploy", ended.outcome, ended.failure)

            failed = await each(wave, ctx.plan.parallel, one)
            ctx.failed |= failed.keys()
            raise_first(failed)
    verdict.note = f"{plural(len(ctx.plan.services), 'service')} in {plural(len(ctx.plan.waves), 'wave')}"


async def _unmoved(ctx: Context) -> None:
    """Every service not yet changed still runs what the plan was made on; nothing is changed before that."""
    names = {ctx.service_name(name): name for name in ctx.plan.services if name not in ctx.changed}
    live = await ctx.ecs.services(ctx.plan.cluster, list(names))
    missing = [ecs_name for ecs_name in names if ecs_name not in live]
    if missing:
        raise DeployError(
            f"no service {missing[0]} in {ctx.plan.cluster}",
            "the catalog names it and ECS has none active of that name",
            "create it, or set its state to pending in catalog.toml",
            evidence=tuple(missing[1:]),
        )
    for ecs_name, name in names.items():
        before = ctx.plan.before.get(name)
        if live[ecs_name].task_definition != before:
            raise moved(name, str(before), live[ecs_name].task_definition)


async def _one(ctx: Context, name: str, follower: Follower, told: Verdict) -> None:
    before = str(ctx.plan.before[name])
    existing = ctx.plan.targets.get(name)
    current = await ctx.definition(existing or before)
    index = container_index(current, name)
    container = current["containerDefinitions"][index]
    if existing:
        image, target = str(container.get("image", "")), existing
    else:
        image = _reference(ctx, name)
        target = before if container.get("image") == image else ""
    told.result = {"image": image, "task_definition": before}
    if ctx.digests.get(name):
        told.result["digest"] = ctx.digests[name]
    if target == before and not ctx.plan.force and await _nothing_to_do(ctx, name, current, index):
        told.outcome, told.note = Outcome.SKIPPED, "already runs this image"
        return
    if not target and not ctx.plan.force and name not in ctx.changed:
        under = await same_image(ctx, name, container, image)
        if under:
            told.outcome, told.note = Outcome.SKIPPED, f"already runs this image under {under}"
            told.result["image"] = str(container.get("image"))
            return
    if not target:
        target = await register(ctx, name, current, index, image)
    began = None if name in ctx.past.updated else ctx.clock.now()
    deployment = await update(ctx, "deploy", name, target, before=before)
    told.result["task_definition"] = target
    try:
        await follow(ctx, follower, rollout_of(name, deployment, before, current, index))
        await _together(
            confirm(ctx, name, target, began),
            prove_running(ctx, name, deployment, str(container.get("name"))),
        )
    except SdtError as error:
        await _stop_at_once(ctx, name, error)
        raise
    told.note = f"revision {target.rpartition(':')[2]}"


async def _stop_at_once(ctx: Context, name: str, error: SdtError) -> None:
    """A rollout that has failed is not left to go on while others of its wave are brought to their end."""
    if error.resumable or isinstance(error, SupersededError):
        return
    if ctx.plan.rollback == "none":
        ctx.emit(Noted('its rollout is left as it is: rollback = "none"', "warning", "deploy", name))
        return
    with suppress(CloudError):  # then it is rolled back when its turn comes
        await stop(ctx, name, good_revision(ctx, name))


async def _together(*works: Awaitable[None]) -> None:
    """Do all of ``works`` side by side, each to its end.

    :raises SdtError: of those that failed, what the first in order says.
    """
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def _nothing_to_do(ctx: Context, name: str, current: Mapping[str, Any], index: int) -> bool:
    """Whether the service runs this very image, and no change of ours is under way."""
    if name in ctx.changed:
        return False
    return await runs_already(ctx, name, str(current["containerDefinitions"][index].get("name")))


def _reference(ctx: Context, name: str) -> str:
    """The image reference that goes into the task definition, by the environment's policy."""
    if ctx.plan.image_reference == "digest":
        return f"{ctx.plan.images[name].rpartition(':')[0]}@{ctx.digests[name]}"
    return ctx.plan.images[name]
