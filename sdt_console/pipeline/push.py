"""Push: both tags of every image, and each digest seen in ECR before anything deploys."""

from __future__ import annotations

from collections.abc import Mapping

from sdt_console.errors import BuildError
from sdt_console.events import Done, Intended
from sdt_console.model import BuiltImage, Outcome
from sdt_console.pipeline.context import Context, Verdict, each, raise_first, step
from sdt_console.text import plural


async def push(ctx: Context, images: Mapping[str, BuiltImage], verdict: Verdict) -> None:
    """Push ``images``; ``ctx.digests`` then has the digest of every service of the plan.

    :raises BuildError: an image was not taken, or ECR does not show it; nothing has been deployed.
    """
    if not images:
        verdict.outcome, verdict.note = Outcome.SKIPPED, "every image is already in ECR"
        return
    login = await ctx.ecr.login()

    async def one(name: str) -> None:
        async with step(ctx.emit, "push", name) as told:
            image = images[name]
            ctx.emit(Intended("push", name, "push", {"references": image.references}))
            digest = await ctx.builder.push(image, login, ctx.progress("push", name))
            ctx.emit(Done("push", name, "push", {"digest": digest}))
            await _confirm(ctx, name, digest)
            ctx.digests[name] = digest
            told.note = digest[:19]
            told.result = {"image": ctx.plan.images[name], "digest": digest}

    raise_first(await each(images, ctx.catalog.deploy.build_parallel, one))
    verdict.note = f"{plural(len(images), 'image')} in {login.host}"


async def _confirm(ctx: Context, name: str, digest: str) -> None:
    """ECR shows the digest under the commit's tag; it may take a moment after the push."""
    repository = ctx.catalog.repository(ctx.plan.environment, name)
    seen: str | None = None
    for _ in range(5):
        seen = await ctx.ecr.digest(repository, ctx.plan.head)
        if seen == digest:
            return
        await ctx.clock.sleep(1.0)
    raise BuildError(
        f"{name}: the pushed image is not what ECR shows",
        f"pushed {digest}, ECR shows {seen or 'no image'} under tag {ctx.plan.head}",
        "see who else pushes this tag; with immutable tags, push a new commit",
    )
