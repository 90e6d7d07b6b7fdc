"""What ``COPY`` puts where: sources with wildcards and links, and the rules for the destination.

Source: the Dockerfile reference, "COPY"; where it is silent, what a Docker Engine does.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from sdt_console.clients.oci import Entry
from sdt_console.clients.wildcards import PatternError, glob

Owner = tuple[int, int]
"""Numbers of user and group."""

ROOT: Owner = (0, 0)
_LINKS = 40
_WILD = re.compile(r"[*?\[\\]")


class CopyError(ValueError):
    """Why a copy cannot be made."""


class Source(Protocol):
    """Where files are copied from: the build context, or an earlier stage. Paths have no leading slash."""

    def get(self, path: str) -> Entry | None: ...

    def names(self, folder: str = "") -> Sequence[str]:
        """What lies directly in ``folder``, sorted; nothing if it is none."""

    def walk(self, under: str = "") -> Iterable[Entry]:
        """Entries at and below ``under`` that may be copied, folders before what is in them."""


class Tree:
    """The file system of a stage: what is there, and what the current layer adds."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = {entry.path: entry for entry in entries}
        self._added: dict[str, Entry] = {}

    def get(self, path: str) -> Entry | None:
        return self._entries.get(path)

    def names(self, folder: str = "") -> Sequence[str]:
        inside = f"{folder}/" if folder else ""
        below = (path[len(inside) :] for path in self._entries if path.startswith(inside))
        return sorted({path.partition("/")[0] for path in below})

    def walk(self, under: str = "") -> Iterator[Entry]:
        inside = f"{under}/" if under else ""
        for path in sorted(self._entries):
            if path == under or path.startswith(inside):
                yield self._entries[path]

    def put(self, entry: Entry) -> None:
        """Add an entry; a folder over a folder keeps what is in it."""
        before = self.get(entry.path)
        if before is not None and (before.kind == "folder") != (entry.kind == "folder"):
            raise CopyError(f"cannot put a {entry.kind} over the {before.kind} /{entry.path}")
        for parent in _parents(entry.path):
            if parent in self._entries and parent not in self._added:
                self._added[parent] = self._entries[parent]
        self._entries[entry.path] = self._added[entry.path] = entry

    def folder(self, path: str, owner: Owner = ROOT, above: Owner = ROOT) -> str:
        """Make the folder and those above it, where they are missing; its true path, links followed.

        :param owner: of the folder itself, if it is made.
        :param above: of those above it that are made.
        """
        path = resolve(self, path)
        for step in [*_parents(path), path]:
            existing = self.get(step) if step else None
            if existing is not None and existing.kind != "folder":
                raise CopyError(f"/{step} is a {existing.kind}, not a folder")
            if step and existing is None:
                uid, gid = owner if step == path else above
                self.put(Entry(step, "folder", 0o755, uid=uid, gid=gid))
        return path

    def layer(self) -> list[Entry]:
        """What was added since the last call, with the folders above it."""
        added, self._added = self._added, {}
        return list(added.values())


def copy(
    source: Source,
    patterns: Sequence[str],
    target: str,
    tree: Tree,
    *,
    owner: Owner | None = None,
    mode: int | None = None,
) -> None:
    """Copy into ``tree``.

    :param target: absolute path in the image; a slash at its end says that it is a folder.
    :param owner: of everything copied, instead of the source's.
    :param mode: permission bits of everything copied, instead of the source's.
    :raises CopyError: a source that is not there, or a destination that does not fit.
    """
    into = target.endswith("/")
    found = [path for pattern in patterns for path in _match(source, pattern)]
    if not found:
        raise CopyError(f"no source files were found for {', '.join(patterns)}")
    if len(found) > 1 and not into:
        raise CopyError("with more than one source the destination must be a folder and end with a slash")
    base = target.strip("/")
    for path in found:
        true_path = resolve(source, path)
        entries = list(source.walk(true_path))
        if not entries and true_path:
            leads = "" if true_path == path else f" leads to {true_path}, which"
            raise CopyError(f"{path}{leads} is not in the build context, or .dockerignore leaves it out")
        whole = not true_path or (entries[0].path == true_path and entries[0].kind == "folder")
        if whole:
            folder = tree.folder(base, owner or ROOT, above=owner or ROOT)
            moved = [(entry, _inside(entry.path, true_path)) for entry in entries]
        else:
            existing = tree.get(resolve(tree, base)) if base else None
            as_folder = into or not base or (existing is not None and existing.kind == "folder")
            given = owner or ROOT
            folder = tree.folder(base if as_folder else posixpath.dirname(base), given, above=given)
            name = posixpath.basename(path if as_folder else base)
            moved = [(entries[0], name)]
        for entry, name in moved:
            if name:
                uid, gid = owner or (entry.uid, entry.gid)
                changed = replace(entry, path=posixpath.join(folder, name), uid=uid, gid=gid)
                tree.put(changed if mode is None or entry.kind == "link" else replace(changed, mode=mode))


def _inside(path: str, folder: str) -> str:
    return path.removeprefix(folder).lstrip("/")


def _match(source: Source, pattern: str) -> list[str]:
    """Paths that one source operand names, in order; it cannot leave the source."""
    path = posixpath.normpath("/" + pattern).lstrip("/")
    if not _WILD.search(path):
        return [path]
    found = [""]
    for part in path.split("/"):
        regex = _glob(part)
        found = [
            posixpath.join(folder, name)
            for folder in found
            for name in (source.names(folder) if _WILD.search(part) else [part])
            if regex.fullmatch(name)
        ]
    # What the ignore file leaves out has nothing to walk over.
    return [path for path in found if next(iter(source.walk(path)), None) is not None]


def _glob(pattern: str) -> re.Pattern[str]:
    try:
        return glob(pattern)
    except PatternError as error:
        raise CopyError(str(error)) from None


def resolve(source: Source, path: str) -> str:
    """``path`` with symbolic links followed inside ``source``, whose root no link can leave.

    What is not there is taken as written.
    """
    done: list[str] = []
    todo = [part for part in path.split("/") if part not in ("", ".")]
    links = 0
    while todo:
        part = todo.pop(0)
        if part == "..":
            done = done[:-1]
            continue
        here = "/".join([*done, part])
        entry = source.get(here)
        if entry is None or entry.kind != "link":
            done.append(part)
            continue
        links += 1
        if links > _LINKS:
            raise CopyError(f"too many links in {path}")
        if entry.link.startswith("/"):
            done = []
        todo = [step for step in entry.link.split("/") if step not in ("", ".")] + todo
    return "/".join(done)


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]
