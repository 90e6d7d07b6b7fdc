"""What a Dockerfile asks for that only one of an Engine's two builders can give it.

BuildKit without a session reads no ``.dockerignore``: a Dockerfile that may not be copied is there to copy
all the same. The classic builder leaves it out, but knows none of BuildKit's own options.
"""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase

from sdt_console.clients.dockerfile import DockerfileError, Instruction, parse

_ONLY_BUILDKIT = {
    "RUN": {"mount", "network", "security"},
    "COPY": {"link", "chmod", "parents", "exclude"},
    "ADD": {"link", "chmod", "checksum", "keep-git-dir", "exclude"},
}


def needs_buildkit(text: str) -> bool:
    """Whether the classic builder would refuse this Dockerfile; one that we cannot read, such as with
    here-documents, is taken to need it."""
    try:
        steps = parse(text).instructions
    except DockerfileError:
        return True
    return any(_ONLY_BUILDKIT.get(step.name, set()) & set(step.flags) for step in steps)


def may_copy(text: str, path: str) -> bool:
    """Whether an instruction could take the file ``path`` of the context along; yes if we cannot tell."""
    try:
        steps = parse(text).instructions
    except DockerfileError:
        return True
    return any(_may_take(step, path) for step in steps)


def _may_take(step: Instruction, path: str) -> bool:
    if step.name == "RUN":
        return "mount" in step.flags  # a bind mount shows the whole context
    if step.name == "ONBUILD":
        return False  # for images based on this one, in contexts of their own
    if step.name not in ("COPY", "ADD") or "from" in step.flags:
        return False
    return any(_covers(source, path) for source in step.sources[:-1])


def _covers(source: str, path: str) -> bool:
    """Whether ``source``, a file, folder or pattern, is or holds ``path``."""
    if "$" in source or "[" in source or "\\" in source or '"' in source or "'" in source:
        return True
    folder = posixpath.normpath(f"/{source}").strip("/")
    if not folder:
        return True
    parts = folder.split("/")
    return len(parts) <= path.count("/") + 1 and all(
        fnmatchcase(name, part) for name, part in zip(path.split("/"), parts, strict=False)
    )
