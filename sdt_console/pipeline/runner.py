"""The runner: the stages in their order, and what becomes of a run when one of them fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sdt_console.errors import CloudError, DeployError, JournalError, SdtError
from sdt_console.events import Noted, RunFinished
from sdt_console.model import BuiltImage, Failure, Outcome
from sdt_console.pipeline.build import build, held
from sdt_console.pipeline.context import Context, Verdict, in_thread, outcome_of, stage
from sdt_console.pipeline.deploy import deploy
from sdt_console.pipeline.gate import gate
from sdt_console.pipeline.health import health
from sdt_console.pipeline.nothing import is_empty, nothing_to_do
from sdt_console.pipeline.older import refuse_older
from sdt_console.pipeline.past import again
from sdt_console.pipeline.preflight import preflight
from sdt_console.pipeline.push import push
from sdt_console.pipeline.rollback import RollbackError, rollback

EXIT_DEFECT = 3
EXIT_INTERRUPTED = 130


async def walk(ctx: Context, first: Sequence[Noted] = ()) -> RunFinished:
    """Walk the plan; every way this ends is one event, which is yet to be recorded.

    A run that was cut off is walked again from its beginning: what its journal has as done is left out.

    :param first: what is told before.
    """
    try:
        for note in first:
            ctx.emit(note)
        return await _walk(ctx)
    except JournalError as error:
        return _cut_off(ctx, error)
    except Exception as defect:
        told = Failure("a defect in sdt", type(defect).__name__, (), _left(ctx))
        with suppress(JournalError):
            ctx.emit(RunFinished(Outcome.FAILED, EXIT_DEFECT, told))
        raise


async def _walk(ctx: Context) -> RunFinished:
    if is_empty(ctx.plan):
        return nothing_to_do(ctx.emit)
    missing = [name for name in ctx.plan.services if ctx.plan.before.get(name) is None]
    if missing:
        return _not_in_ecs(ctx, missing)
    try:
        await _stage(ctx, "preflight", _preflight)
        await _gate_build_push(ctx)
    except SdtError as error:
        return _cut_off(ctx, error) if error.resumable or ctx.changed else ended_early(error)
    except asyncio.CancelledError:
        return _interrupted(ctx)
    deployed = False
    try:
        await _stage(ctx, "deploy", deploy)
        deployed = True
        await _stage(ctx, "health", health)
    except SdtError as error:
        if deployed and not error.resumable and ctx.failed and ctx.failed.isdisjoint(ctx.changed):
            return _others_unwell(ctx, error)
        return await _put_back(ctx, error)
    except asyncio.CancelledError:
        return _interrupted(ctx)
    return RunFinished(Outcome.SUCCEEDED, 0)


async def _stage(ctx: Context, name: str, work: Callable[[Context, Verdict], Awaitable[None]]) -> None:
    """One stage of the plan, unless an earlier process has brought it to its end: then with that end."""
    if name not in ctx.plan.stages and name != "preflight":
        return
    ended = ctx.past.stage(name)
    if ended is not None and ended.failure is not None:
        raise again(name, ended.outcome, ended.failure)
    if ended is None:
        async with stage(ctx.emit, name) as verdict:
            await work(ctx, verdict)


async def _preflight(ctx: Context, verdict: Verdict) -> None:
    ctx.know(await preflight(ctx.account, ctx.plan, ctx.emit, verdict))
    await refuse_older(ctx)


async def _gate_build_push(ctx: Context) -> None:
    """What needs the source; nothing of it where an earlier process has pushed all images."""
    if not {"gate", "build", "push"} & set(ctx.plan.stages) or ctx.past.stage("push") is not None:
        ended = ctx.past.stage("push")
        if ended is not None and ended.failure is not None:
            raise again("push", ended.outcome, ended.failure)
        return
    if ctx.repo is None:
        raise CloudError("no repository to build from", next="name it with --repo DIR")
    with TemporaryDirectory(prefix="sdt-source-") as folder:
        source = Path(folder)
        await in_thread(ctx.repo.export, ctx.plan.head, source)
        images: dict[str, BuiltImage] = {}

        async def gates(ctx: Context, verdict: Verdict) -> None:
            await gate(ctx, source, verdict)

        async def builds(ctx: Context, verdict: Verdict) -> None:
            images.update(await build(ctx, source, verdict))

        async def pushes(ctx: Context, verdict: Verdict) -> None:
            await push(ctx, images, verdict)

        await _stage(ctx, "gate", gates)
        await _built(ctx, images, builds)
        await _stage(ctx, "push", pushes)


async def _built(
    ctx: Context, images: dict[str, BuiltImage], work: Callable[[Context, Verdict], Awaitable[None]]
) -> None:
    """The build stage; begun again after its end only for images that the builder has lost since."""
    ended = ctx.past.stage("build")
    if ended is None or ended.failure is not None:
        await _stage(ctx, "build", work)
        return
    for name in ctx.plan.builds:
        if name not in ctx.digests:
            image = await held(ctx, name)
            if image is None:
                break
            images[name] = image
    else:
        return
    images.clear()
    async with stage(ctx.emit, "build") as verdict:
        await work(ctx, verdict)


async def _put_back(ctx: Context, error: SdtError) -> RunFinished:
    """After a failed deploy or health check: roll back, and say how it ended.

    What was only cut off is not rolled back: nothing is known to be wrong with it.
    """
    if error.resumable:
        return _cut_off(ctx, error)
    if outcome_of(error) is Outcome.REFUSED and not ctx.changed:
        return RunFinished(Outcome.REFUSED, error.exit_code, error.failure())
    try:
        done = await rollback(ctx, frozenset(ctx.failed))
    except RollbackError as left:
        told = Failure(left.what, left.cause, (*left.evidence, f"after: {_sentence(error)}"), left.next)
        return RunFinished(Outcome.ROLLBACK_FAILED, left.exit_code, told)
    except asyncio.CancelledError:
        return _interrupted(ctx)
    if ctx.plan.targets and not ctx.plan.force:
        return _no_way_back(ctx, error, done=done)
    if outcome_of(error) is Outcome.FAILED and done:
        return RunFinished(Outcome.ROLLED_BACK, DeployError.exit_code, error.failure())
    return RunFinished(outcome_of(error), error.exit_code, error.failure())


def _no_way_back(ctx: Context, error: SdtError, *, done: bool) -> RunFinished:
    """A rollback that was asked for did not succeed, whatever its services run now."""
    if outcome_of(error) is Outcome.REFUSED:
        return RunFinished(Outcome.REFUSED, error.exit_code, error.failure())
    names = ", ".join(ctx.changed)
    state = f"{names}: again on what ran before" if done else f"{names}: not put back"
    told = Failure(error.what, error.cause, (*error.evidence, state), error.next)
    return RunFinished(Outcome.ROLLBACK_FAILED, RollbackError.exit_code, told)


def _others_unwell(ctx: Context, error: SdtError) -> RunFinished:
    """Only services that this run has left as they were are not healthy: nothing of it need go back."""
    kept = f"{', '.join(ctx.changed)}: healthy, and left on the new revision" if ctx.changed else ""
    told = Failure(error.what, error.cause, (*error.evidence, *filter(None, [kept])), error.next)
    return RunFinished(outcome_of(error), error.exit_code, told)


def _sentence(error: SdtError) -> str:
    return f"{error.what}: {error.cause}" if error.cause else error.what


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


def _cut_off(ctx: Context, error: SdtError) -> RunFinished:
    """The run can be gone on with, once its error has passed; ECS goes on by itself meanwhile."""
    changed = ", ".join(ctx.changed)
    left = f"ECS goes on unattended with {changed}: updated, and not judged" if changed else ""
    told = Failure(error.what, error.cause, error.evidence, "; ".join(filter(None, (ctx.go_on(error), left))))
    return RunFinished(outcome_of(error), error.exit_code, told)


def _interrupted(ctx: Context) -> RunFinished:
    told = Failure("the run was interrupted", "asked to stop", (), _left(ctx))
    return RunFinished(Outcome.INTERRUPTED, EXIT_INTERRUPTED, told)


def _left(ctx: Context) -> str:
    again = f"`sdt resume {ctx.run}` goes on"
    if not ctx.changed:
        return f"no service was updated; {again}"
    return f"look at {', '.join(ctx.changed)}: updated, and not judged; {again}"
