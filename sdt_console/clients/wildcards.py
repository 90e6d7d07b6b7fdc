"""Docker's wildcards as regular expressions: Go's ``filepath.Match``, and ``**`` where that is known."""

from __future__ import annotations

import re


class PatternError(ValueError):
    """A pattern that cannot be read."""


def glob(pattern: str, *, folders: bool = False) -> re.Pattern[str]:
    """``pattern`` for ``fullmatch``; ``*`` and ``?`` do not cross a slash.

    :param folders: ``**`` stands for any number of folders, as in ``.dockerignore``.
    :raises PatternError: it is none.
    """
    out, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if folders and char == "*" and pattern.startswith("*", at):
            at += 1
            if pattern.startswith("/", at):
                at += 1
            out += ".*" if at == len(pattern) else "(.*/)?"
        elif char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "\\" and at < len(pattern):
            out += re.escape(pattern[at])
            at += 1
        elif char == "\\" and folders:
            raise PatternError(f"syntax error in pattern {pattern!r}")
        elif char == "[":
            end = _class_end(pattern, at)
            if end < 0:
                raise PatternError(f"syntax error in pattern {pattern!r}")
            out += _char_class(pattern[at:end])
            at = end + 1
        else:
            out += re.escape(char)
    try:
        return re.compile(out, re.DOTALL)
    except re.error:
        raise PatternError(f"syntax error in pattern {pattern!r}") from None


def _class_end(pattern: str, at: int) -> int:
    """Index of the ``]`` that closes the class whose inside begins at ``at``; -1 if none does."""
    at += pattern.startswith("^", at)
    begin = at
    while at < len(pattern):
        if pattern[at] == "]" and at > begin:
            return at
        at += 2 if pattern[at] == "\\" else 1
    return -1


def _char_class(inside: str) -> str:
    """A class as a regular expression: Go's ``[^a-z]`` is Python's, but for what else is special in it."""
    negated = inside.startswith("^")
    body = inside.removeprefix("^")
    body = re.sub(r"(?<!\\)([\[&~|])", r"\\\1", body)
    return f"[{'^' if negated else ''}{body}]"
