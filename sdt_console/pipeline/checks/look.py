"""One look at all that a run rests on: a few rounds of calls, those of a round side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sdt_console.errors import CloudError, DeployError
from sdt_console.model import SecretState
from sdt_console.named import log_groups, secrets
from sdt_console.pipeline.checks.account import Account, tried
from sdt_console.pipeline.task_definition import container_index

Raw = Mapping[str, Any]


@dataclass
class Seen:
    """What was read; a :class:`CloudError` stands for what could not be.

    :param services: service → as ``DescribeServices`` answers it; ``None`` if ECS has none of its name.
    :param definitions: service → the task definition that is deployed or will be.
    :param repositories: repository name → URI.
    :param images: service → whether the image of its task definition is in ECR; not those from elsewhere.
    :param digests: service → digest that its tasks run, where ECS tells it.
    :param secrets: ARN → the secret; ``None`` if there is none.
    :param parameters: names of the parameters that exist, of those asked for.
    :param groups: names of the log groups that exist, of those asked for.
    :param balancer: host of the load balancer; ``None`` if there is none, empty if none is needed.
    """

    cluster: str | CloudError | None = None
    services: dict[str, Raw | None] | CloudError = field(default_factory=dict)
    definitions: dict[str, Raw | CloudError] = field(default_factory=dict)
    repositories: dict[str, str] | CloudError = field(default_factory=dict)
    images: dict[str, bool | CloudError] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, SecretState | CloudError | None] = field(default_factory=dict)
    parameters: frozenset[str] | CloudError = frozenset()
    groups: frozenset[str] | CloudError = frozenset()
    balancer: str | CloudError | None = ""


async def look(
    account: Account,
    services: Sequence[str],
    built: Iterable[str] = (),
    targets: Mapping[str, str] | None = None,
) -> Seen:
    """Read what ``services`` rest on.

    :param built: services whose repository is needed as well, deployed or not.
    :param targets: service → ARN of the task definition to look at instead of the one that runs.
    """
    seen = Seen()
    repositories = [
        account.catalog.repository(account.environment, name) for name in dict.fromkeys([*services, *built])
    ]
    seen.cluster, seen.services, seen.repositories, seen.balancer = await asyncio.gather(
        tried(account.ecs.cluster_status(account.cluster)) if services else _nothing("ACTIVE"),
        tried(_services(account, services)),
        tried(account.ecr.repositories(repositories)),
        tried(_balancer(account, services)),
    )
    if isinstance(seen.services, CloudError):
        return seen
    there = {name: raw for name, raw in seen.services.items() if raw and raw.get("status") == "ACTIVE"}
    named = {n: (targets or {}).get(n) or str(raw.get("taskDefinition", "")) for n, raw in there.items()}
    wanted = {name: reference for name, reference in named.items() if reference}
    revisions, *definitions = await asyncio.gather(
        tried(account.ecs.revisions(_revision_arns(there.values()))),
        *(tried(account.ecs.task_definition(reference)) for reference in wanted.values()),
    )
    seen.definitions = dict(zip(wanted, definitions, strict=True))
    if not isinstance(revisions, CloudError):
        seen.digests = _digests(there, seen.definitions, revisions)
    await _round_of_names(account, seen)
    return seen


async def _nothing(value: str) -> str:
    return value


async def _services(account: Account, names: Sequence[str]) -> dict[str, Raw | None]:
    ecs_names = {name: account.catalog.ecs_service(account.environment, name) for name in names}
    found = await account.ecs.described(account.cluster, list(ecs_names.values())) if names else {}
    return {name: found.get(ecs_name) for name, ecs_name in ecs_names.items()}


async def _balancer(account: Account, services: Sequence[str]) -> str | None:
    name = account.catalog.load_balancer(account.environment)
    asked = any(account.catalog.health_url(account.environment, service, "x") for service in services)
    return await account.balancers.host(name) if name and asked else ""


async def _round_of_names(account: Account, seen: Seen) -> None:
    """The last round: what the task definitions name."""
    definitions = [d for d in seen.definitions.values() if not isinstance(d, CloudError)]
    named = {secret.source: secret for definition in definitions for secret in secrets(definition)}
    home = [s for s in named.values() if s.region in ("", account.region)]
    arns = sorted({secret.arn for secret in home if secret.arn})
    parameters = sorted({name for secret in home if not secret.arn for name in secret.parameters})
    groups = sorted({g.name for d in definitions for g in log_groups(d) if g.region in ("", account.region)})
    places = dict(_places(account, seen))
    seen.parameters, seen.groups, answers, images = await asyncio.gather(
        tried(account.secrets.parameters(parameters)),
        tried(account.logs.groups(groups)),
        asyncio.gather(*(tried(account.secrets.secret(arn)) for arn in arns)),
        asyncio.gather(*(tried(account.ecr.has(*place)) for place in places.values())),
    )
    seen.secrets = dict(zip(arns, answers, strict=True))
    seen.images = dict(zip(places, images, strict=True))


def _revision_arns(services: Iterable[Raw]) -> list[str]:
    return [str(r["arn"]) for service in services for r in service.get("currentServiceRevisions", ())]


def _digests(
    services: Mapping[str, Raw], definitions: Mapping[str, Raw | CloudError], revisions: Mapping[str, Raw]
) -> dict[str, str]:
    """Service → digest of its own container in the revision that is deployed."""
    found = {}
    for name, definition in definitions.items():
        raw = services[name]
        container = None if isinstance(definition, CloudError) else own_container(definition, name)
        for item in raw.get("currentServiceRevisions", ()):
            revision = revisions.get(str(item["arn"]), {})
            if container is None or revision.get("taskDefinition") != definition_arn(definition):
                continue
            for image in revision.get("containerImages", ()):
                if image.get("containerName") == container.get("name") and image.get("imageDigest"):
                    found[name] = str(image["imageDigest"])
    return found


def _places(account: Account, seen: Seen) -> Iterable[tuple[str, tuple[str, str]]]:
    """Service → repository, and digest or tag of its image, for images in the catalog's repository."""
    for name, definition in seen.definitions.items():
        if isinstance(definition, CloudError) or isinstance(seen.repositories, CloudError):
            continue
        repository = account.catalog.repository(account.environment, name)
        uri, container = seen.repositories.get(repository), own_container(definition, name)
        reference = str(container.get("image", "")) if container else ""
        if not uri or not reference.startswith((f"{uri}:", f"{uri}@")):
            continue
        tag, _, digest = reference[len(uri) :].removeprefix(":").partition("@")
        yield name, (repository, digest or seen.digests.get(name) or tag)


def own_container(definition: Raw, service: str) -> Raw | None:
    """The container that is the service's own; ``None`` if that cannot be told."""
    try:
        container: Raw = definition["containerDefinitions"][container_index(definition, service)]
    except DeployError:
        return None
    return container


def definition_arn(definition: Raw | CloudError) -> str:
    return "" if isinstance(definition, CloudError) else str(definition.get("taskDefinitionArn", ""))
