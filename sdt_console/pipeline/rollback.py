"""Rollback: what this run changed goes back to the revision known to be good, last wave first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdt_console.errors import CloudError, DeployError, SdtError, SupersededError
from sdt_console.events import Done, Intended, StepFinished, StepStarted
from sdt_console.model import EcsService, Outcome
from sdt_console.pipeline.change import UPDATE, update
from sdt_console.pipeline.context import Context, Verdict, each, stage
from sdt_console.pipeline.follow import Follower
from sdt_console.pipeline.rollout import Rollout, follow, primary

STOP = "ecs:StopServiceDeployment"
_IN_PROGRESS = ("PENDING", "IN_PROGRESS")


class RollbackError(DeployError):
    """Some services could not be put back: look now."""

    exit_code = 5


class RollbackCutOffError(RollbackError):
    """As :class:`RollbackError`, for something that passes: ``sdt resume`` goes on with it."""

    resumable = True


async def rollback(ctx: Context, failed: frozenset[str]) -> bool:
    """Put services back, as the plan's policy says.

    :param failed: the services whose deploy or health check failed.
    :returns: whether anything was put back.
    :raises RollbackError: a service was left as it is; its cause says how.
    """
    names = {name for name in ctx.changed if ctx.plan.rollback != "failed" or name in failed}
    if ctx.plan.rollback == "none" or not names:
        return False
    ended = ctx.past.stage("rollback")
    if ended is not None and ended.failure is not None:
        told = ended.failure
        raise RollbackError(told.what, told.cause, told.next, told.evidence)
    if ended is not None:
        return True
    async with stage(ctx.emit, "rollback") as verdict:
        await _all(ctx, names, verdict)
    return True


async def _all(ctx: Context, names: set[str], verdict: Verdict) -> None:
    left: list[str] = []
    cut_off: list[SdtError] = []
    async with Follower(ctx.ecs, ctx.plan.cluster, ctx.clock, ctx.poll_seconds) as follower:

        async def one(name: str) -> None:
            ended = ctx.past.step("rollback", name)
            failure = ended.failure if ended else None
            if ended is None:
                try:
                    failure = await _told(ctx, name, follower)
                except SdtError as error:
                    cut_off.append(error)
                    failure = error.failure()
            if failure is not None:
                left.append(
                    f"{name}: {failure.what} ({failure.cause})"
                    if failure.cause
                    else f"{name}: {failure.what}"
                )

        for wave in reversed(ctx.plan.waves):
            changed = [name for name in reversed(ctx.changed) if name in wave and name in names]
            await each(changed, ctx.plan.parallel, one)
    if left:
        what = f"{len(left)} of {len(names)} services could not be rolled back"
        look, others = f"look at them now in {ctx.plan.cluster}", tuple(left[1:])
        if cut_off:
            raise RollbackCutOffError(what, left[0], f"{look}; {ctx.go_on(cut_off[0])}", others)
        raise RollbackError(what, left[0], look, others)
    verdict.note = f"{len(names)} of {len(names)} back on their revision before"


async def _told(ctx: Context, name: str, follower: Follower) -> Any:
    """Put one service back and tell it; its failure, which does not keep the others from going back.

    :raises SdtError: it was cut off, and can be gone on with.
    """
    ctx.emit(StepStarted("rollback", name))
    good = good_revision(ctx, name)
    try:
        note = await _one(ctx, name, good, follower)
    except SdtError as error:
        if error.resumable:
            ctx.emit(StepFinished("rollback", name, Outcome.INTERRUPTED, failure=error.failure()))
            raise
        if isinstance(error, SupersededError):
            told = f"left alone: {error.cause or error.what}"
            ctx.emit(StepFinished("rollback", name, Outcome.SKIPPED, told))
            return None
        ctx.emit(StepFinished("rollback", name, Outcome.ROLLBACK_FAILED, failure=error.failure()))
        return error.failure()
    else:
        ctx.emit(StepFinished("rollback", name, Outcome.ROLLED_BACK, note, {"task_definition": good}))
    return None


def good_revision(ctx: Context, name: str) -> str:
    """ARN of the task definition to go back to."""
    return str(ctx.plan.good.get(name) or ctx.plan.before[name])


async def _one(ctx: Context, name: str, good: str, follower: Follower) -> str:
    """Back to ``good``: by ECS itself where it has begun to, or can; else by an update of ours."""
    live = await ctx.live(name)
    deployment = "" if _under_way(ctx, name) else _id(primary(live, good))
    if not deployment and await _stopped(ctx, name, live, good):
        deployment = await _ecs_goes_back(ctx, name, good, follower)
    if not deployment:
        deployment = await update(ctx, "rollback", name, good)
    # what ECS has begun by itself is followed, not replaced
    await follow(ctx, follower, Rollout(name, deployment, before="", container=name, stage="rollback"))
    return f"back on revision {good.rpartition(':')[2]}"


def _under_way(ctx: Context, name: str) -> bool:
    """Whether an earlier process had announced an update: then it is found by that announcement."""
    return ctx.past.intended("rollback", name, UPDATE) is not None


def _id(deployment: Mapping[str, Any] | None) -> str:
    return str(deployment["id"]) if deployment else ""


async def _stopped(ctx: Context, name: str, live: EcsService, good: str) -> bool:
    """Whether ECS was asked to roll our deployment back itself.

    It keeps the tasks that still run, where an update would have to place new ones. It can while our
    deployment is in progress, and only to the last revision that succeeded.
    """
    if _under_way(ctx, name) or good != ctx.plan.before.get(name) or primary(live, good) is not None:
        return False
    ours = await ctx.ecs.service_deployments(ctx.plan.cluster, ctx.service_name(name))
    newest = ours[0] if ours else {}
    if newest.get("status") not in _IN_PROGRESS:
        return False
    if not await _source_is(ctx, newest, good):
        return False
    arn = str(newest["serviceDeploymentArn"])
    request = {"serviceDeploymentArn": arn, "stopType": "ROLLBACK"}
    await ctx.announce(Intended("rollback", name, STOP, request))
    try:
        await ctx.ecs.stop_deployment(arn)
    except CloudError:
        return False  # it has ended meanwhile, or may not be stopped: our own update it is
    ctx.emit(Done("rollback", name, STOP))
    return True


async def _source_is(ctx: Context, deployment: Mapping[str, Any], good: str) -> bool:
    """Whether the revisions that the deployment replaces are all of ``good``."""
    arns = [str(source["arn"]) for source in deployment.get("sourceServiceRevisions", ()) if "arn" in source]
    revisions = await ctx.ecs.service_revisions(arns) if arns else []
    return bool(revisions) and all(r.get("taskDefinition") == good for r in revisions)


async def _ecs_goes_back(ctx: Context, name: str, good: str, follower: Follower) -> str:
    """Id of the deployment by which ECS goes back; empty if it does not begin one within a minute."""
    limit = ctx.clock.now() + 60
    while ctx.clock.now() < limit:
        live = await follower.look(ctx.service_name(name))
        found = primary(live, good) if live else None
        if found:
            return _id(found)
    return ""
