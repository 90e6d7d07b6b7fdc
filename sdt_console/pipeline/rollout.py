"""One rollout, followed to its verdict: success by its own deployment, failure at the first sure sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdt_console.errors import DeployError, SupersededError, TimedOutError
from sdt_console.events import StepProgressed
from sdt_console.model import EcsService
from sdt_console.pipeline.context import Context
from sdt_console.pipeline.follow import Follower, Sight, State, judge
from sdt_console.pipeline.symptoms import Symptoms


@dataclass(frozen=True)
class Rollout:
    """What is followed.

    :param deployment: id of our deployment, ``ecs-svc/…``.
    :param before: ARN of the task definition that ran before; empty for a rollback.
    :param container: name of the service's own container.
    :param log_group: where that container logs; empty if it is not known.
    :param log_prefix: its stream prefix.
    :param stage: the stage that follows it.
    """

    name: str
    deployment: str
    before: str
    container: str
    log_group: str = ""
    log_prefix: str = ""
    stage: str = "deploy"


def rollout_of(
    name: str,
    deployment: str,
    before: str,
    definition: Mapping[str, Any],
    index: int,
    stage: str = "deploy",
) -> Rollout:
    """The rollout of ``definition``, whose container ``index`` is the service's own."""
    container = definition["containerDefinitions"][index]
    options = (container.get("logConfiguration") or {}).get("options") or {}
    return Rollout(
        name,
        deployment,
        before,
        str(container.get("name", name)),
        str(options.get("awslogs-group", "")),
        str(options.get("awslogs-stream-prefix", "")),
        stage,
    )


async def follow(ctx: Context, follower: Follower, rollout: Rollout) -> None:
    """Until the rollout has succeeded.

    :raises DeployError: it failed, or surely will: with the cause by the runbook, and what it was read from.
    :raises SupersededError: another deployment took its place.
    :raises TimedOutError: it took longer than the catalog allows.
    """
    limit = ctx.clock.now() + ctx.catalog.deploy.timeout_minutes * 60
    symptoms = Symptoms(ctx, rollout.name, rollout.deployment, rollout.container)
    shown: Sight | None = None
    while True:
        service = await follower.look(ctx.service_name(rollout.name))
        sight = judge(service, rollout.deployment, rollout.before)
        if sight.state is State.SUPERSEDED:
            told = f"{rollout.name} was deployed by someone else"
            raise SupersededError(told, sight.reason, "see who, then plan again")
        if sight.state is State.FAILED:
            raise await _failed(ctx, symptoms, rollout, service, sight.reason)
        if await symptoms.hopeless(service, done=sight.state is State.SUCCEEDED):
            raise await _failed(ctx, symptoms, rollout, service, "")
        if sight.state is State.SUCCEEDED:
            return
        if ctx.clock.now() >= limit:
            raise await _too_long(ctx, symptoms, rollout, service)
        if sight != shown:
            note = f"rolling out {sight.running}/{sight.desired}"
            ctx.emit(StepProgressed(rollout.stage, rollout.name, note, sight.running, sight.desired))
            shown = sight


async def _failed(
    ctx: Context, symptoms: Symptoms, rollout: Rollout, service: EcsService | None, reason: str
) -> DeployError:
    found = await symptoms.told(service, rollout.log_group, rollout.log_prefix)
    return DeployError(
        f"{rollout.name} did not come up",
        found.cause or reason,
        found.next or f"see the events of {ctx.service_name(rollout.name)} in {ctx.plan.cluster}",
        found.evidence,
    )


async def _too_long(
    ctx: Context, symptoms: Symptoms, rollout: Rollout, service: EcsService | None
) -> TimedOutError:
    found = await symptoms.told(service, rollout.log_group, rollout.log_prefix)
    return TimedOutError(
        f"{rollout.name}: not stable within {ctx.catalog.deploy.timeout_minutes} min",
        found.cause,
        found.next or f"see the events of {ctx.service_name(rollout.name)} in {ctx.plan.cluster}",
        found.evidence,
    )
