"""What `detect` must say, worked out in another way: from two whole trees instead of a diff.

It shares no code with the implementation: no model, no git diff, no pathspec, no graph. It reads the catalog
as the plain tables of TOML and decides by these words:

- A service is selected if a file in its own folder changed that no pattern ignores.
- A changed file in a shared module selects what uses the module, through other modules too.
- A changed build file selects what it governs; so do the service's Dockerfile and its context's ignore file.
- A pending service and a data service are never selected, nor is a service whose folder is not in the tree.
- A folder may be reached through symbolic links or lie in a submodule: a change of those is a change in it.
- With nothing to compare with, or when asked to, every active service that is there is selected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LINK = 0o120000
SUBMODULE = 0o160000

Tree = Mapping[bytes, tuple[int, bytes]]
"""Path → mode and content (link target, submodule commit) of every entry of a commit."""


@dataclass(frozen=True)
class Verdict:
    """What is expected of one service.

    :param files: the changed paths that speak for it; what is said of a service that is not there, or not
        there yet, is only its own.
    """

    selected: bool
    files: frozenset[bytes]
    own: frozenset[bytes]


def expected(
    catalog: Mapping[str, Any], before: Tree | None, after: Tree, *, forced: bool
) -> dict[str, Verdict]:
    """Name → verdict, for every service of the catalog.

    :param before: ``None`` where there is nothing to compare with.
    """
    changed = set() if before is None else {p for p in {*before, *after} if before.get(p) != after.get(p)}
    source = catalog.get("source", {})
    visible = {path for path in changed if not ignored(path, source.get("ignore", []))}
    touched = {
        module["name"]: {
            path for path in visible if any(inside(path, at) for at in places(module["path"], after))
        }
        | governing(module, source, changed)
        for module in catalog.get("shared", [])
    }
    verdicts: dict[str, Verdict] = {}
    for service in catalog["services"]:
        own = {
            path
            for at in places(service["path"], after)
            for path in visible
            if inside(path, at) and not ignored(below(path, at), service.get("ignore", []))
        }
        files = (
            own | governing(service, source, changed) | {p for p in changed if p in docker(service, source)}
        )
        for module in modules(service, catalog.get("shared", [])):
            files |= touched[module]
        there = exists(service["path"], after)
        active = service.get("state", "active") == "active"
        wanted = bool(files) or forced or before is None
        verdicts[service["name"]] = Verdict(wanted and there and active, frozenset(files), frozenset(own))
    return verdicts | {d["name"]: Verdict(False, frozenset(), frozenset()) for d in catalog.get("data", [])}


def inside(path: bytes, folder: bytes) -> bool:
    return folder == b"" or path == folder or path.startswith(folder + b"/")


def below(path: bytes, folder: bytes) -> bytes:
    """``path`` as seen from ``folder``; empty for what stands in the folder's place."""
    return path[len(folder) :].removeprefix(b"/")


def clean(path: str) -> bytes:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return "/".join(parts).encode("utf-8", "surrogateescape")


def places(path: str, tree: Tree) -> set[bytes]:
    """Where a folder is: its own path, each link or submodule on the way, and what the links lead to."""
    return set(walk(clean(path), tree))


def exists(path: str, tree: Tree) -> bool:
    *_, last = walk(clean(path), tree)
    if last == b"" or last.startswith(b"../"):
        return True
    if last in tree:
        return tree[last][0] != LINK  # links in a circle
    return any(entry.startswith(last + b"/") for entry in tree)


def walk(path: bytes, tree: Tree) -> Iterator[bytes]:
    yield path
    for _ in range(40):
        parts = path.split(b"/")
        for end in range(1, len(parts) + 1):
            prefix = b"/".join(parts[:end])
            mode, content = tree.get(prefix, (0, b""))
            if mode == SUBMODULE:
                yield prefix
                return
            if mode == LINK:
                yield prefix
                path = resolved(b"/".join([*parts[: end - 1], content, *parts[end:]]))
                break
        else:
            return
        yield path
        if path.startswith(b"../"):
            return


def resolved(path: bytes) -> bytes:
    """``path`` without ``.`` and ``..``; one that leaves the repository keeps a leading ``..``."""
    stack: list[bytes] = []
    for part in path.split(b"/"):
        if part == b".." and stack and stack[-1] != b"..":
            stack.pop()
        elif part not in (b"", b"."):
            stack.append(part)
    return b"/".join(stack)


def governing(part: Mapping[str, Any], source: Mapping[str, Any], changed: Iterable[bytes]) -> set[bytes]:
    files = part["build_files"] if part.get("build_files") is not None else source.get("build_files", [])
    return set(changed) & {clean(file) for file in files}


def docker(service: Mapping[str, Any], source: Mapping[str, Any]) -> set[bytes]:
    pattern = service.get("dockerfile") or source.get("dockerfile", "{path}/Dockerfile")
    context = service.get("context") or source.get("context", ".")
    dockerfile, ignore_file = (
        clean(text.replace("{service}", service["name"]).replace("{path}", service["path"]))
        for text in (pattern, f"{context}/.dockerignore")
    )
    return {dockerfile, dockerfile + b".dockerignore", ignore_file}


def modules(service: Mapping[str, Any], shared: Iterable[Mapping[str, Any]]) -> set[str]:
    uses = {module["name"]: set(module.get("uses", [])) for module in shared}
    found = set(service.get("uses", []))
    while True:
        more = found.union(*(uses[name] for name in found)) if found else found
        if more == found:
            return found
        found = more


def ignored(path: bytes, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns holds; only the five kinds that the generated catalogs have.

    ``*.md`` and ``NAME`` at any depth, ``NAME/`` a folder at any depth, ``/a/b`` from the root, ``a/**``
    inside a.
    """
    parts = path.split(b"/")
    for text in patterns:
        pattern = text.encode()
        if pattern.startswith(b"*."):
            hit = any(part.endswith(pattern[1:]) for part in parts)
        elif pattern.startswith(b"/"):
            hit = inside(path, pattern[1:])
        elif pattern.endswith(b"/**"):
            hit = path.startswith(pattern[:-2])
        elif pattern.endswith(b"/"):
            hit = pattern[:-1] in parts[:-1]
        else:
            hit = pattern in parts
        if hit:
            return True
    return False
