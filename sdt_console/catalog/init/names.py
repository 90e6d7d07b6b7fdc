"""Names as the catalog and AWS allow them, made from whatever people call their folders."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

LONGEST = 60
GENERIC = frozenset(
    {"src", "app", "docker", "dockerfiles", "deploy", "deployment", "deployments", "container", "containers"}
    | {"images", "image", "packaging", "package", "main", "code", "source"}
)
"""Folder names that say nothing of what is in them."""
_PARENT = re.compile(
    r"-(?:parent|root|aggregator|aggregate|reactor|pom|build|monorepo|repo|micro-?services)$"
)


@lru_cache(maxsize=1 << 15)
def clean(text: str, fallback: str = "service") -> str:
    """``text`` as a name: lower case, words joined by ``-``. An image repository allows no capitals."""
    plain = unicodedata.normalize("NFKD", text[:400]).encode("ascii", "ignore").decode()
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", plain)
    words = re.sub(r"[^A-Za-z0-9_]+", "-", words).lower()
    return words.strip("-_")[:LONGEST].strip("-_") or fallback


def system_name(text: str) -> str:
    """``text`` as the name of the whole system, without what only says that it is the parent of a build."""
    name = clean(text.rpartition("/")[2] or text, "system")
    return _PARENT.sub("", name) or name


def folder_name(path: str, fallback: str) -> str:
    """What the folder ``path`` is called by people; ``fallback`` if no part of it says anything."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    while parts and parts[-1].lower() in GENERIC:
        parts.pop()
    return clean(parts[-1]) if parts else fallback


def unique(wanted: str, path: str, taken: Iterable[str]) -> str:
    """``wanted``; with the names of the folders above it, or a number, where that is ``taken``."""
    used = set(taken)
    name = wanted
    for part in reversed([part for part in path.split("/")[:-1] if part not in ("", ".")]):
        if name not in used:
            return name
        name = clean(f"{clean(part)}-{name}")
    if name not in used:
        return name
    number = next(n for n in range(2, len(used) + 3) if f"{name[: LONGEST - 5]}-{n}" not in used)
    return f"{name[: LONGEST - 5]}-{number}"
