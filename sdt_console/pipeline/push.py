"""Push: each image under its commit's tag, its digest seen in ECR before anything deploys; ``latest``."""

from __future__ import annotations

from collections.abc import Mapping

from sdt_console.errors import BuildError, CloudError, SupersededError
from sdt_console.events import Done, Intended, Noted
from sdt_console.model import BuiltImage, EcrImage, Outcome, RegistryLogin
from sdt_console.pipeline.context import Context, Verdict, each, raise_first, step
from sdt_console.pipeline.older import commit_in
from sdt_console.text import plural

LATEST = "latest"
PUT = "ecr:PutImage"


async def push(ctx: Context, images: Mapping[str, BuiltImage], verdict: Verdict) -> None:
    """Push ``images``; ``ctx.digests`` then has the digest of every service of the plan.

    :raises BuildError: an image was not taken, or ECR does not show it; nothing has been deployed.
    """
    names = [name for name in ctx.plan.builds if ctx.past.step("push", name) is None]
    login = await ctx.ecr.login() if any(name in images for name in names) else None

    async def one(name: str) -> None:
        image = images.get(name)
        if image is None or login is None:
            await _latest(ctx, name)
            return
        async with step(ctx.emit, "push", name) as told:
            digest = await _pushed(ctx, name, image, login)
            ctx.digests[name] = digest
            await _latest(ctx, name)
            told.note = digest[:19]
            told.result = {"image": ctx.plan.images[name], "digest": digest}

    raise_first(await each(names, ctx.catalog.deploy.build_parallel, one))
    if not images:
        verdict.outcome, verdict.note = Outcome.SKIPPED, "every image is already in ECR"
    else:
        verdict.note = plural(len(images), "image") + (f" in {login.host}" if login else "")


async def _pushed(ctx: Context, name: str, image: BuiltImage, login: RegistryLogin) -> str:
    """Digest of the image in ECR; one that an earlier process of this run has pushed is not pushed again."""
    repository = ctx.catalog.repository(ctx.plan.environment, name)
    known = ctx.past.done("push", name, "push")
    if known is not None:
        await _confirm(ctx, name, str(known["digest"]))
        return str(known["digest"])
    now = await ctx.ecr.digest(repository, ctx.plan.head) or ""
    announced = ctx.past.intended("push", name, "push")
    if announced is not None and now not in ("", announced.get("before")):
        ctx.emit(Done("push", name, "push", {"digest": now, "found": True}))
        return now
    # what the tag named before: a rebuild replaces it, and has not arrived as long as that is still there
    await ctx.announce(Intended("push", name, "push", {"references": image.references, "before": now}))
    digest = await ctx.builder.push(image, login, ctx.progress("push", name))
    ctx.emit(Done("push", name, "push", {"digest": digest}))
    await _confirm(ctx, name, digest)
    return digest


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


async def _latest(ctx: Context, name: str) -> None:
    """Move ``latest`` to this run's image, in the registry: never from a newer commit's back to an older.

    :raises CloudError: ECR refused, and the environment deploys ``latest``.
    :raises SupersededError: it stays, and the environment deploys ``latest``.
    """
    repository = ctx.catalog.repository(ctx.plan.environment, name)
    digest = ctx.digests[name]
    now = await ctx.ecr.image(repository, tag=LATEST)
    if now is not None and now.digest == digest:
        return
    newer = _newer(ctx, now)
    if newer and not ctx.plan.allow_older:
        if ctx.plan.image_reference == LATEST:
            raise SupersededError(
                f"{name}: latest is of {newer[:12]}, which is newer",
                f"environment {ctx.plan.environment} deploys latest, and latest never moves backwards",
                "deploy the newer commit, or ask for this one with --allow-older",
            )
        ctx.emit(Noted(f"latest stays on {newer[:12]}, which is newer", "info", "push", name))
        return
    await ctx.announce(
        Intended("push", name, PUT, {"repository": repository, "digest": digest, "tag": LATEST})
    )
    try:
        await ctx.ecr.put_tag(repository, digest, LATEST)
    except CloudError as error:
        if ctx.plan.image_reference == LATEST:
            raise
        ctx.emit(Noted(f"latest not moved: {error.cause or error.what}", "warning", "push", name))
        return
    ctx.emit(Done("push", name, PUT, {"digest": digest}))


def _newer(ctx: Context, latest: EcrImage | None) -> str:
    """The commit of the image tagged ``latest``, if it is newer than this run's."""
    if latest is None or ctx.repo is None:
        return ""
    commit = ctx.repo.commit(commit_in(latest.tags) or "-")
    if commit and commit != ctx.plan.head and ctx.repo.is_ancestor(ctx.plan.head, commit):
        return commit
    return ""
