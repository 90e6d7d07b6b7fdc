"""Images: to be built, built, in a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


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
    :param log: the file that holds the whole output of its build; empty if none was kept.
    """

    service: str
    image_id: str
    size: int
    references: tuple[str, ...]
    store: str = ""
    log: str = ""


@dataclass(frozen=True)
class RegistryLogin:
    """Credentials for one registry host; ``password`` is never shown or recorded."""

    host: str
    username: str
    password: str
    plain_http: bool = False

    def __repr__(self) -> str:
        return f"RegistryLogin(host={self.host!r}, username={self.username!r})"


@dataclass(frozen=True)
class EcrImage:
    """An image in ECR.

    :param tags: sorted.
    :param pushed_at: seconds since the epoch.
    :param size: bytes, as stored.
    """

    repository: str
    digest: str
    tags: tuple[str, ...] = ()
    pushed_at: float = 0.0
    size: int = 0
