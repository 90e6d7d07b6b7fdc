"""What the stages need from the outside, as Protocols; ``clients/`` holds the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from sdt_console.model import BuildOrder, BuiltImage, Change, EcrImage, EcsService, RegistryLogin


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

    def is_unborn(self) -> bool:
        """Whether the current branch has no commit yet."""

    def changes(self, base: str, head: str) -> list[Change]: ...

    def worktree_changes(self, base: str) -> list[Change]:
        """Tracked and untracked differences between ``base`` and the files on disk."""

    def entries(self, commit: str, paths: Sequence[str]) -> dict[str, str]:
        """Mode (``040000`` folder, ``120000`` link, …) of each of ``paths`` that exists in ``commit``."""

    def export(self, commit: str, folder: Path) -> None:
        """Write the files of ``commit`` into ``folder``, which is empty; the repository is not touched."""

    def source(self) -> str:
        """Where the repository comes from, a URL without credentials; empty if that is not known."""

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether ``commit`` is reachable from ``of``; both are here."""

    def title(self, commit: str) -> str:
        """What the commit is about, one line; untrusted text."""

    def link_target(self, commit: str, path: str) -> str:
        """What the symbolic link at ``path`` points to, as written."""


__all__ = [
    "BuildOrder",
    "Builder",
    "BuiltImage",
    "Clock",
    "Ecr",
    "Ecs",
    "EcsService",
    "Http",
    "Lease",
    "LoadBalancers",
    "Logs",
    "Progress",
    "RegistryLogin",
    "Repository",
]

Progress = Callable[[str, int, int], None]
"""``(note, done, total)``; may be called from another thread."""


class Lease(Protocol):
    """The right to change the services of a run."""

    async def check(self) -> None:
        """:raises SupersededError: it is no longer ours: expired, taken over, or broken by hand."""


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

    async def has(self, image: BuiltImage) -> bool:
        """Whether the builder still holds exactly this image, so that it can be pushed without a build.

        :raises BuildError: it cannot be asked.
        """


class Ecs(Protocol):
    """The ECS calls that the stages make."""

    async def services(self, cluster: str, names: Sequence[str]) -> dict[str, EcsService]:
        """The services of ``names`` that exist and are active, by name; 10 a call."""

    async def task_definition(self, reference: str) -> dict[str, Any]:
        """As ``DescribeTaskDefinition`` answers it, tags under ``tags``."""

    async def register(self, definition: Mapping[str, Any]) -> dict[str, Any]:
        """Register a revision; the new revision as described.

        :raises CloudError: with ``unknown`` set, it may have been registered all the same.
        """

    async def task_definitions(self, family: str, limit: int) -> list[str]:
        """ARNs of the active revisions of ``family``, newest first."""

    async def service_deployments(
        self, cluster: str, service: str, since: float | None = None
    ) -> list[Mapping[str, Any]] | None:
        """As ``DescribeServiceDeployments`` answers, newest first; ``None`` where it cannot be asked."""

    @property
    def deployments_unavailable(self) -> str:
        """Why service deployments are not asked for although AWS has them; empty without such a reason."""

    async def service_revisions(self, arns: Sequence[str]) -> list[Mapping[str, Any]]:
        """As ``DescribeServiceRevisions`` answers them."""

    async def stop_deployment(self, arn: str, *, rollback: bool = True) -> None:
        """Stop a service deployment; ECS goes back to the last successful revision itself."""

    async def update(self, cluster: str, service: str, task_definition: str) -> EcsService:
        """Deploy ``task_definition`` with a forced new deployment.

        :raises CloudError: with ``unknown`` set, the deployment may have begun all the same.
        """

    async def tasks(self, cluster: str, service: str, *, stopped: bool = False) -> list[Mapping[str, Any]]:
        """Tasks as ``DescribeTasks`` answers them."""


class Ecr(Protocol):
    """The ECR calls that the stages make."""

    async def repositories(self, names: Sequence[str]) -> dict[str, str]:
        """Repository name → URI (host and path, no tag), for those that exist."""

    async def digest(self, repository: str, tag: str) -> str | None:
        """Digest that ``tag`` points to; ``None`` if the tag is not there."""

    async def image(self, repository: str, *, tag: str = "", digest: str = "") -> EcrImage | None:
        """The image that a tag or a digest names; ``None`` if it is not there."""

    async def images(self, repository: str, limit: int) -> list[EcrImage]:
        """The images pushed last, newest first."""

    async def put_tag(self, repository: str, digest: str, tag: str) -> None:
        """Give an image that is there another tag.

        :raises TagTakenError: tags are immutable there, and this one is another image's.
        """

    async def login(self) -> RegistryLogin: ...


class LoadBalancers(Protocol):
    async def host(self, name: str) -> str | None:
        """DNS name of the load balancer; ``None`` if there is none of that name."""


class Logs(Protocol):
    async def last_lines(self, group: str, stream: str, count: int) -> tuple[str, ...]:
        """The newest messages of one log stream, oldest first; untrusted text."""


class Http(Protocol):
    async def status(self, url: str, limit: float) -> int:
        """Status code of a GET, redirects not followed.

        :raises CloudError: no answer within ``limit`` seconds, or no connection.
        """
