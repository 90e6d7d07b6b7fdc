"""The build context of a Dockerfile that no compose file tells: judged by what it copies and runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.dockerfile import Dockerfile, expand
from sdt_console.catalog.init.scan import Tree, join

_OUTPUT = frozenset({"target", "build", "dist", "out", "bin", "publish", ".next", ".output"})
_WRAPPER = re.compile(r"(?:^|[\s;&])(?:\./)?(gradlew|mvnw)\b")
_BUILDS = re.compile(
    r"\b(?:gradlew?|mvnw?|npm|yarn|pnpm|go\s+build|go\s+install|pip3?|poetry|uv|dotnet|cargo)\b"
)


def infer_context(
    tree: Tree,
    projects: Mapping[str, Project],
    dockerfile: Dockerfile,
    folder: str,
    owner: str,
    build_args: Mapping[str, str],
) -> str:
    """The folder from which ``dockerfile``, which lies in ``folder`` and builds ``owner``, can be built."""
    places = list(dict.fromkeys([folder, owner, *_above(owner), "."]))
    values = {**dockerfile.env, **build_args}
    score = dict.fromkeys(places, 0)
    for written in dockerfile.copies:
        source = expand(written, values).strip("\"'")
        jar = source.endswith((".jar", ".war")) and "/" not in source.removeprefix("./")
        if jar and "$" not in source and owner != folder and owner in projects:
            output = join(owner, "target" if tree.has(join(owner, "pom.xml")) else "build/libs")
            score[output] = score.get(output, 0) + 1
            continue
        for place in places:
            score[place] += _has(tree, projects, place, source)
    for wrapper in {found for run in dockerfile.runs for found in _WRAPPER.findall(run)}:
        for place in places:
            score[place] += tree.has(join(place, wrapper))
    best = max(score.values())
    if best:
        return next(place for place, points in score.items() if points == best)
    project = projects.get(owner)
    if folder not in projects and folder != owner:
        return "."
    inside = any(_BUILDS.search(run) for run in dockerfile.runs)
    return "." if inside and project is not None and project.uses else folder


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]


def _has(tree: Tree, projects: Mapping[str, Project], place: str, source: str) -> bool:
    """Whether ``source`` of a ``COPY`` can be meant from ``place``; build output if its project is there."""
    parts = [part for part in source.split("/") if part not in ("", ".")]
    if not parts or "$" in source or parts == ["*"]:
        return False
    made = next((i for i, part in enumerate(parts) if part in _OUTPUT), None)
    if made is not None and not tree.has(join(place, "/".join(parts))):
        return join(place, "/".join(parts[:made])) in projects
    wild = next((i for i, part in enumerate(parts) if set(part) & set("*?[")), None)
    if wild is None:
        return tree.has(join(place, "/".join(parts)))
    where = join(place, "/".join(parts[:wild]))
    names = [*tree.files.get(where, ()), *tree.folders.get(where, ())]
    return any(fnmatchcase(name, parts[wild][:100]) for name in names)
