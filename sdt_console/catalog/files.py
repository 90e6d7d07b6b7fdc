"""Reading and walking a repository that is not trusted.

Nothing outside of the repository is read, whatever its symbolic links say; nothing but regular files,
so that a named pipe cannot stop us; and no file beyond a limit.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from sdt_console.errors import CatalogError
from sdt_console.text import visible

LIMIT = 1 << 20
"""Bytes of the largest file that is read."""

GENERATED = frozenset(
    {"node_modules", "vendor", "target", "build", "dist", "out", "bin", "obj", "venv", "__pycache__"}
    | {"third_party", "bower_components", "site-packages"}
)
"""Folders whose content is made or fetched by a build; folders that start with a dot are left out too."""


class UnreadableError(CatalogError):
    """A file of the repository that cannot, or must not, be read."""


def read_bytes(repo: Path, path: str, limit: int = LIMIT) -> bytes:
    """The content of the regular file ``path``, which is relative to ``repo``.

    :raises UnreadableError: it is missing, leads out of ``repo``, is no regular file or is beyond ``limit``.
    """
    root = os.path.realpath(repo)
    try:
        real = os.path.realpath(repo / path, strict=True)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"cannot read {visible(path)}", _reason(error)) from error
    if real != root and not real.startswith(root.rstrip("/") + "/"):
        raise UnreadableError(f"cannot read {visible(path)}", "it leads out of the repository")
    try:
        handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UnreadableError(f"cannot read {visible(path)}", "it is not a regular file")
            content = file.read(limit + 1)
    except OSError as error:
        raise UnreadableError(f"cannot read {visible(path)}", _reason(error)) from error
    if len(content) > limit:
        raise UnreadableError(f"cannot read {visible(path)}", f"it is larger than {limit} bytes")
    return content


def read_text(repo: Path, path: str, limit: int = LIMIT) -> str:
    """As :func:`read_bytes`, decoded as UTF-8; what is not is replaced, a byte order mark dropped."""
    return read_bytes(repo, path, limit).decode("utf-8-sig", "replace").replace("\r\n", "\n")


def walk(
    repo: Path, skip: frozenset[str] = GENERATED, depth: int = 16, most: int = 500_000
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Folders of ``repo`` from the top, as (folder, names of subfolders, names of files), all sorted.

    ``folder`` is relative, ``.`` for the top. Symbolic links are listed with the files, and not followed.
    Folders named in ``skip`` (in any case), hidden ones and those that cannot be listed are left out.

    :param depth: levels of folders below the top.
    :param most: entries to look at before it stops.
    """
    pending = [("", 0)]
    seen = 0
    while pending:
        folder, level = pending.pop()
        folders: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(repo / folder) as entries:
                for entry in entries:
                    seen += 1
                    if not entry.is_dir(follow_symlinks=False):
                        files.append(entry.name)
                    elif not entry.name.startswith(".") and entry.name.lower() not in skip:
                        folders.append(entry.name)
        except OSError:
            continue
        folders.sort()
        files.sort()
        yield folder or ".", folders, files
        if seen > most:
            return
        if level < depth:
            pending.extend((f"{folder}/{name}" if folder else name, level + 1) for name in reversed(folders))


def is_folder(repo: Path, path: str) -> bool:
    """Whether ``path`` is a folder inside of ``repo``, also after symbolic links."""
    root = os.path.realpath(repo)
    try:
        real = os.path.realpath(repo / path, strict=True)
    except (OSError, ValueError):
        return False
    return (real == root or real.startswith(root.rstrip("/") + "/")) and Path(real).is_dir()


def is_file(repo: Path, path: str) -> bool:
    """Whether ``path`` is a regular file inside of ``repo``, also after symbolic links."""
    root = os.path.realpath(repo)
    try:
        real = os.path.realpath(repo / path, strict=True)
    except (OSError, ValueError):
        return False
    return real.startswith(root.rstrip("/") + "/") and Path(real).is_file()


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
