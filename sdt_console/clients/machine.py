"""This machine as sdt needs it: which programs there are, and where it can write."""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from sdt_console.clients.docker_engine import root_cause, trouble


def python_version() -> str:
    return platform.python_version()


def git_version() -> str | None:
    """Such as ``2.39.5``; ``None`` if there is no git."""
    try:
        told = subprocess.run(["git", "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.removeprefix("git version ").split(" ")[0].strip()


def docker_version() -> tuple[str, str]:
    """Version of the Docker Engine that answers, or an empty string and why there is none."""
    missing = trouble()
    if missing is not None:
        return "", missing
    import docker

    client = docker.from_env(timeout=5)
    try:
        return str(client.version().get("Version", "")) or "of unknown version", ""
    except (docker.errors.DockerException, OSError) as error:
        return "", root_cause(error)
    finally:
        client.close()


def write_trouble(folder: Path) -> str | None:
    """Why nothing can be written into ``folder``, or into the folder it would be made in; ``None`` if it can.

    What is written to find out is a file without a name.
    """
    place = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"sdt")
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return None


def free_bytes(folder: Path) -> int:
    """Free space where ``folder`` is or would be made."""
    return shutil.disk_usage(_existing(folder)).free


def _existing(folder: Path) -> Path:
    """``folder``, or the nearest one above it that exists."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
