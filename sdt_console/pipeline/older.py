"""No older commit over a newer one: what runs is compared with what would replace it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable

from sdt_console.errors import SupersededError
from sdt_console.events import Noted
from sdt_console.model import EcrImage
from sdt_console.pipeline.context import Context
from sdt_console.pipeline.task_definition import container_index, image_parts

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


async def refuse_older(ctx: Context) -> None:
    """Refuse a plan that would put an older commit over a newer one, unless it was asked for.

    By the commits' history where the repository has both; else by when the images were pushed. Ways back to
    an earlier revision (``plan.targets``) are older on purpose.

    :raises SupersededError: with every service that runs something newer.
    """
    names = [name for name in ctx.plan.services if name not in ctx.plan.targets]
    found = await asyncio.gather(*(_newer(ctx, name) for name in names if name not in ctx.changed))
    newer = [sentence for sentence in found if sentence]
    if newer and ctx.plan.allow_older:
        for sentence in newer:
            ctx.emit(Noted(f"{sentence}; deployed all the same, as asked", "warning", "preflight"))
    elif newer:
        raise SupersededError(
            f"{newer[0]}, which is newer than what would be deployed",
            "an older commit is not deployed over a newer one",
            "nothing was changed; deploy the newer commit, or ask for it with --allow-older",
            evidence=tuple(newer[1:]),
        )


async def _newer(ctx: Context, name: str) -> str:
    """What ``name`` runs, if that is newer than what the plan would deploy; else empty."""
    definition = await ctx.definition(str(ctx.plan.before[name]))
    running = str(definition["containerDefinitions"][container_index(definition, name)].get("image", ""))
    _, wanted, _ = image_parts(ctx.plan.images[name])
    wanted = ctx.plan.head if wanted == "latest" and ctx.plan.head else wanted
    repository = ctx.catalog.repository(ctx.plan.environment, name)
    runs = await commit_of(ctx, repository, running)
    if runs == wanted:
        return ""
    if ctx.repo is not None and runs:
        one, other = ctx.repo.commit(wanted), ctx.repo.commit(runs)
        if one and other:
            return f"{name} runs {runs[:12]}" if one != other and ctx.repo.is_ancestor(one, other) else ""
    return await _pushed_later(ctx, name, repository, running, wanted)


async def _pushed_later(ctx: Context, name: str, repository: str, running: str, wanted: str) -> str:
    if name in ctx.plan.builds:
        return ""  # its image is yet to be built
    now = await image_of(ctx, repository, running)
    then = await ctx.ecr.image(repository, tag=wanted)
    if now is None or then is None or now.digest == then.digest or now.pushed_at <= then.pushed_at:
        return ""
    return f"{name} runs an image pushed later ({', '.join(now.tags) or now.digest[:19]})"


async def image_of(ctx: Context, repository: str, reference: str) -> EcrImage | None:
    """The image in ECR that a task definition's reference names; ``None`` for one of another repository."""
    path, tag, digest = image_parts(reference)
    if not path.endswith(f"/{repository}"):
        return None
    return await ctx.ecr.image(repository, digest=digest, tag="" if digest else tag)


async def commit_of(ctx: Context, repository: str, reference: str) -> str:
    """The commit that an image was built from, by its tags; empty if they do not tell."""
    _, tag, digest = image_parts(reference)
    if not digest and _COMMIT.fullmatch(tag):
        return tag
    image = await image_of(ctx, repository, reference)
    return commit_in(image.tags) if image else ""


def commit_in(tags: Iterable[str]) -> str:
    """The tag that is a commit's id; empty if there is none."""
    return next((tag for tag in tags if _COMMIT.fullmatch(tag)), "")
