"""Deploy: wave by wave, each service's new revision followed until it is judged by its own deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sdt_console.errors import DeployError, SupersededError
from sdt_console.events import Done, Intended
from sdt_console.model import EcsService, Outcome
from sdt_console.pipeline.context import Context, Verdict, each, raise_first, step
from sdt_console.pipeline.follow import Follower
from sdt_console.pipeline.rollout import follow, primary, rollout_of
from sdt_console.pipeline.task_definition import container_index, prove_only_image_differs, with_image
from sdt_console.text import plural

_DIGEST_LOOKS = 5


async def deploy(ctx: Context, verdict: Verdict) -> None:
    """Roll out the plan's waves; a wave begins when the one before it has succeeded.

    :raises DeployError: a rollout failed; later waves were not started.
    :raises SupersededError: a service has moved since the plan was made, or someone deployed over ours.
    """
    await _unmoved(ctx)
    async with Follower(ctx.ecs, ctx.plan.cluster, ctx.clock, ctx.poll_seconds) as follower:
        for wave in ctx.plan.waves:

            async def one(name: str) -> None:
                async with step(ctx.emit, "deploy", name) as told:
                    await _one(ctx, name, follower, told)

            failed = await each(wave, ctx.plan.parallel, one)
            ctx.failed |= failed.keys()
            raise_first(failed)
    verdict.note = f"{plural(len(ctx.plan.services), 'service')} in {plural(len(ctx.plan.waves), 'wave')}"


async def _unmoved(ctx: Context) -> None:
    """Every service still runs the revision that the plan was made on; nothing is changed before that."""
    names = {ctx.service_name(name): name for name in ctx.plan.services}
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
        if live[ecs_name].task_definition != ctx.plan.before.get(name):
            raise SupersededError(
                f"{name} has moved since the plan was made",
                f"it ran {ctx.plan.before.get(name)}, now it runs {live[ecs_name].task_definition}",
                "make a new plan and look at it",
            )


async def _one(ctx: Context, name: str, follower: Follower, told: Verdict) -> None:
    before = str(ctx.plan.before[name])
    current = await ctx.ecs.task_definition(before)
    index = container_index(current, name)
    image = _reference(ctx, name)
    told.result = {"image": image, "digest": ctx.digests[name], "task_definition": before}
    target = before
    if current["containerDefinitions"][index].get("image") != image:
        target = await _register(ctx, name, current, index, image)
    elif await _runs_already(ctx, name, index, current):
        told.outcome, told.note = Outcome.SKIPPED, "already runs this image"
        return
    service = await _update(ctx, name, target)
    deployment = _own_deployment(service, target, name)
    await follow(ctx, follower, rollout_of(name, deployment, before, current, index))
    await _prove_digest(ctx, name, deployment, _container_name(current, index))
    told.result["task_definition"] = target
    told.note = f"revision {target.rpartition(':')[2]}"


def _reference(ctx: Context, name: str) -> str:
    """The image reference that goes into the task definition, by the environment's policy."""
    if ctx.plan.image_reference == "digest":
        return f"{ctx.plan.images[name].rpartition(':')[0]}@{ctx.digests[name]}"
    return ctx.plan.images[name]


async def _register(ctx: Context, name: str, current: Mapping[str, Any], index: int, image: str) -> str:
    request = {"family": current["family"], "image": image, "from": current["taskDefinitionArn"]}
    ctx.emit(Intended("deploy", name, "ecs:RegisterTaskDefinition", request))
    registered = await ctx.ecs.register(with_image(current, index, image))
    arn = str(registered["taskDefinitionArn"])
    ctx.emit(Done("deploy", name, "ecs:RegisterTaskDefinition", {"task_definition": arn}))
    prove_only_image_differs(current, registered, index, image, name)
    return arn


async def _update(ctx: Context, name: str, target: str) -> EcsService:
    ecs_name = ctx.service_name(name)
    request = {"cluster": ctx.plan.cluster, "service": ecs_name, "taskDefinition": target}
    ctx.emit(Intended("deploy", name, "ecs:UpdateService", request))
    ctx.changed.append(name)  # before the call: an update that is cut off may have reached ECS
    service = await ctx.ecs.update(ctx.plan.cluster, ecs_name, target)
    made = primary(service, target) or {}
    ctx.emit(Done("deploy", name, "ecs:UpdateService", {"deployment": made.get("id", "")}))
    return service


def _own_deployment(service: EcsService, target: str, name: str) -> str:
    deployment = primary(service, target)
    if deployment is not None:
        return str(deployment["id"])
    raise DeployError(
        f"{name}: ECS shows no deployment of {target}",
        "UpdateService was answered without one",
        "see `aws ecs describe-services`; only services with the ECS deployment controller are supported",
    )


def _container_name(definition: Mapping[str, Any], index: int) -> str:
    return str(definition["containerDefinitions"][index].get("name"))


async def _runs_already(ctx: Context, name: str, index: int, definition: Mapping[str, Any]) -> bool:
    """Whether tasks run and all of them have the digest that we pushed."""
    running = await _digests(ctx, name, _container_name(definition, index))
    return bool(running) and set(running) == {ctx.digests[name]}


async def _prove_digest(ctx: Context, name: str, deployment: str, container: str) -> None:
    """The tasks of our deployment run the digest that we pushed.

    :raises DeployError: one of them runs something else.
    """
    found: Sequence[str] = ()
    for _ in range(_DIGEST_LOOKS):
        found = await _digests(ctx, name, container, deployment)
        if all(found):
            break
        await asyncio.sleep(0)
        await ctx.clock.sleep(ctx.poll_seconds)
    wrong = [digest or "unknown" for digest in found if digest != ctx.digests[name]]
    if wrong:
        raise DeployError(
            f"{name} runs another image than the one pushed",
            f"pushed {ctx.digests[name]}, a task runs {wrong[0]}",
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
