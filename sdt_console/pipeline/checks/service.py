"""One service: is it there, can it be rolled out and rolled back, is its image where it should be?"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator

from sdt_console.errors import CloudError
from sdt_console.model import Finding
from sdt_console.pipeline.checks.account import Account
from sdt_console.pipeline.checks.look import Raw, Seen, definition_arn, own_container


def of_service(account: Account, name: str, raw: Raw | None, *, judged: bool = False) -> Iterator[Finding]:
    """The ECS service itself.

    :param judged: it is to be deployed, and then judged: where nothing runs that cannot be done.
    """
    ecs_name = account.catalog.ecs_service(account.environment, name)
    if raw is None or raw.get("status") != "ACTIVE":
        status = "ECS has none of that name" if raw is None else f"its status is {raw.get('status')}"
        yield Finding(
            "error",
            name,
            f"no service {ecs_name} in {account.cluster}",
            status,
            "create it, or set its state to pending in catalog.toml",
        )
        return
    controller = str((raw.get("deploymentController") or {}).get("type") or "ECS")
    policy = raw.get("deploymentConfiguration") or {}
    strategy = str(policy.get("strategy") or "ROLLING")
    if controller != "ECS":
        yield Finding(
            "error",
            name,
            f"{ecs_name} has the deployment controller {controller}",
            "sdt rolls out with ECS's own controller only",
            "create the service anew with the controller ECS, or set its state to pending in catalog.toml",
        )
    elif strategy != "ROLLING":
        yield Finding(
            "error",
            name,
            f"{ecs_name} is deployed {strategy}",
            "sdt follows and judges rolling updates only",
            "set its deployment strategy to ROLLING",
        )
    if not raw.get("desiredCount"):
        yield Finding(
            "error" if judged else "warning",
            name,
            f"{ecs_name} is scaled to 0",
            "desired is 0: nothing would run, so nothing could be judged",
            f"scale it up first, or leave it out: aws ecs update-service "
            f"--cluster {shlex.quote(account.cluster)} "
            f"--service {shlex.quote(ecs_name)} --desired-count 1",
        )


def running(account: Account, name: str, raw: Raw, seen: Seen) -> Finding:
    """One line for a service of which nothing is amiss."""
    arn = definition_arn(seen.definitions.get(name, CloudError("")))
    revision = arn.rpartition("/")[2] or "an unknown revision"
    policy = raw.get("deploymentConfiguration") or {}
    breaker = (policy.get("deploymentCircuitBreaker") or {}).get("enable")
    stops = "" if breaker else "; no circuit breaker: sdt stops a failing rollout itself"
    image = ", image in ECR" if seen.images.get(name) is True else ""
    counts = f"{raw.get('runningCount') or 0} of {raw.get('desiredCount') or 0} tasks run"
    return Finding("ok", name, f"{counts} {revision}{image}{stops}")


def of_repository(account: Account, name: str, seen: Seen) -> Iterator[Finding]:
    """The repository that the service's image is pushed to."""
    repository = account.catalog.repository(account.environment, name)
    if isinstance(seen.repositories, CloudError) or repository in seen.repositories:
        return
    yield Finding(
        "error",
        name,
        f"no ECR repository {repository} in account {account.catalog.account(account.environment)}",
        "its image could not be pushed",
        f"aws ecr create-repository --region {account.region} --repository-name {shlex.quote(repository)}",
    )


def of_image(account: Account, name: str, seen: Seen, targets: Collection[str]) -> Iterator[Finding]:
    """The image of the task definition that runs now, or of the one that will."""
    if seen.images.get(name) is not False:
        return
    definition = seen.definitions[name]
    container = None if isinstance(definition, CloudError) else own_container(definition, name)
    image = container.get("image", "") if container else ""
    digest = seen.digests.get(name)
    shown = f"{image} ({digest})" if digest and digest not in image else image
    revision = definition_arn(definition).rpartition("/")[2]
    if name in targets:
        yield Finding(
            "error",
            name,
            f"the image of {revision} is not in ECR: {shown}",
            "its tasks could not pull it",
            "choose another revision, or build and push its commit again",
        )
    else:
        yield Finding(
            "warning",
            name,
            f"the image that runs now is not in ECR: {shown}",
            f"{revision} runs, but no new task of it can start: there is no way back to it",
            "build and push its commit again, and see the repository's lifecycle policy",
        )


def of_revision(name: str, definition: Raw, targets: Collection[str]) -> Iterator[Finding]:
    """A revision that was deregistered goes on running, and can never be deployed again."""
    if str(definition.get("status") or "ACTIVE") == "ACTIVE":
        return
    revision = definition_arn(definition).rpartition("/")[2]
    if name in targets:
        what, cause = f"{revision} is deregistered", "ECS deploys active revisions only"
        yield Finding("error", name, what, cause, "choose another revision")
    else:
        what, cause = f"{revision}, which runs now, is deregistered", "there is no way back to it"
        yield Finding("warning", name, what, cause, "see who deregisters revisions that are in use")
