"""From a request to a plan: reads what is live, and leaves the thinking to ``pipeline/``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdt_console.errors import SupersededError, UsageError
from sdt_console.model import Detection, EcrImage, EcsService, Plan, Request, Revision

if TYPE_CHECKING:
    from sdt_console.catalog.model import Catalog
    from sdt_console.engine import Engine
    from sdt_console.pipeline.known_good import KnownGood

_RUNS_LOOKED_AT = 200
_IMAGES_SHOWN = 5


class Planner:
    """Makes the plans of one engine."""

    def __init__(self, door: Engine) -> None:
        self._door = door

    @property
    def _catalog(self) -> Catalog:
        return self._door.catalog

    @property
    def _environment(self) -> str:
        return self._door.environment

    async def pipeline(
        self, detection: Detection, *, offline: bool = False, allow_older: bool = False
    ) -> Plan:
        """What a run would do about ``detection``.

        :raises CloudError: the live revisions could not be read (not with ``offline``).
        """
        from sdt_console.pipeline.plan import make

        if offline or not detection.selected:
            return make(self._catalog, self._environment, detection, None if offline else {}, None)
        services, repositories = await asyncio.gather(
            self._services(detection.selected), self._repositories(detection.selected)
        )
        live = {name: _revision(name, service) for name, service in services.items()}
        good = await self._good(services)
        return make(
            self._catalog, self._environment, detection, live, repositories, good, allow_older=allow_older
        )

    def read(self, file: Path) -> Plan:
        """The plan that ``sdt plan -o`` wrote.

        :raises UsageError: it cannot be read, or is no plan for this catalog's services.
        """
        from sdt_console.pipeline.plan import from_json
        from sdt_console.pipeline.plan_check import checked

        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            told = getattr(error, "strerror", None) or "it is not text"
            raise UsageError(f"cannot read {str(file)!r}", told, "name a plan") from None
        plan = from_json(text, str(file))
        self._door.use_environment(plan.environment)
        return checked(plan, self._door.catalog, str(file))

    def as_json(self, plan: Plan) -> dict[str, Any]:
        """The plan as the JSON object that ``sdt plan --json`` prints."""
        from sdt_console.pipeline.plan import to_json

        return to_json(plan)

    def matrix(self, plan: Plan) -> dict[str, list[dict[str, str]]]:
        """The plan's builds as a GitHub Actions matrix."""
        from sdt_console.pipeline.plan import matrix

        return matrix(self._catalog, plan)

    async def of(self, request: Request) -> Plan:
        """The plan for services by name.

        :raises UsageError: an unknown or pending service, an image or revision that is not there.
        """
        from sdt_console.pipeline.single import check_names

        check_names(self._catalog, request)
        if request.kind == "build":
            return await self._build(request)
        if request.kind == "rollback":
            return await self._rollback(request)
        return await self._deploy(request)

    async def _deploy(self, request: Request) -> Plan:
        from sdt_console.pipeline.single import deploy_plan

        services = await self._services(request.services)
        live = {name: _revision(name, service) for name, service in services.items()}
        good = await self._good(services)
        built = [name for name in request.services if name in self._catalog.by_name]
        if request.rebuild:
            head = self._head(request.tag or "HEAD")
            uris = await self._uris(built)
            images = {name: f"{uris[name]}:{head}" for name in built}
            return deploy_plan(self._catalog, self._environment, request, live, images, {}, head, good)
        uris = await self._uris(built)
        found = dict(
            zip(built, await asyncio.gather(*(self._image(n, request.tag) for n in built)), strict=True)
        )
        images = {name: f"{uris[name]}:{tag}" for name, (tag, _) in found.items()}
        digests = {name: image.digest for name, (_, image) in found.items()}
        return deploy_plan(self._catalog, self._environment, request, live, images, digests, good=good)

    async def _image(self, name: str, tag: str) -> tuple[str, EcrImage]:
        """The image to deploy and the tag to name it by."""
        repository = self._catalog.repository(self._environment, name)
        if tag:
            image = await self._door.outside.ecr.image(repository, tag=tag)
            if image is not None:
                return tag, image
        newest = [i for i in await self._door.outside.ecr.images(repository, 1000) if i.tags]
        if tag or not newest:
            tags = [t for image in newest[:_IMAGES_SHOWN] for t in image.tags if t != "latest"]
            raise UsageError(
                f"no image {tag} in {repository}" if tag else f"no tagged image in {repository}",
                "the tag was never pushed, or the lifecycle policy has removed it" if tag else "",
                f"the newest tags are {', '.join(tags)}" if tags else "build one: sdt build " + name,
            )
        chosen = newest[0]
        return next((t for t in chosen.tags if t != "latest"), chosen.tags[0]), chosen

    async def images(self, name: str, limit: int) -> list[EcrImage]:
        """The tagged images of a service, newest first: what :meth:`of` can deploy."""
        repository = self._catalog.repository(self._environment, name)
        return [image for image in await self._door.outside.ecr.images(repository, limit) if image.tags]

    def subjects(self, tags: Sequence[str]) -> dict[str, str]:
        """Tag → what its commit is about, for the commits that the repository has; untrusted text."""
        try:
            repository = self._door.repository
        except UsageError:
            return {}
        commits = {tag: repository.commit(tag) for tag in tags}
        return {tag: repository.title(commit) for tag, commit in commits.items() if commit}

    async def _build(self, request: Request) -> Plan:
        from sdt_console.pipeline.single import build_plan

        head = self._head(request.head or "HEAD")
        uris = await self._uris(request.services)
        images = {name: f"{uris[name]}:{head}" for name in request.services}
        return build_plan(self._catalog, self._environment, request, images, head)

    async def _rollback(self, request: Request) -> Plan:
        from sdt_console.pipeline.single import rollback_plan

        live = await self._live(request.services)
        gone = [name for name in request.services if name not in live]
        if gone:
            ecs_name = self._catalog.ecs_service(self._environment, gone[0])
            raise UsageError(f"no service {ecs_name} in {self._catalog.cluster(self._environment)}")
        known = self._known_good()

        def looked_for(name: str) -> str:
            return live[name].task_definition

        found = [
            await known.revision(name, request.revision)
            if request.revision
            else await known.last(name, looked_for(name))
            for name in request.services
        ]
        goods = dict(zip(request.services, found, strict=True))
        return rollback_plan(
            self._catalog,
            self._environment,
            request,
            live,
            targets={name: good.task_definition for name, good in goods.items()},
            images={name: good.image for name, good in goods.items()},
            digests={name: good.digest for name, good in goods.items() if good.digest},
        )

    async def undo(self, request: Request) -> Plan:
        """The way back of a whole run: every service that it changed, to what it ran before.

        Of a run that was killed in a rollout, what it announced last is what it left, if that reached ECS.

        :raises UsageError: the run changed nothing.
        :raises SupersededError: a service has moved since.
        """
        from dataclasses import replace

        from sdt_console.pipeline.single import rollback_plan

        state = self._door.history.state(request.undo)
        if state.environment != self._environment:
            raise UsageError(
                f"run {state.run} was in {state.environment}", next=f"add --env {state.environment}"
            )
        left = {s.name: s.tried if s.untold else s.task_definition for s in state.services}
        changed = {s.name: s for s in state.services if s.previous and left[s.name] not in ("", s.previous)}
        live = await self._live(tuple(changed)) if changed else {}
        for name, result in tuple(changed.items()):
            now = live[name].task_definition if name in live else "nothing"
            if now == result.previous and result.untold:
                del changed[name]  # announced, and never done
            elif now != left[name]:
                raise SupersededError(
                    f"{name} has moved since run {state.run}",
                    f"the run left it on {left[name]}, now it runs {now}",
                    f"roll it back by itself: sdt rollback {name}",
                )
        if not changed:
            raise UsageError(
                f"run {state.run} left no service changed", next="see `sdt show " + state.run + "`"
            )
        known = self._known_good()
        goods = {name: await known.revision(name, s.previous) for name, s in changed.items()}
        return rollback_plan(
            self._catalog,
            self._environment,
            replace(request, services=tuple(changed)),
            live,
            targets={name: good.task_definition for name, good in goods.items()},
            images={name: good.image for name, good in goods.items()},
            digests={name: good.digest for name, good in goods.items() if good.digest},
        )

    async def _good(self, services: Mapping[str, EcsService]) -> dict[str, str]:
        """Where to go back to from what is not known to be good: a rollout under way, or one that failed."""
        known = self._known_good()
        found = {}
        for name, service in services.items():
            primary = next((d for d in service.deployments if d.get("status") == "PRIMARY"), {})
            if primary.get("rolloutState") in ("IN_PROGRESS", "FAILED"):
                try:
                    found[name] = (await known.last(name, service.task_definition)).task_definition
                except UsageError:
                    continue  # what it runs now is then the best that is known
        return found

    def _known_good(self) -> KnownGood:
        from sdt_console.pipeline.known_good import KnownGood, remembered

        outside = self._door.outside
        memory = remembered(self._door.history.newest(_RUNS_LOOKED_AT), self._environment)
        return KnownGood(self._catalog, self._environment, outside.ecs, outside.ecr, memory)

    def _head(self, rev: str) -> str:
        head = self._door.repository.commit(rev)
        if head is None:
            raise UsageError(
                f"no commit {rev!r} in {self._door.repository.path}", next="name one that is there"
            )
        return head

    async def _live(self, names: Sequence[str]) -> dict[str, Revision]:
        return {name: _revision(name, service) for name, service in (await self._services(names)).items()}

    async def _services(self, names: Sequence[str]) -> dict[str, EcsService]:
        by_ecs_name = {self._catalog.ecs_service(self._environment, name): name for name in names}
        found = await self._door.outside.ecs.services(
            self._catalog.cluster(self._environment), list(by_ecs_name)
        )
        return {by_ecs_name[name]: service for name, service in found.items()}

    async def _repositories(self, names: Sequence[str]) -> dict[str, str]:
        wanted = [self._catalog.repository(self._environment, name) for name in names]
        return await self._door.outside.ecr.repositories(wanted)

    async def _uris(self, names: Sequence[str]) -> dict[str, str]:
        found = await self._repositories(names)
        uris = {name: found.get(self._catalog.repository(self._environment, name), "") for name in names}
        missing = [name for name, uri in uris.items() if not uri]
        if missing:
            repository = self._catalog.repository(self._environment, missing[0])
            raise UsageError(f"no ECR repository {repository}", next="create it, or correct names.repository")
        return uris


def _revision(name: str, service: EcsService) -> Revision:
    return Revision(name, service.task_definition, "", service.running, service.desired)
