"""A rollout of ours that has failed is stopped: ECS is asked to go back, which keeps what still runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdt_console.errors import CloudError, SupersededError
from sdt_console.events import Done, Intended
from sdt_console.model import EcsService
from sdt_console.pipeline.context import Context

STOP = "ecs:StopServiceDeployment"
_IN_PROGRESS = ("PENDING", "IN_PROGRESS")


def good_revision(ctx: Context, name: str) -> str:
    """ARN of the task definition to go back to."""
    return str(ctx.plan.good.get(name) or ctx.plan.before[name])


async def goes_back(ctx: Context, name: str, good: str) -> str:
    """Id of the primary deployment if it is one of ``good`` and not the one that we made; else empty.

    That is so where ECS has gone back by itself, or where our update never came to be.

    :raises SupersededError: the service runs neither what we deployed nor ``good``: it is somebody else's.
    """
    live = await ctx.live(name)
    now = primary(live)
    ours = ctx.deployed.get(name)
    if ours is not None and now.get("id") == ours.deployment:
        return ""
    if now.get("taskDefinition") == good:
        return str(now.get("id"))
    if ours is not None and not ours.deployment and now.get("taskDefinition") == ours.target:
        return ""
    raise SupersededError(
        f"{name} was deployed by someone else",
        f"it runs {live.task_definition}, which this run did not deploy",
        "see who, then plan again",
    )


async def stop(ctx: Context, name: str, good: str) -> bool:
    """Whether ECS was asked to roll our deployment back itself.

    It can while our deployment is in progress, and only to the revision that it replaces.
    """
    if ctx.past.done("rollback", name, STOP) is not None or name in ctx.stopped:
        return True
    ours = ctx.deployed.get(name)
    if ours is None or good != ctx.plan.before.get(name):
        return False
    deployments = await ctx.ecs.service_deployments(ctx.plan.cluster, ctx.service_name(name))
    newest = deployments[0] if deployments else {}
    if newest.get("status") not in _IN_PROGRESS or not await _is_ours(ctx, newest, ours.target, good):
        return False
    arn = str(newest["serviceDeploymentArn"])
    request = {"serviceDeploymentArn": arn, "stopType": "ROLLBACK"}
    await ctx.announce(Intended("rollback", name, STOP, request))
    try:
        await ctx.ecs.stop_deployment(arn)
    except CloudError as error:
        if error.resumable:
            raise
        return False  # it has ended meanwhile, or may not be stopped: our own update it is
    ctx.stopped.add(name)
    ctx.emit(Done("rollback", name, STOP))
    return True


async def _is_ours(ctx: Context, deployment: Mapping[str, Any], target: str, good: str) -> bool:
    """Whether the service deployment brings ``target`` and replaces nothing but ``good``."""
    sources = [
        str(source["arn"]) for source in deployment.get("sourceServiceRevisions", ()) if "arn" in source
    ]
    aim = str((deployment.get("targetServiceRevision") or {}).get("arn", ""))
    if not sources or not aim:
        return False
    found = await ctx.ecs.service_revisions([*sources, aim])
    of = {str(revision["serviceRevisionArn"]): revision.get("taskDefinition") for revision in found}
    return of.get(aim) == target and all(of.get(source) == good for source in sources)


def primary(service: EcsService) -> Mapping[str, Any]:
    """The primary deployment; empty if there is none."""
    return next((d for d in service.deployments if d.get("status") == "PRIMARY"), {})
