"""Which image a service's tasks really run: digests, not tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sdt_console.errors import DeployError
from sdt_console.pipeline.context import Context
from sdt_console.pipeline.task_definition import image_parts

_LOOKS = 5


async def runs_already(ctx: Context, name: str, container: str) -> bool:
    """Whether tasks run and all of them have the digest to be deployed, as far as that is known."""
    running = await _digests(ctx, name, container)
    wanted = ctx.digests.get(name)
    return bool(running) and (wanted is None or set(running) == {wanted})


async def same_image(ctx: Context, name: str, container: Mapping[str, Any], image: str) -> str:
    """The reference under which the service runs already what ``image`` is, such as ``tag abc``; else empty.

    Only where that reference is as good as the policy's own: a commit's tag or a digest in place of a
    commit's tag. ``latest`` moves, and where the policy is ``latest`` or ``digest`` its form is what was
    asked for.

    :param container: as in the task definition that is deployed now.
    """
    path, tag, digest = image_parts(str(container.get("image", "")))
    if ctx.plan.image_reference != "commit" or path != image_parts(image)[0]:
        return ""
    if ctx.digests.get(name) is None or (not digest and tag in ("", "latest")):
        return ""
    if not await runs_already(ctx, name, str(container.get("name"))):
        return ""
    return f"digest {digest[:19]}" if digest else f"tag {tag}"


async def prove_running(ctx: Context, name: str, deployment: str, container: str) -> None:
    """The tasks of our deployment run the digest that was pushed, or is in the registry.

    :raises DeployError: one of them runs something else, or there is none although some are meant to run.
    """
    wanted = ctx.digests.get(name)
    found: Sequence[str] = ()
    for _ in range(_LOOKS):
        found = await _digests(ctx, name, container, deployment)
        if found and all(found):
            break
        if not found and (await ctx.live(name)).desired == 0:
            return
        await ctx.clock.sleep(ctx.poll_seconds)
    if not found:
        raise DeployError(
            f"{name}: no task of the new deployment runs",
            "its rollout was a success, and ECS lists no task that it has started",
            f"see the tasks of {ctx.service_name(name)} in {ctx.plan.cluster}",
        )
    if wanted is None:
        if len(set(found)) == 1:
            ctx.digests[name] = found[0]
        return
    wrong = [digest or "unknown" for digest in found if digest != wanted]
    if wrong:
        raise DeployError(
            f"{name} runs another image than the one pushed",
            f"pushed {wanted}, a task runs {wrong[0]}",
            'see who moved the tag between push and deploy; consider image_reference = "digest"',
        )


async def _digests(ctx: Context, name: str, container: str, deployment: str = "") -> list[str]:
    """Digest of ``container`` in each task meant to run; an empty string where ECS does not know it yet."""
    tasks = await ctx.ecs.tasks(ctx.plan.cluster, ctx.service_name(name))
    return [
        str(c.get("imageDigest") or "")
        for task in tasks
        if not deployment or task.get("startedBy") == deployment
        for c in task.get("containers", ())
        if c.get("name") == container
    ]
