"""Where the parts of the catalog lie in the repository's tree."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sdt_console.catalog.model import Catalog, Service, Shared
from sdt_console.pipeline.base import WORKTREE, Range
from sdt_console.pipeline.ports import Repository
from sdt_console.text import visible

_LINK = "120000"
_SUBMODULE = "160000"
_MOST_LINKS = 40  # as the kernel


class Folder(NamedTuple):
    """Names of the services and shared modules that lie in one place."""

    services: list[str]
    shared: list[str]


@dataclass
class Places:
    """Path → the parts that a change there, or below it, speaks for."""

    folders: dict[str, Folder] = field(default_factory=dict)
    governing: dict[str, list[Service | Shared]] = field(default_factory=dict)
    dockerfiles: dict[str, list[Service]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    """Services whose folder is not in the tree."""
    remarks: list[str] = field(default_factory=list)


def find(catalog: Catalog, repo: Repository, span: Range, deleted: Sequence[str] = ()) -> Places:
    """Read from the tree which folders exist, and follow those that links or submodules stand for.

    :param deleted: paths that are gone from the files on disk, as git sees it: what a sparse checkout leaves
        out is not.
    """
    places = Places()
    parts: list[Service | Shared] = [*catalog.services, *catalog.shared]
    tree = _Tree(repo, span.tree)
    tree.ask(normal(part.path) for part in parts)
    for part in parts:
        folder = normal(part.path)
        trail = list(tree.walk(folder))
        for place in dict.fromkeys(trail):
            here = places.folders.setdefault(place, Folder([], []))
            (here.services if isinstance(part, Service) else here.shared).append(part.name)
        exists = tree.has(trail[-1])
        if span.head == WORKTREE and folder:
            gone = any(path.startswith(f"{folder}/") for path in deleted)
            exists = (repo.path / folder).is_dir() or (exists and not gone)
        if isinstance(part, Service) and not exists:
            places.missing.add(part.name)
        if _outside(trail[-1]):
            told = f"{part.name}: its folder {visible(folder)} is a link that leaves the repository"
            places.remarks.append(told)
        for file in catalog.build_files(part):
            places.governing.setdefault(normal(file), []).append(part)
        if isinstance(part, Service):
            for file in _docker_files(catalog, part):
                places.dockerfiles.setdefault(file, []).append(part)
    return places


def normal(path: str) -> str:
    """``path`` as git writes it; the repository's root is the empty string."""
    tidy = posixpath.normpath(path)
    return "" if tidy == "." else tidy


def _docker_files(catalog: Catalog, service: Service) -> Iterable[str]:
    dockerfile = normal(catalog.dockerfile(service))
    return (dockerfile, f"{dockerfile}.dockerignore", normal(f"{catalog.context(service)}/.dockerignore"))


def _outside(path: str) -> bool:
    return path == ".." or path.startswith(("../", "/"))


class _Tree:
    """A commit's entries, read in as few calls as the links in it allow."""

    def __init__(self, repo: Repository, commit: str) -> None:
        self._repo = repo
        self._commit = commit
        self._modes: dict[str, str] = {}
        self._asked: set[str] = set()

    def ask(self, paths: Iterable[str]) -> None:
        """Read the modes of ``paths`` and of the folders on the way to them."""
        wanted = {prefix for path in paths if not _outside(path) for prefix in _prefixes(path)} - self._asked
        if wanted:
            self._asked |= wanted
            self._modes |= self._repo.entries(self._commit, sorted(wanted))

    def has(self, path: str) -> bool:
        """Whether a walk that ended at ``path`` ended somewhere; a link there is one of a circle."""
        return path == "" or _outside(path) or self._modes.get(path, _LINK) != _LINK

    def walk(self, path: str) -> Iterator[str]:
        """``path``, then every link or submodule on the way and where it leads; where it ends comes last."""
        yield path
        for _ in range(_MOST_LINKS):
            self.ask([path])
            at = next((p for p in _prefixes(path) if self._modes.get(p) in (_LINK, _SUBMODULE)), None)
            if at is None:
                return
            yield at
            if self._modes[at] == _SUBMODULE:
                return
            target = self._repo.link_target(self._commit, at)
            path = normal(posixpath.join(posixpath.dirname(at), target) + path[len(at) :])
            yield path
            if _outside(path):
                return


def _prefixes(path: str) -> list[str]:
    """``a``, ``a/b``, ``a/b/c`` for ``a/b/c``; nothing for the root."""
    slashes = [at for at, char in enumerate(path) if char == "/"]
    return [path[:end] for end in (*slashes, len(path))] if path else []
