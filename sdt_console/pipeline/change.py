"""Changes to an ECS service: in the journal before they are made, found again where the answer was lost.

The answer is lost when a process dies between a call and its journal entry, or when a call's connection
breaks. Both are told apart from a call that never arrived by looking at ECS, never by doing it once more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from sdt_console.errors import CloudError, DeployError, SupersededError
from sdt_console.events import Done, Intended
from sdt_console.model import EcsService
from sdt_console.pipeline.context import UPDATE_SERVICE, Context, Deployed
from sdt_console.pipeline.task_definition import prove_only_image_differs, with_image

T = TypeVar("T")

REGISTER = "ecs:RegisterTaskDefinition"
UPDATE = UPDATE_SERVICE
_NEWEST = 10
_ATTEMPTS = 3
_PAUSES_S = (1.0, 4.0, 10.0, 15.0)
"""Between looks for what a change has made; AWS answers a request, or has dropped it, within that time."""


async def register(ctx: Context, name: str, current: Mapping[str, Any], index: int, image: str) -> str:
    """ARN of a revision that is ``current`` with ``image`` in container ``index``, and is nothing else.

    :raises DeployError: the registered revision differs in more; nothing was deployed.
    """
    known = ctx.past.done("deploy", name, REGISTER)
    if known is not None:
        return str(known["task_definition"])
    lost = ctx.past.intended("deploy", name, REGISTER) is not None
    found = await _registered(ctx, name, current, index, image) if lost else None
    if found is None:
        made = await _register(ctx, name, current, index, image)
    else:
        made = found
    arn = str(made["taskDefinitionArn"])
    ctx.emit(Done("deploy", name, REGISTER, {"task_definition": arn} | ({"found": True} if found else {})))
    prove_only_image_differs(current, made, index, image, name)
    return arn


async def _register(
    ctx: Context, name: str, current: Mapping[str, Any], index: int, image: str
) -> Mapping[str, Any]:
    request = {"family": current["family"], "image": image, "from": current["taskDefinitionArn"]}
    for left in reversed(range(_ATTEMPTS)):
        await ctx.announce(Intended("deploy", name, REGISTER, request))
        try:
            return await ctx.ecs.register(with_image(current, index, image))
        except CloudError as error:
            if not error.unknown:
                raise
            found = await _looked_for(ctx, lambda: _registered(ctx, name, current, index, image))
            if found is not None:
                return found
            if not left:
                raise
    raise AssertionError("unreachable")


async def _looked_for(ctx: Context, look: Callable[[], Awaitable[T | None]]) -> T | None:
    """What a change whose answer was lost has made, once it shows; ``None`` if it never arrived."""
    for pause in _PAUSES_S:
        await ctx.clock.sleep(pause)
        found = await look()
        if found is not None:
            return found
    return None


async def _registered(
    ctx: Context, name: str, current: Mapping[str, Any], index: int, image: str
) -> Mapping[str, Any] | None:
    """A revision newer than ``current`` that differs from it in that image alone."""
    for arn in await ctx.ecs.task_definitions(str(current["family"]), _NEWEST):
        if int(arn.rpartition(":")[2]) <= int(current["revision"]):
            return None
        made = await ctx.ecs.task_definition(arn)
        try:
            prove_only_image_differs(current, made, index, image, name)
        except DeployError:
            continue
        return made
    return None


async def update(ctx: Context, stage: str, name: str, target: str, *, before: str = "") -> str:
    """Deploy ``target``; id of our deployment, or empty if it was made and is gone already.

    :param before: ARN of what the service must run until then; empty if anything may.
    :raises SupersededError: it runs something else, so someone has deployed meanwhile.
    """
    known = ctx.past.done(stage, name, UPDATE)
    if known is not None:
        return str(known.get("deployment", ""))
    deployment = await _updated(ctx, stage, name, target, before)
    if stage == "deploy":
        ctx.deployed[name] = Deployed(target, deployment)
    return deployment


async def _updated(ctx: Context, stage: str, name: str, target: str, before: str) -> str:
    live = await ctx.live(name)
    announced = ctx.past.intended(stage, name, UPDATE)
    if announced is not None and _arrived(live, announced):
        deployment = _ours(live, target)
        if not deployment and live.task_definition not in (target, before):
            raise moved(name, before or target, live.task_definition)
        ctx.emit(Done(stage, name, UPDATE, {"deployment": deployment, "found": True}))
        return deployment
    if before and live.task_definition != before:
        raise moved(name, before, live.task_definition)
    service = await _update(ctx, stage, name, target, live)
    deployment = _ours(service, target)
    if not deployment and service.task_definition not in (target, before):
        raise moved(name, before or target, service.task_definition)
    if not deployment:
        raise DeployError(
            f"{name}: ECS shows no deployment of {target}",
            "UpdateService was answered without one",
            "see `aws ecs describe-services`; only services with the ECS deployment controller are supported",
        )
    ctx.emit(Done(stage, name, UPDATE, {"deployment": deployment}))
    return deployment


async def _update(ctx: Context, stage: str, name: str, target: str, live: EcsService) -> EcsService:
    request = {
        "cluster": ctx.plan.cluster,
        "service": ctx.service_name(name),
        "taskDefinition": target,
        "known": [str(d.get("id")) for d in live.deployments],
    }

    async def arrived() -> EcsService | None:
        now = await ctx.live(name)
        return now if _arrived(now, request) else None

    for left in reversed(range(_ATTEMPTS)):
        await ctx.announce(Intended(stage, name, UPDATE, request))
        if stage == "deploy" and name not in ctx.changed:
            # before the call: one that is cut off may have reached ECS
            ctx.changed.append(name)
            ctx.deployed[name] = Deployed(target)
        try:
            return await ctx.ecs.update(ctx.plan.cluster, ctx.service_name(name), target)
        except CloudError as error:
            if not error.unknown:
                raise
            found = await _looked_for(ctx, arrived)
            if found is not None:
                return found
            if not left:
                raise
    raise AssertionError("unreachable")


def moved(name: str, before: str, now: str) -> SupersededError:
    """Someone has deployed since the plan was made."""
    return SupersededError(
        f"{name} has moved since the plan was made",
        f"it ran {before}, now it runs {now}",
        "make a new plan and look at it",
    )


def _arrived(live: EcsService, announced: Mapping[str, Any]) -> bool:
    """Whether the service has a newer primary deployment than those known when the change was announced."""
    primary = next((d for d in live.deployments if d.get("status") == "PRIMARY"), {})
    return bool(primary) and primary.get("id") not in announced.get("known", ())


def _ours(live: EcsService, target: str) -> str:
    for deployment in live.deployments:
        if deployment.get("status") == "PRIMARY" and deployment.get("taskDefinition") == target:
            return str(deployment["id"])
    return ""
