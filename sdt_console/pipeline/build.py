"""Build: one image a service, from the exported source of the run's head commit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from sdt_console.errors import BuildError
from sdt_console.events import Done, Intended
from sdt_console.model import BuildOrder, BuiltImage, Outcome
from sdt_console.pipeline.context import Context, Verdict, each, raise_first, step
from sdt_console.text import plural, size


async def build(ctx: Context, source: Path, verdict: Verdict) -> dict[str, BuiltImage]:
    """Build what is not yet in ECR under the commit's tag; those that are have their digest in ``ctx``.

    A service waits for those of the plan that it builds after. What an earlier process of this run has built
    is taken as it is, if the builder still holds it.

    :returns: the images to push, by service.
    :raises BuildError: an image could not be built; nothing has been pushed.
    """
    images: dict[str, BuiltImage] = {}
    finished = {name: asyncio.Event() for name in ctx.plan.builds}
    labels = _labels(ctx)

    async def one(name: str) -> None:
        try:
            for earlier in ctx.catalog.by_name[name].build_after:
                if earlier in finished:
                    await finished[earlier].wait()
                    if earlier not in images and earlier not in ctx.digests:
                        return  # it failed, or was not begun; the run ends with its failure
            kept = await held(ctx, name)
            if kept is not None:
                images[name] = kept
                return
            async with step(ctx.emit, "build", name) as told:
                image = await _one(ctx, name, source, labels, told)
                if image is not None:
                    images[name] = image
        finally:
            finished[name].set()

    raise_first(await each(ctx.plan.builds, ctx.catalog.deploy.build_parallel, one))
    kept = len(ctx.plan.builds) - len(images)
    verdict.note = f"{plural(len(images), 'image')} by {ctx.builder.name}" + (
        f", {kept} already in ECR" if kept else ""
    )
    return images


async def held(ctx: Context, name: str) -> BuiltImage | None:
    """The image that an earlier process of this run has built, if it is still there."""
    built = ctx.past.done("build", name, "build")
    if built is None:
        return None
    image = BuiltImage(
        service=name,
        image_id=str(built["image_id"]),
        size=int(built["size"]),
        references=tuple(built["references"]),
        store=str(built.get("store", "")),
        log=str(built.get("log", "")),
    )
    return image if await ctx.builder.has(image) else None


async def _one(
    ctx: Context, name: str, source: Path, labels: Mapping[str, str], told: Verdict
) -> BuiltImage | None:
    repository = ctx.catalog.repository(ctx.plan.environment, name)
    present = None if ctx.plan.rebuild else await ctx.ecr.digest(repository, ctx.plan.head)
    if present is not None:
        ctx.digests[name] = present
        told.outcome, told.note = Outcome.SKIPPED, "already in ECR under this commit"
        told.result = {"image": ctx.plan.images[name], "digest": present}
        return None
    order = _order(ctx, name, source, labels)
    ctx.emit(Intended("build", name, "build", {"dockerfile": order.dockerfile, "tags": order.references}))
    image = await ctx.builder.build(order, ctx.progress("build", name))
    ctx.emit(
        Done(
            "build",
            name,
            "build",
            {
                "image_id": image.image_id,
                "size": image.size,
                "references": image.references,
                "store": image.store,
                "log": image.log,
            },
        )
    )
    told.note = size(image.size)
    told.result = {"image": order.references[0]}
    return image


def _order(ctx: Context, name: str, source: Path, labels: Mapping[str, str]) -> BuildOrder:
    service = ctx.catalog.by_name[name]
    context = source / ctx.catalog.context(service)
    dockerfile = source / ctx.catalog.dockerfile(service)
    if not dockerfile.is_relative_to(context):
        raise BuildError(
            f"{name} cannot be built",
            f"its Dockerfile {ctx.catalog.dockerfile(service)} is outside its build context",
            "correct dockerfile or context in catalog.toml",
        )
    uri = ctx.plan.images[name].rpartition(":")[0]
    return BuildOrder(
        service=name,
        context=context,
        dockerfile=dockerfile.relative_to(context).as_posix(),
        build_args=ctx.catalog.build_args(service) | ctx.build_args,
        labels={**labels, "org.opencontainers.image.title": name},
        references=(f"{uri}:{ctx.plan.head}",),
    )


def _labels(ctx: Context) -> dict[str, str]:
    """What every image of the run says of where it comes from."""
    labels = {"org.opencontainers.image.revision": ctx.plan.head, "sdt.run": ctx.run}
    url = ctx.repo.source() if ctx.repo is not None else ""
    return labels | ({"org.opencontainers.image.source": url} if url else {})
