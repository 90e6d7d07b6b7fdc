"""Commits → changed files → services, each with the reason why it was, or was not, selected."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sdt_console.catalog.graph import reachable
from sdt_console.catalog.ignore import matcher
from sdt_console.catalog.model import Catalog, Service
from sdt_console.model import Change, Detection, Selection
from sdt_console.pipeline.base import WORKTREE, Range, resolve
from sdt_console.pipeline.places import Places, find
from sdt_console.pipeline.ports import Repository
from sdt_console.text import plural, visible


def detect(
    catalog: Catalog,
    repo: Repository,
    base: str | None = None,
    head: str | None = None,
    *,
    worktree: bool = False,
    force_full_build: bool = False,
) -> Detection:
    """Which services changed, and why.

    :param base: see :func:`sdt_console.pipeline.base.resolve`, as for ``head`` and ``worktree``.
    :param force_full_build: select every active service.
    :returns: every service of the catalog once, in catalog order.
    :raises UsageError: a revision is not in this repository.
    """
    span = resolve(repo, base, head, worktree=worktree)
    with ThreadPoolExecutor(1) as pool:
        # Git compares in a process of its own; where things lie is read meanwhile.
        comparing = pool.submit(_changes, repo, span)
        places = find(catalog, repo, span)
        votes = _Votes(catalog, places)
        changes = comparing.result()
    for change in changes:
        votes.count(change)
    forced = "full build was asked for" if force_full_build else span.everything
    selections = [_judge(catalog, service, votes, places, forced) for service in catalog.services]
    selections += [Selection(d.name, False, "data service: watched, never built") for d in catalog.data]
    told = [r for r in (span.remark, span.everything and f"{span.everything}: all active services") if r]
    return Detection(span.base, span.head, tuple(selections), (*told, *places.remarks))


def _changes(repo: Repository, span: Range) -> Sequence[Change]:
    if span.everything or span.base == span.head:
        return ()
    return repo.worktree_changes(span.base) if span.head == WORKTREE else repo.changes(span.base, span.head)


class _Votes:
    """Which changed files speak for which part."""

    def __init__(self, catalog: Catalog, places: Places) -> None:
        self.own: dict[str, set[str]] = {}
        self.shared: dict[str, set[str]] = {}
        self.governing: dict[str, set[str]] = {}
        self.docker: dict[str, set[str]] = {}
        self.ignored: dict[str, set[str]] = {}
        self.moved: dict[str, list[tuple[str, str]]] = {}
        self._places = places
        self._ignored = matcher(catalog.source.ignore)
        self._own_ignored = {s.name: matcher(s.ignore) for s in catalog.services if s.ignore}

    def count(self, change: Change) -> None:
        owners = self._file(change.path)
        if change.old_path and change.status == "R":
            before = self._file(change.old_path)
            for name in owners - before:
                self.moved.setdefault(name, []).extend(("from", other) for other in sorted(before - owners))
            for name in before - owners:
                self.moved.setdefault(name, []).extend(("to", other) for other in sorted(owners - before))

    def _file(self, path: str) -> set[str]:
        """Count one path; the services that own it."""
        for part in self._places.governing.get(path, ()):
            target = self.governing if isinstance(part, Service) else self.shared
            target.setdefault(part.name, set()).add(path)
        for service in self._places.dockerfiles.get(path, ()):
            self.docker.setdefault(service.name, set()).add(path)
        owners: set[str] = set()
        around = self._places.around(path)
        if not around:
            return owners
        ignored = self._ignored(path)
        for folder, (services, shared) in around:
            for name in services:
                if ignored or self._ignores(name, path[len(folder) :].lstrip("/")):
                    self.ignored.setdefault(name, set()).add(path)
                else:
                    owners.add(name)
                    self.own.setdefault(name, set()).add(path)
            for name in () if ignored else shared:
                self.shared.setdefault(name, set()).add(path)
        return owners

    def _ignores(self, name: str, path: str) -> bool:
        """:param path: as seen from the service's folder; empty for what stands in the folder's place."""
        return bool(path) and name in self._own_ignored and self._own_ignored[name](path)


def _judge(catalog: Catalog, service: Service, votes: _Votes, places: Places, forced: str) -> Selection:
    own = votes.own.get(service.name, set())
    docker = votes.docker.get(service.name, set())
    governing = votes.governing.get(service.name, set()) - docker
    files = own | docker | governing
    reasons: list[str] = []
    if own:
        reasons.append(
            f"{plural(len(own), 'file')} changed in {visible(service.path)}{_moves(votes, service.name)}"
        )
    if docker - own:
        names = " and ".join(visible(f) for f in sorted(docker - own))
        reasons.append(f"{names}, which its image is built with, changed")
    for file in sorted(governing):
        reasons.append(f"{visible(file)}, which governs it, changed")
    for module, through in _modules(catalog, service).items():
        touched = votes.shared.get(module)
        if touched:
            if touched - governing:
                reasons.append(f"uses {through}: {plural(len(touched), 'file')} changed there")
            files = files | touched
    found = tuple(sorted(files))
    if service.state == "pending":
        seen = f" ({plural(len(found), 'changed file')})" if own else ""
        return Selection(
            service.name, False, f"pending: its code is not there yet{seen}", found if own else ()
        )
    if service.name in places.missing:
        gone = f"its folder {visible(service.path)}"
        told = f"{gone} was deleted: nothing to build" if own else f"{gone} is not in the repository"
        return Selection(service.name, False, told, tuple(sorted(own)))
    if forced:
        return Selection(service.name, True, "; ".join([forced, *reasons]), found)
    if reasons:
        return Selection(service.name, True, "; ".join(reasons), found)
    ignored = votes.ignored.get(service.name, set())
    if ignored:
        return Selection(service.name, False, f"only ignored files changed ({len(ignored)})")
    return Selection(service.name, False, "nothing it is made of changed")


def _modules(catalog: Catalog, service: Service) -> dict[str, str]:
    """Shared modules that ``service`` uses → through which, such as ``a → b``; in catalog order."""
    edges = {shared.name: shared.uses for shared in catalog.shared} | {service.name: service.uses}
    came = reachable([service.name], edges)
    found: dict[str, str] = {}
    for shared in catalog.shared:
        if shared.name in came:
            trail = [shared.name]
            while came[trail[-1]] != service.name:
                trail.append(came[trail[-1]])
            found[shared.name] = " → ".join(reversed(trail))
    return found


def _moves(votes: _Votes, name: str) -> str:
    moves = votes.moved.get(name)
    if not moves:
        return ""
    told = sorted({f"{way} {other}" for way, other in moves})
    return f" ({len(moves)} moved {', '.join(told)})"
