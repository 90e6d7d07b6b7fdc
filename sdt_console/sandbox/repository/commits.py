"""Chapters of the story as commits: dates, authors, pull request numbers and GitHub's messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sdt_console.sandbox.repository.fast_import import Commit, Entry, Person
from sdt_console.sandbox.repository.history import Changes, Chapter

LAST_PULL_REQUEST = 812
FIRST_DAY = 1_767_571_200
"""Monday 5 January 2026, 00:00 UTC."""
WORKING_DAYS = 115
_DAY = 86_400

PEOPLE = (
    ("Ana Souza", "ana.souza", "+0000"),
    ("Jonas Lindqvist", "jonas.lindqvist", "+0100"),
    ("Priya Raman", "priya.raman", "+0530"),
    ("Zoë Müller", "zoe.mueller", "+0100"),
    ("Tomasz Wójcik", "tomasz.wojcik", "+0100"),
)

_GITHUB = Person("GitHub", "noreply@github.com")


def commits(system: str, chapters: Sequence[Chapter]) -> list[Commit]:
    """The history; the last commit is the head of ``main``."""
    total = sum(len(c.steps) + 1 if c.branch and not c.squash else 1 for c in chapters)
    writer = _Writer(system, total, _numbers(chapters))
    for chapter in chapters:
        writer.write(chapter)
    return writer.commits


@dataclass
class _Writer:
    system: str
    total: int
    numbers: list[int]
    commits: list[Commit] = field(default_factory=list)
    main: list[int] = field(default_factory=list)
    """Marks of ``main``, one a chapter."""

    def write(self, chapter: Chapter) -> None:
        position = len(self.main)
        name, login, zone = PEOPLE[(position * position + position // 3) % len(PEOPLE)]
        author = Person(name, f"{login}@{self.system}.example", zone)
        tip = tuple(self.main[-1:])
        everything = {path: text for _, changes in chapter.steps for path, text in changes.items()}
        if not chapter.branch:
            self._add(chapter.title, everything, author, author, tip)
        elif chapter.squash:
            number = self.numbers[position]
            listed = "".join(f"* {subject}\n" for subject, _ in chapter.steps)
            self._add(f"{chapter.title} (#{number})\n\n{listed}", everything, author, _GITHUB, tip)
        else:
            parent = self.main[-1 - chapter.behind]
            for subject, changes in chapter.steps:
                self._add(subject, changes, author, author, (parent,))
                parent = len(self.commits)
            merge = f"Merge pull request #{self.numbers[position]} from {self.system}/{chapter.branch}"
            self._add(f"{merge}\n\n{chapter.title}", everything, author, _GITHUB, (*tip, parent))
        self.main.append(len(self.commits))

    def _add(
        self, message: str, changes: Changes, author: Person, committer: Person, parents: tuple[int, ...]
    ) -> None:
        entries = {
            path.encode(): None if text is None else Entry(text.encode()) for path, text in changes.items()
        }
        at = _working_time(len(self.commits), self.total)
        text = message.rstrip("\n").encode() + b"\n"
        self.commits.append(Commit(text, entries, author, committer, at, parents))


def _numbers(chapters: Sequence[Chapter]) -> list[int]:
    """Pull request numbers: rising, with gaps, the last one well known; 0 where there is none."""
    left = sum(1 for chapter in chapters if chapter.branch)
    last = max(LAST_PULL_REQUEST, 4 * left)
    numbers = []
    for chapter in chapters:
        left -= bool(chapter.branch)
        numbers.append(last - 3 * left - left % 2 if chapter.branch else 0)
    return numbers


def _working_time(index: int, total: int) -> int:
    """Seconds since the epoch of commit ``index``: evenly spread over working days from 7:00 to 16:00 UTC."""
    minutes = WORKING_DAYS * 9 * 60
    day, minute = divmod(index * (minutes - 1) // max(1, total - 1), 9 * 60)
    week, weekday = divmod(day, 5)
    return FIRST_DAY + (7 * week + weekday) * _DAY + 7 * 3600 + 60 * minute + index * 37 % 60
