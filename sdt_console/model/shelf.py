"""What lies in a service's image repository, what runs of it, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sdt_console.model.commit import Commit
from sdt_console.model.finding import Finding
from sdt_console.model.image import EcrImage


@dataclass(frozen=True)
class RunningImage:
    """An image that running tasks of one ECS service have.

    :param service: the service's name in ECS.
    :param reference: as the container names it: ``HOST/REPOSITORY:TAG`` or ``…@sha256:…``.
    :param digest: what the tasks really run; empty if ECS does not tell it.
    :param tasks: how many run it.
    :param follows_tag: a task that is started anew resolves the tag again, for the container definition
        says ``versionConsistency: disabled``; otherwise it pulls ``digest``.
    """

    environment: str
    service: str
    reference: str
    digest: str = ""
    tasks: int = 1
    follows_tag: bool = False


@dataclass(frozen=True)
class ShelfImage:
    """An image of a repository.

    :param commit: of the first tag that names a commit of the repository at hand; ``None`` if there is none.
    :param position: among the tagged images of its repository, 1 for the newest; 0 if it has no tag.
    :param running: where tasks run it, the environment looked at first.
    """

    image: EcrImage
    commit: Commit | None = None
    position: int = 0
    running: tuple[RunningImage, ...] = ()


@dataclass(frozen=True)
class Shelf:
    """One service's image repository.

    :param service: the catalog's name; ``kind`` is ``active``, ``pending`` or ``data``.
    :param uri: registry host and repository; empty if there is no such repository.
    :param scan_on_push: the repository's own setting; a registry may scan without it.
    :param images: newest first, without those that an index lists.
    :param members: digest of an image that an index lists → digest of that index.
    :param running: what the service's tasks run, from this repository or from elsewhere.
    :param problems: the worst first.
    :param audit: what the repository does otherwise than the catalog asks for; ``None`` if not looked at.
    """

    service: str
    kind: str
    repository: str
    uri: str = ""
    scan_on_push: bool = False
    images: tuple[ShelfImage, ...] = ()
    members: Mapping[str, str] = field(default_factory=dict)
    running: tuple[RunningImage, ...] = ()
    problems: tuple[Finding, ...] = ()
    audit: tuple[Finding, ...] | None = None

    @property
    def current(self) -> RunningImage | None:
        """What most of the service's tasks run; ``None`` if none runs."""
        return max(self.running, key=lambda r: r.tasks, default=None)

    def of(self, digest: str) -> ShelfImage | None:
        """The image with that digest, or the index that lists it, if the repository has it."""
        wanted = self.members.get(digest, digest)
        return next((i for i in self.images if wanted and i.image.digest == wanted), None)


@dataclass(frozen=True)
class Shelves:
    """The image repositories of one environment.

    :param shelves: in catalog order.
    :param at: when they were read, seconds since the epoch.
    :param tasks_known: running tasks could be read; without it nothing is known of what runs.
    :param notes: what could not be looked at, each with its cause and what to do about it.
    """

    environment: str
    cluster: str
    at: float
    shelves: tuple[Shelf, ...]
    tasks_known: bool = True
    notes: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class SecretSight:
    """A secret or parameter that task definitions name; never its value.

    :param name: of the secret, without the six characters that AWS adds, or of the parameter.
    :param source: ``secrets-manager`` or ``parameter-store``.
    :param users: services whose running revision names it, in catalog order.
    :param keys: the JSON keys that are asked for; empty for the whole value.
    :param exists: ``None`` if it could not be looked at.
    :param changed_at: seconds since the epoch; ``None`` if AWS does not tell.
    :param rotated_at: when it was last rotated by its rotation; ``None`` if never.
    :param rotates: rotation is switched on.
    """

    name: str
    source: str
    users: tuple[str, ...]
    keys: tuple[str, ...] = ()
    exists: bool | None = None
    created_at: float | None = None
    changed_at: float | None = None
    rotated_at: float | None = None
    next_rotation_at: float | None = None
    rotates: bool = False
    problem: Finding | None = None

    def age(self, now: float) -> float | None:
        """Seconds since its value can last have changed: since its rotation, else since any change."""
        last = self.rotated_at or self.changed_at or self.created_at
        return None if last is None else max(0.0, now - last)


@dataclass(frozen=True)
class SecretSights:
    """What the task definitions of one environment name.

    :param services: how many services' task definitions were read.
    :param notes: what could not be looked at.
    """

    environment: str
    at: float
    services: int
    secrets: tuple[SecretSight, ...]
    notes: tuple[Finding, ...] = ()
