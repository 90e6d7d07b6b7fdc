"""The folders of runs: images on their way to the registry, and the output of builds."""

from __future__ import annotations

import shutil
from pathlib import Path

KEPT_DAYS = 30
"""How long the output of builds is kept."""


def leave(folder: Path) -> None:
    """Remove the images of a run that has ended; not of one that can be resumed, which may need them yet."""
    shutil.rmtree(folder / "images", ignore_errors=True)


def prune(folders: Path, now: float) -> None:
    """Remove what runs of long ago have left.

    :param folders: one folder a run.
    :param now: seconds since the epoch.
    """
    try:
        found = list(folders.iterdir())
    except OSError:
        return
    for folder in found:
        try:
            old = now - folder.stat().st_mtime > KEPT_DAYS * 86400
        except OSError:
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)
