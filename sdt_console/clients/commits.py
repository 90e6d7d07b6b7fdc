"""Commits as git's object store has them: read with one call, however many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sdt_console.model import Commit

_AUTHOR = re.compile(rb"author (?P<name>.*?) ?<[^>]*> (?P<at>-?\d+) [+-]\d{4}")


def title_of(message: str) -> str:
    """What a commit is about, one line: its subject, or the pull request's title if it merges one."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    merged = re.match(r"Merge pull request (#\d+) from ", lines[0]) if lines else None
    if merged and len(lines) > 1:
        return f"{lines[1]} ({merged[1]})"
    return lines[0] if lines else ""


def batch(out: bytes, asked: Sequence[str]) -> Iterator[tuple[str, Commit]]:
    """What ``git cat-file --batch`` answers for ``asked``, in that order; what is missing is left out."""
    at = 0
    for name in asked:
        end = out.index(b"\n", at)
        head, at = out[at:end].split(b" "), end + 1
        if len(head) != 3 or not head[2].isdigit():
            continue  # "… missing", "… ambiguous"
        size = int(head[2])
        if head[1] == b"commit":
            yield name, _commit(head[0].decode(), out[at : at + size])
        at += size + 1


def _commit(name: str, data: bytes) -> Commit:
    head, _, message = data.partition(b"\n\n")
    encoding, author, at = "utf-8", "", 0.0
    for line in head.split(b"\n"):
        if line.startswith(b"encoding "):
            encoding = line[9:].decode("ascii", "replace")
        elif match := _AUTHOR.fullmatch(line):
            author, at = _text(match["name"], encoding), float(match["at"])
    return Commit(name, title_of(_text(message, encoding)), author, at)


def _text(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding, "replace")
    except LookupError:  # an encoding that nobody knows
        return data.decode("utf-8", "replace")
