"""What the stages need from the outside, as Protocols; ``clients/`` holds the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sdt_console.model import Change


class Clock(Protocol):
    """Time as the stages see it; a test passes one that it moves by hand."""

    def now(self) -> float:
        """Seconds since the epoch."""

    async def sleep(self, seconds: float) -> None: ...


class Repository(Protocol):
    """A Git repository, read only."""

    path: Path

    def commit(self, rev: str) -> str | None:
        """The full id of the commit that ``rev`` names; ``None`` if there is none here."""

    def parents(self, commit: str) -> tuple[str, ...]: ...

    def merge_base(self, one: str, other: str) -> str | None: ...

    def default_branch(self) -> str | None:
        """The ref that merges go to, such as ``origin/main``; ``None`` if none is known."""

    def is_shallow(self) -> bool: ...

    def changes(self, base: str, head: str) -> list[Change]: ...

    def worktree_changes(self, base: str) -> list[Change]:
        """Tracked and untracked differences between ``base`` and the files on disk."""

    def entries(self, commit: str, paths: Sequence[str]) -> dict[str, str]:
        """Mode (``040000`` folder, ``120000`` link, …) of each of ``paths`` that exists in ``commit``."""

    def link_target(self, commit: str, path: str) -> str:
        """What the symbolic link at ``path`` points to, as written."""


@dataclass(frozen=True)
class BuildOrder:
    """One image to build.

    :param context: absolute folder of the build context.
    :param dockerfile: path of the Dockerfile relative to ``context``, ``/``-separated.
    :param references: full image references to give it, the commit's tag first.
    """

    service: str
    context: Path
    dockerfile: str
    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    references: tuple[str, ...]
    platform: str = "linux/amd64"


@dataclass(frozen=True)
class BuiltImage:
    """An image as its builder holds it.

    :param image_id: digest of the image's configuration, ``sha256:…``.
    :param size: bytes of all layers as stored.
    :param store: where the builder keeps it: an OCI layout folder, or empty for a Docker Engine.
    """

    service: str
    image_id: str
    size: int
    references: tuple[str, ...]
    store: str = ""


@dataclass(frozen=True)
class RegistryLogin:
    """Credentials for one registry host; ``password`` is never shown or recorded."""

    host: str
    username: str
    password: str
    plain_http: bool = False

    def __repr__(self) -> str:
        return f"RegistryLogin(host={self.host!r}, username={self.username!r})"


Progress = Callable[[str, int, int], None]
"""``(note, done, total)``; may be called from another thread."""


class Builder(Protocol):
    """Turns a context into an image and puts it into a registry."""

    name: str
    """``engine`` or ``sandbox``; shown in the report."""

    async def build(self, order: BuildOrder, progress: Progress) -> BuiltImage:
        """:raises BuildError: with the last lines of the output as its cause."""

    async def push(self, image: BuiltImage, login: RegistryLogin, progress: Progress) -> str:
        """Push every reference of ``image``; the manifest's digest, ``sha256:…``.

        :raises BuildError: the registry refused, or did not answer.
        """


@dataclass(frozen=True)
class LiveService:
    """One ECS service as ``DescribeServices`` tells it."""

    name: str
    arn: str
    status: str
    task_definition: str
    desired: int
    running: int
    pending: int
    deployments: tuple[Mapping[str, Any], ...]
    events: tuple[Mapping[str, Any], ...] = ()


class Ecs(Protocol):
    """The ECS calls that the stages make."""

    async def services(self, cluster: str, names: Sequence[str]) -> dict[str, LiveService]:
        """The services of ``names`` that exist and are active, by name; 10 a call."""

    async def task_definition(self, reference: str) -> dict[str, Any]:
        """As ``DescribeTaskDefinition`` answers it, tags under ``tags``."""

    async def register(self, definition: Mapping[str, Any]) -> str:
        """Register a revision; its ARN."""

    async def update(self, cluster: str, service: str, task_definition: str) -> LiveService:
        """Deploy ``task_definition`` with a forced new deployment."""

    async def tasks(self, cluster: str, service: str, *, stopped: bool = False) -> list[Mapping[str, Any]]:
        """Tasks as ``DescribeTasks`` answers them."""


class Ecr(Protocol):
    """The ECR calls that the stages make."""

    async def repositories(self, names: Sequence[str]) -> dict[str, str]:
        """Repository name → URI (host and path, no tag), for those that exist."""

    async def digest(self, repository: str, tag: str) -> str | None:
        """Digest that ``tag`` points to; ``None`` if the tag is not there."""

    async def login(self) -> RegistryLogin: ...


class LoadBalancers(Protocol):
    async def host(self, name: str) -> str | None:
        """DNS name of the load balancer; ``None`` if there is none of that name."""


class Http(Protocol):
    async def status(self, url: str, timeout: float) -> int:
        """Status code of a GET, redirects not followed.

        :raises CloudError: no answer within ``timeout`` seconds, or no connection.
        """
