"""The image repositories of one environment, and what runs from them: a few rounds of calls."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sdt_console.errors import CloudError, CredentialsError
from sdt_console.model import EcrImage, Finding, RunningImage, Shelf, ShelfImage, Shelves
from sdt_console.watch.image_ports import Commits, Images, Tasks
from sdt_console.watch.image_problems import Judge
from sdt_console.watch.lifecycle import Policy
from sdt_console.watch.running_images import by_service, follows_tag, home, own

T = TypeVar("T")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_RANK = {"error": 0, "warning": 1, "ok": 2}


@dataclass(frozen=True)
class Place:
    """A service as its images are looked for.

    :param name: the catalog's; ``service`` its name in ECS; ``kind`` ``active``, ``pending`` or ``data``.
    :param uri: of its repository as the catalog has it, for when ECR may not be asked.
    """

    name: str
    service: str
    kind: str
    repository: str
    uri: str


@dataclass(frozen=True)
class Elsewhere:
    """Another environment, in which the same digests may run: ``tasks`` of its ``cluster``."""

    environment: str
    cluster: str
    tasks: Tasks


@dataclass
class Shop:
    """What one look needs to know.

    :param places: the services to look at.
    :param scans: how many images of a service are asked for their scans where DescribeImages tells nothing;
        the ones that run are asked for in any case.
    :param commits: of the repository at hand; ``None`` without one.
    """

    environment: str
    cluster: str
    places: Sequence[Place]
    images: Images
    tasks: Tasks
    policy: Policy
    audit: bool = False
    scans: int = 0
    commits: Commits | None = None
    others: Sequence[Elsewhere] = ()
    _notes: dict[str, Finding] = field(default_factory=dict)

    async def look(self, now: float) -> Shelves:
        """Read everything, once.

        :param now: seconds since the epoch.
        :raises CredentialsError: nothing can be read at all.
        """
        self._notes.clear()
        repositories, tasks, *others = await asyncio.gather(
            self._tried("repositories", self.images.repositories()),
            self._tried("what runs", self.tasks.running(self.cluster)),
            *(self._tried(f"what runs in {o.environment}", o.tasks.running(o.cluster)) for o in self.others),
        )
        running = by_service(tasks or (), self.environment)
        shelves = [self._shelf(place, repositories, running) for place in self.places]
        stock = await self._stock(shelves, repositories)
        shelves = await asyncio.gather(*(self._members(s, stock.get(s.repository)) for s in shelves))
        everywhere: dict[str, list[RunningImage]] = {}
        looked = [self.environment, *(other.environment for other in self.others)]
        for where, found in zip(looked, (tasks, *others), strict=True):
            for images in by_service(found or (), where).values():
                for _, image in images:
                    everywhere.setdefault(image.digest, []).append(image)
        commits = await self._commits(stock)
        shelves = [self._filled(s, stock.get(s.repository) or [], everywhere, commits) for s in shelves]
        judge = Judge(self.policy, now)
        shelves = await asyncio.gather(*(self._judged(s, stock, judge, tasks or ()) for s in shelves))
        shelves = await asyncio.gather(*(self._scanned(s) for s in shelves))
        notes = tuple(self._notes.values())
        return Shelves(self.environment, self.cluster, now, tuple(shelves), tasks is not None, notes)

    async def _tried(self, where: str, call: Awaitable[T]) -> T | None:
        """What a call answers; ``None`` and a note if it was refused: the rest is shown all the same."""
        try:
            return await call
        except CredentialsError:
            raise
        except CloudError as error:
            key = error.what
            if key not in self._notes:
                self._notes[key] = Finding("warning", where, error.what, error.cause.strip(), error.next)
            return None

    def _shelf(
        self,
        place: Place,
        repositories: Mapping[str, tuple[str, bool]] | None,
        running: Mapping[str, Sequence[tuple[str, RunningImage]]],
    ) -> Shelf:
        known = {place.repository: (place.uri, False)} if repositories is None else repositories
        uri, scans = known.get(place.repository, ("", False))
        found = own(running.get(place.service, ()), (place.name, place.service), uri)
        return Shelf(place.name, place.kind, place.repository, uri, scans, running=found)

    async def _stock(
        self, shelves: Sequence[Shelf], repositories: Mapping[str, tuple[str, bool]] | None
    ) -> dict[str, list[EcrImage] | None]:
        """Repository → its images; also of those that services run from without being their own."""
        names = {uri: name for name, (uri, _) in (repositories or {}).items()}
        wanted = {s.repository for s in shelves if s.uri}
        wanted |= {names[h] for s in shelves for r in s.running if (h := home(r.reference)) in names}
        ordered = sorted(wanted)
        found = await asyncio.gather(*(self._tried(name, self.images.images(name)) for name in ordered))
        return dict(zip(ordered, found, strict=True))

    async def _members(self, shelf: Shelf, stock: list[EcrImage] | None) -> Shelf:
        indexes = [image.digest for image in stock or () if image.is_index]
        if not indexes:
            return shelf
        found = await self._tried(shelf.service, self.images.members(shelf.repository, indexes))
        return replace(shelf, members=found or {})

    async def _commits(self, stock: Mapping[str, list[EcrImage] | None]) -> Mapping[str, Any]:
        if self.commits is None:
            return {}
        tags = {tag for images in stock.values() for image in images or () for tag in image.tags}
        return await asyncio.to_thread(self.commits, sorted(tag for tag in tags if _COMMIT.fullmatch(tag)))

    @staticmethod
    def _filled(
        shelf: Shelf,
        stock: Sequence[EcrImage],
        everywhere: Mapping[str, Sequence[RunningImage]],
        commits: Mapping[str, Any],
    ) -> Shelf:
        parts: dict[str, list[str]] = {}
        for member, index in shelf.members.items():
            parts.setdefault(index, []).append(member)
        made, position = [], 0
        for image in stock:
            if image.digest in shelf.members and not image.tags:
                continue
            position += bool(image.tags)
            commit = next((commits[tag] for tag in image.tags if tag in commits), None)
            digests = (image.digest, *parts.get(image.digest, ()))
            running = tuple(r for digest in digests for r in everywhere.get(digest, ()))
            made.append(ShelfImage(image, commit, position if image.tags else 0, running))
        return replace(shelf, images=tuple(made))

    async def _judged(
        self,
        shelf: Shelf,
        stock: Mapping[str, list[EcrImage] | None],
        judge: Judge,
        tasks: Sequence[Mapping[str, Any]],
    ) -> Shelf:
        current = shelf.current
        place = self._place_of(shelf, current, stock)
        images = stock.get(place)
        if images is not None and any(r.digest and shelf.of(r.digest) is None for r in shelf.running):
            shelf = await self._with_rule(shelf, tasks)
        problems = [] if self._unread(shelf, stock) else list(judge.problems(shelf, images, place))
        problems += self._missing(shelf)
        problems.sort(key=lambda finding: _RANK[finding.severity])
        shelf = replace(shelf, problems=tuple(problems))
        own_stock = stock.get(shelf.repository)
        if not self.audit or own_stock is None or not shelf.uri:
            return shelf
        text = await self._tried(shelf.service, self._policy(shelf.repository))
        if text is None:
            return shelf
        scanned = await self._ever_scanned(shelf)
        return replace(shelf, audit=tuple(judge.audit(shelf, own_stock, text or None, scanned=scanned)))

    async def _policy(self, repository: str) -> str:
        return await self.images.lifecycle_policy(repository) or ""

    async def _ever_scanned(self, shelf: Shelf) -> bool:
        if shelf.scan_on_push or not shelf.images:
            return True
        if any(image.image.scan.status for image in shelf.images):
            return True
        scan = await self._tried(shelf.service, self.images.scan(shelf.images[0].image))
        return scan is None or bool(scan.status)

    def _place_of(
        self, shelf: Shelf, current: RunningImage | None, stock: Mapping[str, list[EcrImage] | None]
    ) -> str:
        """Name of the repository that the service runs from; empty if it is none of this registry."""
        if current is None or home(current.reference) == shelf.uri:
            return shelf.repository
        host = shelf.uri.removesuffix(shelf.repository)
        name = home(current.reference).removeprefix(host) if host else ""
        return name if name in stock else ""

    @staticmethod
    def _unread(shelf: Shelf, stock: Mapping[str, list[EcrImage] | None]) -> bool:
        """Its images are not known, so that nothing can be said to be missing."""
        return bool(shelf.uri) and shelf.repository in stock and stock[shelf.repository] is None

    @staticmethod
    def _missing(shelf: Shelf) -> list[Finding]:
        if shelf.uri or shelf.kind == "pending":
            return []
        cure = f"aws ecr create-repository --repository-name {shelf.repository}"
        if shelf.kind == "data" and shelf.running:
            return []  # it runs an image from elsewhere
        return [Finding("warning", shelf.service, f"no ECR repository {shelf.repository}", "", cure)]

    async def _with_rule(self, shelf: Shelf, tasks: Sequence[Mapping[str, Any]]) -> Shelf:
        """Whether the container keeps to its digest is only asked for where that matters."""
        place = next(p for p in self.places if p.name == shelf.service)
        ours = [t for t in tasks if t.get("group") == f"service:{place.service}"]
        arns = sorted({str(t["taskDefinitionArn"]) for t in ours if t.get("taskDefinitionArn")})
        found = await asyncio.gather(*(self._tried(shelf.service, self.tasks.definition(a)) for a in arns))
        running = tuple(
            replace(r, follows_tag=any(d is not None and follows_tag(d, r.reference) for d in found))
            for r in shelf.running
        )
        return replace(shelf, running=running)

    async def _scanned(self, shelf: Shelf) -> Shelf:
        """The scans of images that DescribeImages says nothing about, for as many as are asked for."""

        async def one(index: int, item: ShelfImage) -> ShelfImage:
            if item.image.scan.status or not (index < self.scans or item.running):
                return item
            scan = await self._tried(shelf.service, self.images.scan(item.image))
            return item if scan is None else replace(item, image=replace(item.image, scan=scan))

        images = await asyncio.gather(*(one(i, item) for i, item in enumerate(shelf.images)))
        return replace(shelf, images=tuple(images))
