"""A commit of the backend repository, as far as those who watch need it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Commit:
    """What a commit is about, and by whom; untrusted text.

    :param subject: one line: the pull request's title if it merges one.
    :param authored_at: seconds since the epoch.
    """

    id: str
    subject: str
    author: str = ""
    authored_at: float = 0.0
