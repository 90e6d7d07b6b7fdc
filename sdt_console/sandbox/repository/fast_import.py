"""A whole history as one stream for ``git fast-import``: one process, whatever the number of commits.

The format is documented in git-fast-import(1). Nothing here runs git; :func:`stream` only makes bytes, so the
same commits always give the same objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
SUBMODULE = 0o160000


@dataclass(frozen=True)
class Entry:
    """What a path holds.

    :param mode: one of :data:`FILE`, :data:`EXECUTABLE`, :data:`SYMLINK`, :data:`SUBMODULE`.
    :param data: file content, link target, or for a submodule the 40 hex digits of its commit.
    """

    data: bytes
    mode: int = FILE


@dataclass(frozen=True)
class Person:
    """An author or committer; ``zone`` as git writes it (``+0100``)."""

    name: str
    email: str
    zone: str = "+0000"

    def at(self, seconds: int) -> bytes:
        return f"{self.name} <{self.email}> {seconds} {self.zone}".encode()


@dataclass(frozen=True)
class Commit:
    """One commit; marks are the positions of commits in the stream, from 1.

    :param changes: path → entry, ``None`` deletes; relative to the first parent. Paths are bytes, as in git.
    :param parents: marks; the first one is the parent that ``changes`` refers to. Empty for a root commit.
    :param at: author and committer date, seconds since the epoch.
    """

    message: bytes
    changes: Mapping[bytes, Entry | None]
    author: Person
    committer: Person
    at: int
    parents: tuple[int, ...] = ()
    refs: tuple[str, ...] = field(default=("refs/heads/main",))


def quoted(path: bytes) -> bytes:
    """``path`` in git's C style, bare where that is unambiguous."""
    if path and path[0] != 0x22 and all(0x20 < byte < 0x7F and byte != 0x5C for byte in path):
        return path
    escaped = b"".join(
        bytes((byte,)) if 0x20 <= byte < 0x7F and byte not in b'"\\' else b"\\%03o" % byte for byte in path
    )
    return b'"' + escaped + b'"'


def stream(commits: Iterable[Commit], report: Iterable[int] = ()) -> Iterator[bytes]:
    """The stream, in pieces.

    :param report: marks whose commit ids git prints at the end, one a line, in this order.
    """
    yield b"feature done\n"
    for mark, commit in enumerate(commits, start=1):
        # A root commit on a branch that already exists must not take over its tree.
        for ref in commit.refs if not commit.parents else ():
            yield b"reset %s\n\n" % ref.encode()
        yield b"commit %s\nmark :%d\n" % (commit.refs[0].encode(), mark)
        yield b"author %s\n" % commit.author.at(commit.at)
        yield b"committer %s\n" % commit.committer.at(commit.at)
        yield _data(commit.message)
        for keyword, parent in zip(
            (b"from", *[b"merge"] * len(commit.parents)), commit.parents, strict=False
        ):
            yield b"%s :%d\n" % (keyword, parent)
        yield from _changes(commit.changes)
        for ref in commit.refs[1:]:
            yield b"reset %s\nfrom :%d\n\n" % (ref.encode(), mark)
    for mark in report:
        yield b"get-mark :%d\n" % mark
    yield b"done\n"


def _changes(changes: Mapping[bytes, Entry | None]) -> Iterator[bytes]:
    # Deletions first: a file may give way to a folder of the same name, and the other way round.
    for path in sorted(path for path, entry in changes.items() if entry is None):
        yield b"D %s\n" % quoted(path)
    for path, entry in sorted(changes.items()):
        if entry is None:
            continue
        if entry.mode == SUBMODULE:
            yield b"M %o %s %s\n" % (entry.mode, entry.data, quoted(path))
        else:
            yield b"M %o inline %s\n" % (entry.mode, quoted(path))
            yield _data(entry.data)
    yield b"\n"


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
