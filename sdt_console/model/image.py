"""Images: to be built, built, in a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Scan:
    """What ECR says of an image's scan.

    :param status: ECR's word (``COMPLETE``, ``ACTIVE``, ``IN_PROGRESS``, ``FAILED``, …); empty if the image
        was not scanned, which says nothing about what a scan would find.
    :param counts: severity (``CRITICAL``, ``HIGH``, …) → number of findings; severities without any left out.
    :param at: when it ended, seconds since the epoch; 0 if it has not.
    :param note: ECR's own words on the status.
    """

    status: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    at: float = 0.0
    note: str = ""

    @property
    def done(self) -> bool:
        """Whether the counts mean anything: without it, none is not "no findings"."""
        return self.status in ("COMPLETE", "ACTIVE")


@dataclass(frozen=True)
class EcrImage:
    """An image in ECR.

    :param tags: sorted.
    :param pushed_at: seconds since the epoch.
    :param size: bytes, as stored.
    :param media_type: of its manifest; that of an index if it lists images of several platforms.
    :param scan: as far as it was asked for; not part of what makes two images the same.
    """

    repository: str
    digest: str
    tags: tuple[str, ...] = ()
    pushed_at: float = 0.0
    size: int = 0
    media_type: str = field(default="", compare=False)
    scan: Scan = field(default=Scan(), compare=False)

    @property
    def is_index(self) -> bool:
        return "index" in self.media_type or "manifest.list" in self.media_type
