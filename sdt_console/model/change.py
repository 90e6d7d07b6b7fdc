"""What changed between two commits, and which services that selects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

ZERO_SHA = "0" * 40
"""What git hosts send as ``before`` when a branch is new."""


class Change(NamedTuple):
    """One changed path between two commits; a tuple, because there may be a hundred thousand.

    :param path: path from the repository root, ``/``-separated; bytes that are not UTF-8 as surrogates.
    :param status: git's letter: A, C, D, M, R, T or U.
    :param old_path: where a renamed or copied file was before; empty otherwise.
    """

    path: str
    status: str
    old_path: str = ""


@dataclass(frozen=True)
class Selection:
    """Whether one service is part of a change, and why.

    :param reason: one sentence without a full stop.
    :param files: the changed files that speak for it, sorted.
    """

    name: str
    selected: bool
    reason: str
    files: tuple[str, ...] = ()

    @property
    def buildable(self) -> bool:
        """Whether a change could have selected it: not what is never built, or has no code there."""
        return self.selected or not (
            self.reason.startswith(("pending:", "data service:"))
            or self.reason.endswith(("is not in the repository", "nothing to build"))
        )


@dataclass(frozen=True)
class Detection:
    """What changed between two commits, service by service in catalog order.

    :param base: commit id, or empty where there is nothing to compare with.
    :param head: commit id, or ``worktree`` for uncommitted changes.
    :param remarks: what a person should know about the range itself.
    :param absent: active services whose folder is not, and in this range never was, in the repository.
    """

    base: str
    head: str
    selections: tuple[Selection, ...]
    remarks: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def selected(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.selections if s.selected)
