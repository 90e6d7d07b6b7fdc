"""Which paths a ``.dockerignore`` leaves out, by Docker's rules (they are not git's).

Source: moby/patternmatcher. Patterns are rooted at the context, the last one that matches a path or one of
its parent folders decides, ``**`` crosses folders, ``!`` takes back in.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from sdt_console.clients.wildcards import PatternError, glob


@dataclass(frozen=True)
class _Rule:
    pattern: str
    includes: bool
    regex: re.Pattern[str]

    @property
    def literal(self) -> str:
        """The part before the first wildcard."""
        return re.split(r"[*?\[\\]", self.pattern, maxsplit=1)[0]


class Ignore:
    """The rules of one ``.dockerignore``.

    :raises PatternError: a pattern that Docker would refuse.
    """

    def __init__(self, text: str = "") -> None:
        self._rules = tuple(_rules(text))
        self._takes_back = tuple(rule for rule in self._rules if rule.includes)

    def __call__(self, path: str) -> bool:
        """Whether ``path`` (relative to the context) is left out."""
        candidates = _with_parents(path)
        ignored = False
        for rule in self._rules:
            if rule.includes == ignored and any(rule.regex.fullmatch(c) for c in candidates):
                ignored = not rule.includes
        return ignored

    def whole(self, folder: str) -> bool:
        """Whether everything below an ignored ``folder`` is left out too, so that it need not be read."""
        inside = folder + "/"
        for rule in self._takes_back:
            literal = rule.literal
            # Without wildcards the pattern must lie below the folder; with one, what comes before it must
            # not lead elsewhere. A pattern that names a parent of the folder takes it back in anyway.
            if inside.startswith(literal) or literal.startswith(inside):
                return False
        return True


def _with_parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _rules(text: str) -> list[_Rule]:
    found = []
    for line in text.removeprefix("\ufeff").split("\n"):
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        includes = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip() if includes else pattern
        if not pattern:
            raise PatternError('illegal exclusion pattern: "!"')
        pattern = posixpath.normpath(pattern)
        pattern = pattern.lstrip("/") if len(pattern.strip("/")) else pattern
        found.append(_Rule(pattern, includes, glob(pattern, folders=True)))
    return found
