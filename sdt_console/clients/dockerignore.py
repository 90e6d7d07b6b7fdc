"""Which paths a ``.dockerignore`` leaves out, by Docker's rules (they are not git's).

Source: moby/patternmatcher. Patterns are rooted at the context, the last one that matches a path or one of
its parent folders decides, ``**`` crosses folders, ``!`` takes back in.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass


class PatternError(ValueError):
    """A pattern that cannot be read."""


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
        found.append(_Rule(pattern, includes, _regex(pattern)))
    return found


def _regex(pattern: str) -> re.Pattern[str]:
    out, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern.startswith("*", at):
            at += 1
            if pattern.startswith("/", at):
                at += 1
            out += ".*" if at == len(pattern) else "(.*/)?"
        elif char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "\\":
            if at == len(pattern):
                raise PatternError(f"syntax error in pattern {pattern!r}")
            out += re.escape(pattern[at])
            at += 1
        elif char == "[":
            end = class_end(pattern, at)
            if end < 0:
                raise PatternError(f"syntax error in pattern {pattern!r}")
            out += char_class(pattern[at:end])
            at = end + 1
        else:
            out += re.escape(char)
    try:
        return re.compile(out, re.DOTALL)
    except re.error:
        raise PatternError(f"syntax error in pattern {pattern!r}") from None


def class_end(pattern: str, at: int) -> int:
    """Index of the ``]`` that closes the class whose inside begins at ``at``; -1 if none does."""
    at += pattern.startswith("^", at)
    begin = at
    while at < len(pattern):
        if pattern[at] == "]" and at > begin:
            return at
        at += 2 if pattern[at] == "\\" else 1
    return -1


def char_class(inside: str) -> str:
    """A class as a regular expression: Go's ``[^a-z]`` is Python's, but for what else is special in it."""
    negated = inside.startswith("^")
    body = inside.removeprefix("^")
    body = re.sub(r"(?<!\\)([\[&~|])", r"\\\1", body)
    return f"[{'^' if negated else ''}{body}]"
