"""Health: of the services of this run, are all tasks up, and does each answer over HTTP?"""

from __future__ import annotations

from urllib.parse import urlsplit

from sdt_console.errors import CloudError, DeployError
from sdt_console.events import StepProgressed
from sdt_console.model import EcsService
from sdt_console.pipeline.context import Context, Verdict, each, raise_first, step
from sdt_console.pipeline.follow import Follower
from sdt_console.text import plural

_BETWEEN_REQUESTS = 1.0


async def health(ctx: Context, verdict: Verdict) -> None:
    """Judge every service of the plan; the load balancer's address is in the stage's note.

    :raises DeployError: a service is not healthy.
    """
    host = ""
    balancer = ctx.catalog.load_balancer(ctx.plan.environment)
    if balancer and any(ctx.catalog.health_url(ctx.plan.environment, n, "x") for n in ctx.plan.services):
        host = await ctx.balancers.host(balancer) or ""
        if not host:
            raise DeployError(
                f"no load balancer {balancer}",
                "the health URL goes through it",
                "correct names.load_balancer",
            )

    live = await ctx.ecs.services(ctx.plan.cluster, [ctx.service_name(name) for name in ctx.plan.services])

    async def one(name: str) -> None:
        async with step(ctx.emit, "health", name) as told:
            await _counts(ctx, name, live.get(ctx.service_name(name)), follower)
            url = ctx.catalog.health_url(ctx.plan.environment, name, host)
            if url:
                await _answers(ctx, name, url)
                told.note = f"{ctx.catalog.health.expect} from {urlsplit(url).path}"
            else:
                told.note = "all tasks run (no health URL)"

    async with Follower(ctx.ecs, ctx.plan.cluster, ctx.clock, ctx.poll_seconds) as follower:
        failed = await each(ctx.plan.services, len(ctx.plan.services) or 1, one)
    ctx.failed |= failed.keys()
    raise_first(failed)
    verdict.note = f"{plural(len(ctx.plan.services), 'service')} healthy" + (
        f" behind {host}" if host else ""
    )


async def _counts(ctx: Context, name: str, service: EcsService | None, follower: Follower) -> None:
    """Running equals desired and is more than zero within the grace period.

    It may not for a while although nothing is wrong: somebody, or a scaling policy, has just changed the
    count, or a task is being replaced. Where nothing is meant to run there is nothing to wait for.
    """
    grace = ctx.catalog.health.grace_seconds
    limit = ctx.clock.now() + grace
    shown = ""
    while service is not None and service.desired and service.running != service.desired:
        if ctx.clock.now() >= limit:
            break
        told = f"{service.running} of {service.desired} tasks run"
        if told != shown:
            ctx.emit(StepProgressed("health", name, told, service.running, service.desired))
            shown = told
        service = await follower.look(ctx.service_name(name))
    running, desired = (service.running, service.desired) if service else (0, 0)
    if desired and running == desired:
        return
    if service is None:
        why = f"ECS has no active service {ctx.service_name(name)}"
    else:
        why = f"{grace} s grace" if desired else "desired is 0: nothing is meant to run"
    raise DeployError(
        f"{name}: {running} of {desired} tasks run",
        why,
        f"see the events of {ctx.service_name(name)} in {ctx.plan.cluster}",
    )


async def _answers(ctx: Context, name: str, url: str) -> None:
    """The URL gives the expected status several times in a row within the grace period."""
    policy = ctx.catalog.health
    limit = ctx.clock.now() + policy.grace_seconds
    good = 0
    last = ""
    while True:
        try:
            status = await ctx.http.status(url, policy.request_timeout_seconds)
            last = f"it answers {status}, not {policy.expect}"
            good = good + 1 if status == policy.expect else 0
        except CloudError as error:
            last, good = error.cause, 0
        if good >= policy.successes:
            return
        if ctx.clock.now() >= limit:
            raise DeployError(
                f"{name} is not healthy",
                f"{url}: {last} ({policy.grace_seconds} s grace)",
                f"read its log; health.grace_seconds may be too short for {name}",
            )
        if not good:
            ctx.emit(StepProgressed("health", name, last))
        await ctx.clock.sleep(min(_BETWEEN_REQUESTS, ctx.poll_seconds))
