"""What a session was asked to be, and the real clock."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What the person asked for, whatever the way they asked.

    :param catalog: file; ``None`` to look for it.
    :param environment: ``None`` for the catalog's default.
    :param builder: ``auto`` (a Docker Engine if one answers), ``engine`` or ``sandbox``.
    :param keep_images: leave built images in the Docker Engine, which makes the next build quicker.
    :param poll_seconds: how often rollouts in flight are looked at.
    :param build_args: given to every build, over the catalog's.
    """

    catalog: str | None = None
    environment: str | None = None
    profile: str | None = None
    region: str | None = None
    repo: Path | None = None
    read_only: bool = False
    builder: str = "auto"
    keep_images: bool = True
    poll_seconds: float = 2.0
    build_args: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


class SystemClock:
    """The real time."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)
