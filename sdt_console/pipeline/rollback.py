"""Rollback: what this run changed goes back to the revision known to be good, last wave first.

A service goes back only while it runs what this run deployed. Somebody else's deployment is never replaced.
"""

from __future__ import annotations

from sdt_console.errors import DeployError, SdtError, SupersededError
from sdt_console.events import StepFinished, StepStarted
from sdt_console.model import Failure, Outcome
from sdt_console.pipeline.change import UPDATE, update
from sdt_console.pipeline.context import Context, Verdict, each, stage
from sdt_console.pipeline.follow import Follower
from sdt_console.pipeline.rollout import follow, rollout_of
from sdt_console.pipeline.stop import goes_back, good_revision, stop
from sdt_console.pipeline.task_definition import container_index
from sdt_console.pipeline.verdict import confirm


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
        return ended.outcome is Outcome.SUCCEEDED
    async with stage(ctx.emit, "rollback") as verdict:
        return await _all(ctx, names, verdict)


async def _all(ctx: Context, names: set[str], verdict: Verdict) -> bool:
    """Whether anything went back."""
    left: list[str] = []
    back: list[str] = []
    cut_off: list[SdtError] = []
    async with Follower(ctx.ecs, ctx.plan.cluster, ctx.clock, ctx.poll_seconds) as follower:

        async def one(name: str) -> None:
            ended = ctx.past.step("rollback", name)
            outcome, failure = (ended.outcome, ended.failure) if ended else (None, None)
            if ended is None:
                try:
                    outcome, failure = await _told(ctx, name, follower)
                except SdtError as error:
                    cut_off.append(error)
                    failure = error.failure()
            if failure is not None:
                left.append(f"{name}: {failure.what}" + (f" ({failure.cause})" if failure.cause else ""))
            elif outcome is Outcome.ROLLED_BACK:
                back.append(name)

        for wave in reversed(ctx.plan.waves):
            changed = [name for name in reversed(ctx.changed) if name in wave and name in names]
            await each(changed, ctx.plan.parallel, one)
    if left:
        what = f"{len(left)} of {len(names)} services could not be rolled back"
        look, others = f"look at them now in {ctx.plan.cluster}", tuple(left[1:])
        if cut_off:
            raise RollbackCutOffError(what, left[0], f"{look}; {ctx.go_on(cut_off[0])}", others)
        raise RollbackError(what, left[0], look, others)
    verdict.note = f"{len(back)} of {len(names)} back on their revision before"
    if not back:
        verdict.outcome = Outcome.SKIPPED
    return bool(back)


async def _told(ctx: Context, name: str, follower: Follower) -> tuple[Outcome, Failure | None]:
    """Put one service back and tell it; its failure does not keep the others from going back.

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
            return Outcome.SKIPPED, None
        return Outcome.ROLLBACK_FAILED, await _left(ctx, name, error)
    ctx.emit(StepFinished("rollback", name, Outcome.ROLLED_BACK, note, {"task_definition": good}))
    return Outcome.ROLLED_BACK, None


async def _left(ctx: Context, name: str, error: SdtError) -> Failure:
    """Tell a rollback that failed, with the state in which the service was left."""
    failure, result = error.failure(), dict[str, object]()
    try:
        live = await ctx.live(name)
    except SdtError as unknown:
        state = f"in which state it is cannot be told: {unknown.what}"
    else:
        revision = live.task_definition.rpartition(":")[2]
        state = f"left on revision {revision} with {live.running} of {live.desired} tasks"
        result = {
            "task_definition": live.task_definition,
            "running": live.running,
            "desired": live.desired,
        }
    cause = f"{failure.cause}; {state}" if failure.cause else state
    failure = Failure(failure.what, cause, failure.evidence, failure.next)
    ctx.emit(StepFinished("rollback", name, Outcome.ROLLBACK_FAILED, result=result, failure=failure))
    return failure


async def _one(ctx: Context, name: str, good: str, follower: Follower) -> str:
    """Back to ``good``: by ECS itself where it has begun to, or can; else by an update of ours."""
    began = ctx.clock.now()
    deployment = ""
    if ctx.past.intended("rollback", name, UPDATE) is None:  # else it is found by that announcement
        deployment = await goes_back(ctx, name, good)
        if not deployment and await stop(ctx, name, good):
            deployment = await _wait_for_ecs(ctx, name, good, follower)
    by_ecs = bool(deployment)
    if not by_ecs:
        deployment = await _update(ctx, name, good)
    definition = await ctx.definition(good)
    index = container_index(definition, name)
    await follow(ctx, follower, rollout_of(name, deployment, "", definition, index, stage="rollback"))
    if not by_ecs:  # where ECS goes back there is no service deployment of its own to ask for
        await confirm(ctx, name, good, began)
    return f"back on revision {good.rpartition(':')[2]}"


async def _update(ctx: Context, name: str, good: str) -> str:
    ours = ctx.deployed[name].target
    if ours == good:
        raise DeployError(
            f"{name} cannot be put back by an update",
            "the revision that was restarted is the one to go back to, and it is what fails",
            f"see `sdt show {ctx.run}`, and deploy an image that works",
        )
    return await update(ctx, "rollback", name, good, before=ours)


async def _wait_for_ecs(ctx: Context, name: str, good: str, follower: Follower) -> str:
    """Id of the deployment by which ECS goes back; empty if it does not begin one within a minute."""
    limit = ctx.clock.now() + 60
    while ctx.clock.now() < limit:
        await follower.look(ctx.service_name(name))
        found = await goes_back(ctx, name, good)
        if found:
            return found
    return ""
