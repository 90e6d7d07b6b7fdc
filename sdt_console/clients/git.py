"""A Git repository through git's own plumbing, by way of GitPython. Reads only."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import BinaryIO, cast

from sdt_console.clients.commits import batch, title_of
from sdt_console.errors import UsageError
from sdt_console.model import Change, Commit

# Nothing of the host's or the repository's configuration may run a program or change an answer.
_SETTINGS = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=true", "-c", "log.showSignature=false")
_ENVIRONMENT = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": ""}
# Unless told, .gitmodules, which a pull request may write, decides whether a submodule's change is seen.
_NAMES = ("-z", "-M", "--name-status", "--no-ext-diff", "--ignore-submodules=none")
_ABBREVIATION = re.compile(r"[0-9a-f]{7,64}")
_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
# Where git would look instead of where it is told to; set in every hook (git rev-parse --local-env-vars).
_ELSEWHERE = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
)
# Enough for 100,000 paths; ls-tree takes its paths as arguments.
_ARGUMENT_BYTES = 100_000


class GitRepository:
    """The repository that ``path`` lies in.

    :raises UsageError: ``path`` is not in a Git repository, or there is no git.
    """

    def __init__(self, path: Path) -> None:
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
        for name in _ELSEWHERE:  # GitPython adds to this process's environment, and cannot take away from it
            os.environ.pop(name, None)
        from git.cmd import Git

        if not path.is_dir():
            raise UsageError(f"no folder {path}", next="name the repository with --repo DIR")
        self._git = Git(path)
        self._parents: dict[str, tuple[str, ...]] = {}
        self._commits: set[str] = set()
        self._ancestors: dict[tuple[str, str, float], bool] = {}
        status, out, err = self._run("rev-parse", "--show-toplevel")
        if status:
            raise _not_a_repository(path, err)
        self.path = Path(os.fsdecode(out.rstrip(b"\n")))
        self._git = Git(self.path)

    def commit(self, rev: str) -> str | None:
        """The full id of the commit that ``rev`` names; ``None`` if there is none here."""
        if not rev or rev.startswith("-") or any(c in rev for c in "\0\n"):
            return None
        if rev in self._commits:
            return rev
        status, out, _ = self._run("rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}")
        found = out.decode().strip()
        if status or not _ID.fullmatch(found):
            return None
        if _ID.fullmatch(rev):  # what a full id names never changes; an abbreviation may
            self._commits.add(found)
        return found

    def parents(self, commit: str) -> tuple[str, ...]:
        """Ids of the parents as the commit itself names them, also where a shallow clone lacks them."""
        if commit not in self._parents:
            head = self._checked("cat-file", "commit", commit).split(b"\n\n", 1)[0]
            lines = head.decode("utf-8", "replace").splitlines()
            self._parents[commit] = tuple(line[7:] for line in lines if line.startswith("parent "))
        return self._parents[commit]

    def title(self, commit: str) -> str:
        """What the commit is about, one line: its subject, or the pull request's title if it merges one.

        Untrusted text.
        """
        message = self._checked("log", "-1", "--format=%B", commit).decode("utf-8", "replace")
        return title_of(message)

    def subjects(self, commits: Sequence[str]) -> dict[str, Commit]:
        """Each of ``commits``, full ids or abbreviations, that is here → what it is; one call of git.

        Names that do not look like a commit are taken for ones that are not here.
        """
        asked = [name for name in dict.fromkeys(commits) if _ABBREVIATION.fullmatch(name)]
        if not asked:
            return {}
        with TemporaryFile() as names:
            names.write("".join(f"{name}^{{commit}}\n" for name in asked).encode())
            names.seek(0)
            out = self._checked("cat-file", "--batch", stdin=cast(BinaryIO, names))
        return dict(batch(out, asked))

    def merge_base(self, one: str, other: str) -> str | None:
        status, out, _ = self._run("merge-base", one, other)
        return None if status else out.decode().strip()

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether ``commit`` is reachable from ``of``; both are here."""
        asked = (commit, of, self._deepened())
        if asked not in self._ancestors:
            status, _, _ = self._run("merge-base", "--is-ancestor", commit, of)
            if not (_ID.fullmatch(commit) and _ID.fullmatch(of)):
                return not status
            self._ancestors[asked] = not status
        return self._ancestors[asked]

    def _deepened(self) -> float:
        """When a shallow clone got its present depth, seconds since the epoch; 0 for a whole one."""
        try:
            return self._shallow.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    @cached_property
    def _shallow(self) -> Path:
        out = self._checked("rev-parse", "--git-path", "shallow")
        return self.path / os.fsdecode(out.rstrip(b"\n"))

    def source(self) -> str:
        """Where the repository comes from: the URL of ``origin`` without credentials, or nothing."""
        status, out, _ = self._run("config", "--get", "remote.origin.url")
        return "" if status else _without_credentials(out.decode("utf-8", "replace").strip())

    def default_branch(self) -> str | None:
        """The remote's HEAD, else ``origin/main``, ``origin/master``, ``main`` or ``master``."""
        status, out, _ = self._run("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")
        names = [] if status else [out.decode().strip()]
        for name in (*names, "origin/main", "origin/master", "main", "master"):
            if self.commit(name):
                return name.removeprefix("refs/remotes/")
        return None

    def is_unborn(self) -> bool:
        """Whether the current branch has no commit yet (as opposed to one whose commit is missing)."""
        status, _, _ = self._run("rev-parse", "--verify", "--quiet", "HEAD")
        return bool(status)

    def is_shallow(self) -> bool:
        return self._checked("rev-parse", "--is-shallow-repository").strip() == b"true"

    def changes(self, base: str, head: str) -> list[Change]:
        """Changed paths between two commits' trees, renames found as git finds them."""
        out = self._checked("diff-tree", "-r", *_NAMES, base, head)
        return _name_status(out)

    def worktree_changes(self, base: str) -> list[Change]:
        """What differs between ``base`` and the files on disk: tracked, staged and untracked."""
        tracked = _name_status(self._checked("diff", *_NAMES, "--no-textconv", base, "--"))
        out = self._checked("ls-files", "-z", "--others", "--exclude-standard")
        untracked = [Change(_decoded(path), "A") for path in out.split(b"\0") if path]
        return tracked + untracked

    def entries(self, commit: str, paths: Sequence[str]) -> dict[str, str]:
        """Mode of each of ``paths`` in ``commit``: 040000 folder, 120000 link, 160000 submodule."""
        found: dict[str, str] = {}
        for part in _parts(paths):
            # Without -t a folder goes unlisted when a path below it is asked for as well.
            out = self._checked(
                "--literal-pathspecs", "ls-tree", "-t", "-z", "--full-tree", commit, "--", *part
            )
            for entry in out.split(b"\0"):
                if entry:
                    head, _, path = entry.partition(b"\t")
                    found[_decoded(path)] = head.split(b" ", 1)[0].decode()
        return found

    def link_target(self, commit: str, path: str) -> str:
        """What the symbolic link at ``path`` points to, as written."""
        return _decoded(self._checked("cat-file", "blob", f"{commit}:{path}"))

    def export(self, commit: str, folder: Path) -> None:
        """Write the files of ``commit`` into ``folder``, which is empty; the repository is not touched.

        Through an index of its own, so that neither the work tree nor ``export-ignore`` has a say.
        """
        with TemporaryDirectory(prefix="sdt-index-") as temporary:
            index = {"GIT_INDEX_FILE": str(Path(temporary, "index"))}
            self._checked("read-tree", commit, env=index)
            self._checked("checkout-index", "--all", f"--prefix={folder}/", env=index)

    def _run(
        self, *arguments: str, env: Mapping[str, str] | None = None, stdin: BinaryIO | None = None
    ) -> tuple[int, bytes, str]:
        from git.exc import GitCommandNotFound

        try:
            status, out, err = self._git.execute(
                ["git", *_SETTINGS, *arguments],
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env=_ENVIRONMENT | dict(env or {}),
                istream=stdin,
            )
        except GitCommandNotFound:
            raise UsageError("git is not installed", next="install git, then run again") from None
        return int(status), bytes(out), str(err)

    def _checked(
        self, *arguments: str, env: Mapping[str, str] | None = None, stdin: BinaryIO | None = None
    ) -> bytes:
        status, out, err = self._run(*arguments, env=env, stdin=stdin)
        if status:
            verb = next(a for a in arguments if not a.startswith("-"))
            raise UsageError(
                f"git {verb} failed in {self.path}",
                err.strip(),
                "see `git fsck`; a partial clone may need a fetch",
            )
        return out


def _name_status(out: bytes) -> list[Change]:
    fields = iter(_decoded(out).split("\0"))
    changes: list[Change] = []
    for status in fields:
        if status[:1] in ("R", "C"):
            old = next(fields)
            changes.append(Change(next(fields), status[0], old))
        elif status:
            changes.append(Change(next(fields), status[0]))
    return changes


def _decoded(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _parts(paths: Sequence[str]) -> list[list[str]]:
    """``paths`` in parts that fit on a command line."""
    parts: list[list[str]] = []
    room = 0
    for path in paths:
        if room <= 0:
            parts.append([])
            room = _ARGUMENT_BYTES
        parts[-1].append(path)
        room -= len(path.encode("utf-8", "surrogateescape")) + 1
    return parts


def _not_a_repository(path: Path, message: str) -> UsageError:
    if "dubious ownership" in message:
        return UsageError(
            f"git does not trust {path}",
            "the folder belongs to another user",
            f"git config --global --add safe.directory {path.resolve()}",
        )
    if "must be run in a work tree" in message:
        return UsageError(f"{path} is a bare repository", next="name a checked-out one with --repo DIR")
    return UsageError(f"{path} is not in a Git repository", next="name the repository with --repo DIR")


def _without_credentials(url: str) -> str:
    """``https://user:token@host/path`` → ``https://host/path``; the account of an SSH address stays."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme in ("ssh", "git+ssh"):
        return url
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
