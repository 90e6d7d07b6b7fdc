"""Commits → changed files → services, each with the reason why it was, or was not, selected."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from sdt_console.catalog.graph import reachable
from sdt_console.catalog.ignore import ignored
from sdt_console.catalog.model import Catalog, Service
from sdt_console.model import Change, Detection, Selection
from sdt_console.pipeline.base import Range, resolve
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
    return select(
        catalog, repo, compare(repo, base, head, worktree=worktree), force_full_build=force_full_build
    )


class Comparison(NamedTuple):
    """What a range of commits changed; nothing of it depends on the catalog."""

    span: Range
    changes: Sequence[Change]


def compare(
    repo: Repository, base: str | None = None, head: str | None = None, *, worktree: bool = False
) -> Comparison:
    """The first half of :func:`detect`: most of its time, and git's."""
    span = resolve(repo, base, head, worktree=worktree)
    if span.everything or span.base == span.head:
        return Comparison(span, ())
    changed = repo.worktree_changes(span.base) if worktree else repo.changes(span.base, span.head)
    return Comparison(span, changed)


def select(
    catalog: Catalog, repo: Repository, comparison: Comparison, *, force_full_build: bool = False
) -> Detection:
    """The second half of :func:`detect`: changed files → services."""
    span, changes = comparison
    places = find(catalog, repo, span, [change.path for change in changes if change.status == "D"])
    votes = _Votes(catalog, places, changes)
    forced = "full build was asked for" if force_full_build else span.everything
    selections = [_judge(catalog, service, votes, places, forced) for service in catalog.services]
    selections += [Selection(d.name, False, "data service: watched, never built") for d in catalog.data]
    told = [r for r in (span.remark, span.everything and f"{span.everything}: all active services") if r]
    absent = [s.name for s in selections if s.name in places.missing and not s.files]
    active = {s.name for s in catalog.active}
    return Detection(
        span.base,
        span.head,
        tuple(selections),
        (*told, *places.remarks),
        tuple(name for name in absent if name in active),
    )


class _Votes:
    """Which changed files speak for which part: part's name → files."""

    def __init__(self, catalog: Catalog, places: Places, changes: Sequence[Change]) -> None:
        self.own: dict[str, set[str]] = {}
        self.shared: dict[str, set[str]] = {}
        self.governing: dict[str, set[str]] = {}
        self.docker: dict[str, set[str]] = {}
        self.ignored: dict[str, set[str]] = {}
        renames = [change for change in changes if change.status == "R"]
        changed = {change.path for change in changes}.union(change.old_path for change in renames)
        self._count_folders(catalog, places, sorted(changed))
        for path in changed & places.governing.keys():
            for part in places.governing[path]:
                target = self.governing if isinstance(part, Service) else self.shared
                target.setdefault(part.name, set()).add(path)
        for path in changed & places.dockerfiles.keys():
            for service in places.dockerfiles[path]:
                self.docker.setdefault(service.name, set()).add(path)
        self.moved = self._moves(renames)

    def _count_folders(self, catalog: Catalog, places: Places, paths: list[str]) -> None:
        """Place by place rather than file by file: what lies in a folder is one slice of the sorted paths."""
        hidden = ignored(catalog.source.ignore, paths)
        own_ignore = {s.name: s.ignore for s in catalog.services if s.ignore}
        for place, (services, shared) in places.folders.items():
            inside = _inside(paths, place)
            if not inside:
                continue
            told = [path for path in inside if path not in hidden]
            for name in shared:
                self.shared.setdefault(name, set()).update(told)
            for name in services:
                own = set(told)
                if name in own_ignore:
                    seen = {_seen_from(place, path): path for path in told if path != place}
                    own -= {seen[path] for path in ignored(own_ignore[name], list(seen))}
                self.own.setdefault(name, set()).update(own)
                self.ignored.setdefault(name, set()).update(set(inside) - own)

    def _moves(self, renames: Sequence[Change]) -> dict[str, list[tuple[str, str]]]:
        """Service → (``from`` or ``to``, other service) for each file that changed its owner."""
        owners: dict[str, set[str]] = {path: set() for c in renames for path in (c.path, c.old_path)}
        for name, files in self.own.items() if renames else ():
            for path in files & owners.keys():
                owners[path].add(name)
        moved: dict[str, list[tuple[str, str]]] = {}
        for change in renames:
            before, after = owners[change.old_path], owners[change.path]
            for name in after - before:
                moved.setdefault(name, []).extend(("from", other) for other in sorted(before - after))
            for name in before - after:
                moved.setdefault(name, []).extend(("to", other) for other in sorted(after - before))
        return moved


def _inside(paths: list[str], place: str) -> list[str]:
    """Those of the sorted ``paths`` that are ``place`` or lie below it."""
    if not place:
        return paths
    # "0" is the character after "/", so all that lies below is between the two.
    below = paths[bisect_left(paths, f"{place}/") : bisect_left(paths, f"{place}0")]
    at = bisect_left(paths, place)
    return [place, *below] if paths[at : at + 1] == [place] else below


def _seen_from(place: str, path: str) -> str:
    return path[len(place) + 1 :] if place else path


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
