"""Rollback: what this run changed goes back to the revision it ran before, last changed first."""

from __future__ import annotations

from sdt_console.errors import DeployError, SdtError, SupersededError
from sdt_console.events import Done, Intended, StepFinished, StepStarted
from sdt_console.model import EcsService, Outcome
from sdt_console.pipeline.context import Context, Verdict, stage
from sdt_console.pipeline.follow import Follower
from sdt_console.pipeline.rollout import Rollout, follow, primary


class RollbackError(DeployError):
    """Some services could not be put back: look now."""

    exit_code = 5


async def rollback(ctx: Context, failed: frozenset[str]) -> bool:
    """Put services back, as the plan's policy says.

    :param failed: the services whose deploy or health check failed.
    :returns: whether anything was put back.
    :raises RollbackError: a service was left as it is; its cause says how.
    """
    names = [name for name in reversed(ctx.changed) if ctx.plan.rollback != "failed" or name in failed]
    if ctx.plan.rollback == "none" or not names:
        return False
    async with stage(ctx.emit, "rollback") as verdict:
        await _all(ctx, names, verdict)
    return True


async def _all(ctx: Context, names: list[str], verdict: Verdict) -> None:
    left: list[str] = []
    async with Follower(ctx.ecs, ctx.plan.cluster, ctx.clock, ctx.poll_seconds) as follower:
        for name in names:
            ctx.emit(StepStarted("rollback", name))
            try:
                note = await _one(ctx, name, follower)
            except SupersededError as error:
                ctx.emit(
                    StepFinished(
                        "rollback", name, Outcome.SKIPPED, f"left alone: {error.cause or error.what}"
                    )
                )
            except SdtError as error:
                left.append(
                    f"{name}: {error.what} ({error.cause})" if error.cause else f"{name}: {error.what}"
                )
                ctx.emit(StepFinished("rollback", name, Outcome.ROLLBACK_FAILED, failure=error.failure()))
            else:
                result = {"task_definition": str(ctx.plan.before[name])}
                ctx.emit(StepFinished("rollback", name, Outcome.ROLLED_BACK, note, result))
    if left:
        raise RollbackError(
            f"{len(left)} of {len(names)} services could not be rolled back",
            left[0],
            f"look at them now in {ctx.plan.cluster}",
            evidence=tuple(left[1:]),
        )
    verdict.note = f"{len(names)} of {len(names)} back on their revision before"


async def _one(ctx: Context, name: str, follower: Follower) -> str:
    before = str(ctx.plan.before[name])
    deployment = primary(await _live(ctx, name), before)
    if deployment is None:
        request = {"cluster": ctx.plan.cluster, "service": ctx.service_name(name), "taskDefinition": before}
        ctx.emit(Intended("rollback", name, "ecs:UpdateService", request))
        service = await ctx.ecs.update(ctx.plan.cluster, ctx.service_name(name), before)
        deployment = primary(service, before)
        ctx.emit(
            Done("rollback", name, "ecs:UpdateService", {"deployment": (deployment or {}).get("id", "")})
        )
        if deployment is None:
            raise DeployError(f"{name}: ECS shows no deployment of {before}", "", f"look at {name} now")
    # else ECS has begun to roll back by itself: its deployment is followed, not replaced
    await follow(ctx, follower, Rollout(name, str(deployment["id"]), before="", container=name))
    return f"back on revision {before.rpartition(':')[2]}"


async def _live(ctx: Context, name: str) -> EcsService:
    ecs_name = ctx.service_name(name)
    service = (await ctx.ecs.services(ctx.plan.cluster, [ecs_name])).get(ecs_name)
    if service is None:
        raise DeployError(
            f"{name} is gone", f"no active service {ecs_name}", f"look at {ctx.plan.cluster} now"
        )
    return service
