"""Ignore patterns as git reads them (gitignore(5), wildmatch), on any path git can hold.

Written here because the known library differs from git where it matters to us: it lets ``$`` match before a
newline and ``.`` stop at one, so names with newlines are judged wrongly; it reads some bracket expressions
and negated folders differently. A property test holds this file against ``git check-ignore``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_CLASSES = {
    b"alnum": rb"0-9A-Za-z", b"alpha": rb"A-Za-z", b"blank": rb" \t", b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9", b"graph": rb"!-~", b"lower": rb"a-z", b"print": rb" -~",
    b"punct": rb"!-/:-@\[-`{-~", b"space": rb" \t-\r", b"upper": rb"A-Z", b"xdigit": rb"0-9A-Fa-f",
}  # fmt: skip
_NOTHING = b"(?!)"


def ignored(patterns: Sequence[str], paths: Sequence[str]) -> set[str]:
    """Those of ``paths`` that are ignored: the last pattern to match one, or a folder it lies in, decides.

    Patterns that cannot match, such as ``[a`` or ``a\\``, match nothing, as in git.

    :param paths: of files, ``/``-separated, relative to where the patterns apply.
    """
    runs: list[_Run] = []
    for text in patterns:
        pattern = _parse(_encoded(text))
        if pattern is not None:
            if not runs or runs[-1].negated != pattern.negated:
                runs.append(_Run(pattern.negated))
            runs[-1].add(pattern)
    if not runs or not paths:
        return set()
    matcher = _Matcher(runs[::-1])
    names = [path.split(b"/") for path in _encoded("\0".join(paths)).split(b"\0")]
    suspects = matcher.suspects(set().union(*names))
    if suspects is not None:
        paths = [path for path, parts in zip(paths, names, strict=True) if not suspects.isdisjoint(parts)]
    return {path for path in paths if matcher.ignores(_encoded(path))}


def fault(pattern: str) -> str:
    """Why ``pattern`` can match nothing; empty if it can match something."""
    parsed = _parse(_encoded(pattern))
    if parsed is None:
        return "it is empty or a comment"
    if _NOTHING in parsed.regex:
        return "it has a bracket without its end, an unknown [:class:], or a backslash with nothing behind it"
    return ""


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class _Pattern:
    """:param anchored: matches whole paths; else the last part of a path, at any depth."""

    regex: bytes
    negated: bool
    folders_only: bool
    anchored: bool


@dataclass
class _Run:
    """Consecutive patterns of one sign: which of them matches does not matter."""

    negated: bool
    patterns: list[_Pattern] = field(default_factory=list)

    def add(self, pattern: _Pattern) -> None:
        self.patterns.append(pattern)

    def regex(self, anchored: bool, folder: bool) -> re.Pattern[bytes] | None:
        chosen = [p.regex for p in self.patterns if p.anchored == anchored and (folder or not p.folders_only)]
        return re.compile(b"|".join(chosen), re.DOTALL) if chosen else None


class _Matcher:
    """Keeps its answers for folders: the files of a repository share them."""

    def __init__(self, runs: list[_Run]) -> None:
        """:param runs: the last one first."""
        self._files = _Verdicts(runs, folder=False)
        self._folders = _Verdicts(runs, folder=True)
        self._known: dict[bytes, bool] = {b"": False}

    def suspects(self, names: Iterable[bytes]) -> set[bytes] | None:
        """The names without which no path is ignored; ``None`` if a pattern looks at whole paths."""
        # What may match a file may match a folder.
        return None if self._folders.paths else {name for name in names if self._folders.matches(name)}

    def ignores(self, path: bytes) -> bool:
        folder, _, name = path.rpartition(b"/")
        # In an ignored folder nothing can be taken back.
        return self._folder(folder) or self._files.of(path, name)

    def _folder(self, path: bytes) -> bool:
        trail: list[tuple[bytes, bytes]] = []
        while path not in self._known:
            parent, _, name = path.rpartition(b"/")
            trail.append((path, name))
            path = parent
        ignored = self._known[path]
        for folder, name in reversed(trail):
            ignored = self._known[folder] = ignored or self._folders.of(folder, name)
        return ignored


class _Verdicts:
    """What the runs say of one entry, whatever lies above it."""

    def __init__(self, runs: list[_Run], *, folder: bool) -> None:
        self._signs = [not run.negated for run in runs]
        self._names = [(at, regex) for at, run in enumerate(runs) if (regex := run.regex(False, folder))]
        self.paths = [(at, regex) for at, run in enumerate(runs) if (regex := run.regex(True, folder))]

    def matches(self, name: bytes) -> bool:
        return any(regex.fullmatch(name) for _, regex in self._names)

    def of(self, path: bytes, name: bytes) -> bool:
        hits = [at for at, regex in self._names if regex.fullmatch(name)]
        hits += [at for at, regex in self.paths if regex.fullmatch(path)]
        return self._signs[min(hits)] if hits else False


def _parse(line: bytes) -> _Pattern | None:
    if line.startswith(b"#"):
        return None
    text = _without_trailing_spaces(line)
    negated = text.startswith(b"!")
    text = text[negated:]
    folders_only = text.endswith(b"/")
    text = text[: -1 if folders_only else None]
    if not text:
        return None
    anchored = b"/" in text
    return _Pattern(_regex(text.removeprefix(b"/")), negated, folders_only, anchored)


def _without_trailing_spaces(line: bytes) -> bytes:
    """Git drops trailing spaces but one that a backslash quotes."""
    end = 0
    at = 0
    while at < len(line):
        step = 2 if line[at] == 0x5C else 1
        if line[at] != 0x20:
            end = min(at + step, len(line))
        at += step
    return line[:end]


def _regex(text: bytes) -> bytes:
    """A wildmatch pattern as a regular expression; one that never matches if the pattern is broken."""
    out = b""
    at = 0
    while at < len(text):
        char = text[at : at + 1]
        if char == b"*":
            piece, at = _stars(text, at)
        elif char == b"?":
            piece, at = b"[^/]", at + 1
        elif char == b"[":
            piece, at = _bracket(text, at + 1)
        elif char == b"\\":
            piece, at = (
                (re.escape(text[at + 1 : at + 2]), at + 2) if at + 1 < len(text) else (_NOTHING, at + 1)
            )
        else:
            piece, at = re.escape(char), at + 1
        out += piece
    return b"(?:" + out + b")"


def _stars(text: bytes, at: int) -> tuple[bytes, int]:
    """``**`` between slashes spans folders; any other run of stars stays within one name."""
    end = at
    while text[end : end + 1] == b"*":
        end += 1
    alone = end - at > 1 and (at == 0 or text[at - 1 : at] == b"/") and text[end : end + 1] in (b"", b"/")
    if not alone:
        return b"[^/]*", end
    return (b".*", end) if end == len(text) else (b"(?:.*/)?", end + 1)


def _bracket(text: bytes, at: int) -> tuple[bytes, int]:
    """A bracket expression, ``at`` behind its ``[``; no expression matches a slash."""
    negated = text[at : at + 1] in (b"!", b"^")
    at += negated
    members: list[bytes] = []
    first = True
    while first or text[at : at + 1] != b"]":
        first = False
        if at >= len(text):
            return _NOTHING, len(text)
        if text[at : at + 2] == b"[:":
            close = text.find(b"]", at + 2)
            if close < 0:
                return _NOTHING, len(text)
            if text[close - 1 : close] == b":" and close > at + 2:
                if text[at + 2 : close - 1] not in _CLASSES:
                    return _NOTHING, len(text)
                members.append(_CLASSES[text[at + 2 : close - 1]])
                at = close + 1
                continue
        low, at = _member(text, at)
        members.append(re.escape(low))
        if text[at : at + 1] == b"-" and text[at + 1 : at + 2] not in (b"", b"]"):
            high, at = _member(text, at + 1)
            if low <= high:
                members.append(re.escape(low) + b"-" + re.escape(high))
    inside = b"".join(members)
    if negated:
        return b"[^/" + inside + b"]", at + 1
    return (b"(?!/)[" + inside + b"]" if inside else _NOTHING), at + 1


def _member(text: bytes, at: int) -> tuple[bytes, int]:
    at += text[at : at + 1] == b"\\" and at + 1 < len(text)
    return text[at : at + 1], at + 1
