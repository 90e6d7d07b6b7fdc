"""What watching images and secrets needs from the outside, as Protocols; ``clients/`` holds the real ones.

Every call only reads, and raises :class:`~sdt_console.errors.CloudError` when AWS refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from sdt_console.model import Commit, EcrImage, Scan, SecretState


class Images(Protocol):
    async def repositories(self) -> dict[str, tuple[str, bool]]:
        """Name → URI, and whether it scans on push; all of the registry."""

    async def images(self, repository: str) -> list[EcrImage]:
        """All images, newest first."""

    async def scan(self, image: EcrImage) -> Scan:
        """What is known of its scan; an empty status if it was not scanned."""

    async def lifecycle_policy(self, repository: str) -> str | None:
        """The policy's text; ``None`` if there is none."""

    async def members(self, repository: str, indexes: Iterable[str]) -> dict[str, str]:
        """Digest of an image that an index lists → digest of that index."""


class Tasks(Protocol):
    async def running(self, cluster: str) -> list[Mapping[str, Any]]:
        """Every task that is meant to run, as ``DescribeTasks`` answers it."""

    async def definition(self, arn: str) -> Mapping[str, Any]:
        """As ``DescribeTaskDefinition`` answers it."""


class Secrets(Protocol):
    """Described only: no call answers with a value."""

    async def secret(self, arn: str) -> SecretState | None:
        """``None`` if there is no such secret."""

    async def parameter_changes(self, names: Sequence[str]) -> dict[str, float | None]:
        """Parameter → when it was last changed, for those that exist."""


class Services(Protocol):
    async def described(self, cluster: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """As ``DescribeServices`` answers, by name; what is not there is left out."""

    async def task_definition(self, reference: str) -> dict[str, Any]: ...


Commits = Callable[[Sequence[str]], Mapping[str, Commit]]
"""Commits, full or abbreviated → what they are, for those that the repository at hand has."""
