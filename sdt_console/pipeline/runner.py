"""The runner: the stages in their order, and what becomes of a run when one of them fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from sdt_console.errors import CloudError, DeployError, SdtError
from sdt_console.events import Noted, RunFinished
from sdt_console.model import Failure, Outcome
from sdt_console.pipeline.build import build
from sdt_console.pipeline.context import Context, in_thread, outcome_of, stage
from sdt_console.pipeline.deploy import deploy
from sdt_console.pipeline.gate import gate
from sdt_console.pipeline.health import health
from sdt_console.pipeline.push import push
from sdt_console.pipeline.rollback import RollbackError, rollback

EXIT_DEFECT = 3
EXIT_INTERRUPTED = 130


async def walk(ctx: Context) -> RunFinished:
    """Walk the plan; every way this ends is one event.

    :returns: that event, recorded already.
    """
    try:
        finished = await _walk(ctx)
    except Exception as defect:
        told = Failure("a defect in sdt", type(defect).__name__, (), _left(ctx))
        ctx.emit(RunFinished(Outcome.FAILED, EXIT_DEFECT, told))
        raise
    ctx.emit(finished)
    return finished


async def _walk(ctx: Context) -> RunFinished:
    if not ctx.plan.builds:
        ctx.emit(Noted("no service changed: nothing to build or deploy"))
        return RunFinished(Outcome.NOTHING_TO_DO, 0)
    missing = [name for name in ctx.plan.services if ctx.plan.before.get(name) is None]
    if missing:
        return _not_in_ecs(ctx, missing)
    try:
        await _build_and_push(ctx)
    except SdtError as error:
        return ended_early(error)
    except asyncio.CancelledError:
        return _interrupted(ctx)
    try:
        async with stage(ctx.emit, "deploy") as verdict:
            await deploy(ctx, verdict)
        async with stage(ctx.emit, "health") as verdict:
            await health(ctx, verdict)
    except SdtError as error:
        return await _put_back(ctx, error)
    except asyncio.CancelledError:
        return _interrupted(ctx)
    return RunFinished(Outcome.SUCCEEDED, 0)


async def _build_and_push(ctx: Context) -> None:
    with TemporaryDirectory(prefix="sdt-source-") as folder:
        source = Path(folder)
        await in_thread(ctx.repo.export, ctx.plan.head, source)
        async with stage(ctx.emit, "gate") as verdict:
            await gate(ctx, source, verdict)
        async with stage(ctx.emit, "build") as verdict:
            images = await build(ctx, source, verdict)
        async with stage(ctx.emit, "push") as verdict:
            await push(ctx, images, verdict)


async def _put_back(ctx: Context, error: SdtError) -> RunFinished:
    """After a failed deploy or health check: roll back, and say how it ended."""
    if outcome_of(error) is Outcome.REFUSED and not ctx.changed:
        return RunFinished(Outcome.REFUSED, error.exit_code, error.failure())
    try:
        done = await rollback(ctx, frozenset(ctx.failed))
    except RollbackError as left:
        told = Failure(left.what, left.cause, (*left.evidence, f"after: {error}"), left.next)
        return RunFinished(Outcome.ROLLBACK_FAILED, left.exit_code, told)
    except asyncio.CancelledError:
        return _interrupted(ctx)
    if outcome_of(error) is Outcome.FAILED and done:
        return RunFinished(Outcome.ROLLED_BACK, DeployError.exit_code, error.failure())
    return RunFinished(outcome_of(error), error.exit_code, error.failure())


def _not_in_ecs(ctx: Context, missing: list[str]) -> RunFinished:
    """Known before anything is built: what would be deployed has nowhere to go."""
    names = [ctx.service_name(name) for name in missing]
    told = Failure(
        f"no service {names[0]} in {ctx.plan.cluster}",
        "the catalog names it and ECS has none active of that name",
        tuple(f"nor {name}" for name in names[1:]),
        "create it, or set its state to pending in catalog.toml",
    )
    return RunFinished(Outcome.FAILED, CloudError.exit_code, told)


def ended_early(error: BaseException) -> RunFinished:
    """How a run ends that was stopped, or failed, before it had a plan: nothing was changed."""
    if isinstance(error, SdtError):
        return RunFinished(outcome_of(error), error.exit_code, error.failure())
    told = Failure("the run was interrupted", "asked to stop", (), "nothing was changed; run again")
    return RunFinished(Outcome.INTERRUPTED, EXIT_INTERRUPTED, told)


def _interrupted(ctx: Context) -> RunFinished:
    told = Failure("the run was interrupted", "asked to stop", (), _left(ctx))
    return RunFinished(Outcome.INTERRUPTED, EXIT_INTERRUPTED, told)


def _left(ctx: Context) -> str:
    if not ctx.changed:
        return "no service was updated; run again"
    return f"look at {', '.join(ctx.changed)}: updated, and not judged; then run again"
