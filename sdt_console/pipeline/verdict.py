"""The last word on a rollout: ECS's own service deployment, where it can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdt_console.errors import DeployError, SupersededError, TimedOutError
from sdt_console.pipeline.context import Context

_SKEW_S = 300.0
"""How far this machine's clock and AWS's may be apart."""

_UNDER_WAY = ("PENDING", "IN_PROGRESS")


async def confirm(ctx: Context, name: str, target: str, since: float | None) -> None:
    """Wait until the service deployment of ``target`` is ``SUCCESSFUL``.

    ``DescribeServices`` has judged before; this catches what it does not show, such as a bake time or a
    rollback that begins after the last task is up. Where the API is not available that judgement stands.

    :param target: ARN of the task definition that was deployed.
    :param since: when the deployment was begun, seconds since the epoch; ``None`` if that is not known.
    :raises DeployError: it ended otherwise: ECS's own reason is told.
    """
    limit = ctx.clock.now() + ctx.catalog.deploy.timeout_minutes * 60
    while True:
        ours = await _ours(ctx, name, target, since)
        status = str(ours.get("status")) if ours else ""
        if ours is None or status == "SUCCESSFUL":
            return
        reason = str(ours.get("statusReason") or f"the service deployment is {status}")
        if status in ("STOP_REQUESTED", "STOPPED"):
            raise SupersededError(f"the deployment of {name} was stopped", reason, "see who, then plan again")
        if status not in _UNDER_WAY:
            raise DeployError(
                f"{name} did not stay up", reason, f"see the events of {ctx.service_name(name)}"
            )
        if ctx.clock.now() >= limit:
            told = f"{name}: its service deployment has not ended"
            raise TimedOutError(told, reason, f"see the deployments of {ctx.service_name(name)}")
        await ctx.clock.sleep(ctx.poll_seconds)


async def _ours(ctx: Context, name: str, target: str, since: float | None) -> Mapping[str, Any] | None:
    """The newest service deployment of ``target``; ``None`` where it cannot be known."""
    service = ctx.service_name(name)
    earliest = since - _SKEW_S if since is not None else None
    found = await ctx.ecs.service_deployments(ctx.plan.cluster, service, earliest)
    if found is None and ctx.ecs.deployments_unavailable:
        ctx.warn_once(f"{ctx.ecs.deployments_unavailable}: ECS's own verdict is not asked", "deploy")
    if not found:
        return None
    targets = [str(d["targetServiceRevision"]["arn"]) for d in found if d.get("targetServiceRevision")]
    revisions = {
        str(r["serviceRevisionArn"]): r.get("taskDefinition")
        for r in await ctx.ecs.service_revisions(targets)
    }
    for deployment in found:
        if revisions.get((deployment.get("targetServiceRevision") or {}).get("arn", "")) == target:
            return deployment
    return None
