"""The last revision of a service that is known to be good, and whose image is still there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sdt_console.catalog.model import Catalog
from sdt_console.errors import CloudError, UsageError
from sdt_console.model import EcrImage, Outcome, RunState
from sdt_console.pipeline.ports import Ecr, Ecs
from sdt_console.pipeline.task_definition import container_index, image_parts

_SUCCESSFUL = "SUCCESSFUL"


@dataclass(frozen=True)
class Good:
    """A revision to go back to.

    :param task_definition: its ARN.
    :param image: the image reference in it.
    :param digest: that image's digest in the registry; empty if it is in another registry.
    """

    task_definition: str
    image: str
    digest: str = ""


@dataclass(frozen=True)
class Seen:
    """A revision that once ran well; ``digest`` is what it ran then, empty if that is not known."""

    task_definition: str
    digest: str = ""


@dataclass(frozen=True)
class Memory:
    """What our own runs know of revisions; of two runs that judged the same one, the newer counts.

    :param good: service → revisions that came up and were healthy, newest first.
    :param rejected: service → ARN of one that was not → by which run, and why.
    """

    good: Mapping[str, list[Seen]] = field(default_factory=dict)
    rejected: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def remembered(runs: Iterable[RunState], environment: str) -> Memory:
    """What ``runs``, newest first, say of the environment's services."""
    good: dict[str, list[Seen]] = {}
    rejected: dict[str, dict[str, str]] = {}
    judged: set[tuple[str, str]] = set()
    for run in runs:
        for service in run.services if run.environment == environment else ():
            healthy = service.task_definition if service.outcome is Outcome.SUCCEEDED else ""
            revision = service.rejected or healthy
            if not revision or (service.name, revision) in judged:
                continue
            judged.add((service.name, revision))
            if service.rejected:
                why = service.failure.what if service.failure else "it failed"
                rejected.setdefault(service.name, {})[revision] = f"run {run.run} has tried it: {why}"
            else:
                good.setdefault(service.name, []).append(Seen(revision, service.digest))
    return Memory(good, rejected)


class KnownGood:
    """Looks for revisions of one environment's services.

    :param memory: what our own runs have found out.
    """

    def __init__(
        self, catalog: Catalog, environment: str, ecs: Ecs, ecr: Ecr, memory: Memory | None = None
    ) -> None:
        self._catalog = catalog
        self._environment = environment
        self._ecs = ecs
        self._ecr = ecr
        self._memory = memory or Memory()

    async def last(self, service: str, current: str) -> Good:
        """The newest good revision other than ``current``, an ARN.

        What ECS calls a success but a run of ours has rejected, such as by its health check, is none.

        :raises UsageError: none is known, or none that could still start.
        """
        tried: list[str] = []
        rejected = self._memory.rejected.get(service, {})
        seen: set[str] = {current}
        for candidate in [*await self._by_ecs(service), *self._memory.good.get(service, ())]:
            if candidate.task_definition in seen:
                continue
            seen.add(candidate.task_definition)
            if candidate.task_definition in rejected:
                tried.append(f"{_short(candidate.task_definition)}: {rejected[candidate.task_definition]}")
                continue
            try:
                return await self.revision(service, candidate.task_definition, candidate.digest)
            except (UsageError, CloudError) as error:
                tried.append(f"{_short(candidate.task_definition)}: {error.cause or error.what}")
        raise UsageError(
            f"no earlier revision of {service} is known to be good",
            "neither ECS nor the history has a successful deployment of another revision that could start",
            f"name one: `sdt rollback {service} --to REVISION`; "
            f"`aws ecs list-task-definitions --family-prefix {self._family(service)}` lists them",
            tuple(tried),
        )

    async def revision(self, service: str, reference: str, digest: str = "") -> Good:
        """A revision by number, ``family:revision`` or ARN; it must be able to start.

        :param digest: the image that it must still name; empty for any.
        :raises UsageError: there is no such revision, it is inactive, or its image is gone.
        """
        family = self._family(service)
        name = f"{family}:{reference}" if reference.isdecimal() else reference
        if name.rpartition("/")[2].rpartition(":")[0] != family:
            raise UsageError(
                f"{reference} is no revision of {service}", f"its family is {family}", "give its number"
            )
        try:
            found = await self._ecs.task_definition(name)
        except CloudError as error:
            raise UsageError(
                f"no revision {name}",
                error.cause or error.what,
                f"`aws ecs list-task-definitions --family-prefix {family}` lists those that there are",
            ) from None
        if found.get("status") == "INACTIVE":
            raise UsageError(f"{name} cannot be deployed", "it was deregistered", "name another revision")
        image = str(found["containerDefinitions"][container_index(found, service)].get("image", ""))
        kept = await self._image(service, image)
        if kept is not None and digest and kept.digest != digest:
            raise UsageError(
                f"{name} would not run what it ran",
                f"the tag of {image} has been moved",
                "name another revision",
            )
        return Good(str(found["taskDefinitionArn"]), image, kept.digest if kept else "")

    async def _image(self, service: str, reference: str) -> EcrImage | None:
        repository = self._catalog.repository(self._environment, service)
        path, tag, digest = image_parts(reference)
        if not path.endswith(f"/{repository}"):
            return None  # of another registry: nothing is known of it
        found = await self._ecr.image(repository, digest=digest, tag="" if digest else tag)
        if found is None:
            raise UsageError(
                f"the image {reference} is gone",
                f"its image {tag or digest[:19]} is no longer in {repository}",
                "name another revision",
            )
        return found

    async def _by_ecs(self, service: str) -> list[Seen]:
        """Revisions that ECS itself has deployed with success, newest first."""
        cluster = self._catalog.cluster(self._environment)
        name = self._catalog.ecs_service(self._environment, service)
        deployments = await self._ecs.service_deployments(cluster, name) or []
        arns = [
            str(d["targetServiceRevision"]["arn"])
            for d in deployments
            if d.get("status") == _SUCCESSFUL and d.get("targetServiceRevision")
        ]
        revisions = (
            {str(r["serviceRevisionArn"]): r for r in await self._ecs.service_revisions(arns)} if arns else {}
        )
        return [
            Seen(str(revisions[arn]["taskDefinition"]), _digest(revisions[arn], service))
            for arn in dict.fromkeys(arns)
            if arn in revisions
        ]

    def _family(self, service: str) -> str:
        return self._catalog.family(self._environment, service)


def _digest(revision: Mapping[str, Any], service: str) -> str:
    images = revision.get("containerImages", ())
    own = [i for i in images if i.get("containerName") == service] or (images if len(images) == 1 else [])
    return str(own[0].get("imageDigest") or "") if own else ""


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]
