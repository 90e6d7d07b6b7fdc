"""Which two commits to compare: the range of a detection, every special case explained."""

from __future__ import annotations

from dataclasses import dataclass

from sdt_console.errors import UsageError
from sdt_console.model import ZERO_SHA
from sdt_console.pipeline.ports import Repository

WORKTREE = "worktree"


@dataclass(frozen=True)
class Range:
    """What to compare.

    :param base: commit id; empty where there is nothing to compare with.
    :param head: commit id, or ``worktree``.
    :param tree: commit id whose tree tells what is there; equals ``head`` but for a work tree.
    :param everything: why every active service is selected; empty if the difference decides.
    """

    base: str
    head: str
    tree: str
    remark: str = ""
    everything: str = ""


def resolve(repo: Repository, base: str | None, head: str | None, *, worktree: bool = False) -> Range:
    """The range to compare.

    :param base: a revision; ``auto`` for the first parent of a merge, else the merge base with the default
        branch; all zeros or empty for a first push; ``None`` for the first parent of ``head``.
    :param head: a revision; ``None`` for ``HEAD``.
    :param worktree: compare with the files on disk; ``base`` is then ``HEAD`` unless given.
    :raises UsageError: a revision is not in this repository.
    """
    if head is not None and not head.strip():
        raise UsageError("--head is empty", next="name a commit, or leave --head out for HEAD")
    if worktree and head is not None:
        raise UsageError("--worktree and --head exclude each other", next="leave one of them out")
    commit = repo.commit(head or "HEAD")
    if commit is None:
        if head is not None and head != "HEAD":
            raise _gone(repo, "head", head)
        if repo.is_unborn():
            raise UsageError(f"{repo.path} has no commit yet", next="commit something first")
        raise UsageError(
            f"the commit that HEAD of {repo.path} names is missing",
            "the repository is damaged",
            "see `git fsck`",
        )
    if base is None and worktree:
        return Range(commit, WORKTREE, commit)
    here = WORKTREE if worktree else commit
    if base is not None and not base.strip():
        return Range("", here, commit, everything="no base was given")
    if base is not None and set(base) == {"0"} and len(base) in (len(ZERO_SHA), 64):
        return Range("", here, commit, everything="the branch is new (all-zero base)")
    if base == "auto":
        return _automatic(repo, commit, here)
    if base is not None:
        known = repo.commit(base)
        if known is None:
            raise _gone(repo, "base", base)
        return Range(known, here, commit)
    return _first_parent(repo, commit, here)


def _first_parent(repo: Repository, commit: str, here: str) -> Range:
    parents = repo.parents(commit)
    if not parents:
        return Range("", here, commit, everything="this is the first commit")
    if repo.commit(parents[0]) is None:
        raise _gone(repo, "base", parents[0])
    remark = "a merge: compared with its first parent" if len(parents) > 1 else ""
    return Range(parents[0], here, commit, remark=remark)


def _automatic(repo: Repository, commit: str, here: str) -> Range:
    if len(repo.parents(commit)) <= 1:
        branch = repo.default_branch()
        if branch is None:
            raise UsageError(
                "--base auto knows no default branch",
                "there is no origin/HEAD, main or master here",
                "name the base, or tell git once: git remote set-head origin --auto",
            )
        shared = repo.merge_base(branch, commit)
        if shared is None:
            cause = "the clone is shallow" if repo.is_shallow() else "their histories are unrelated"
            raise UsageError(
                f"--base auto finds no merge base with {branch}",
                cause,
                "git fetch --unshallow origin, or name the base",
            )
        if shared != commit:
            return Range(shared, here, commit, remark=f"compared with the merge base of {branch}")
    return _first_parent(repo, commit, here)


def _gone(repo: Repository, which: str, rev: str) -> UsageError:
    what = f"{which} {rev!r} is not a commit of {repo.path}"
    full = len(rev) in (40, 64) and all(c in "0123456789abcdef" for c in rev)
    if repo.is_shallow():
        return UsageError(
            what,
            "the clone is shallow: its history was cut off",
            "git fetch --unshallow origin"
            + ("" if full else f", and for another branch git fetch origin {rev}:{rev}")
            + "   (in Actions: actions/checkout with fetch-depth: 0)",
        )
    if full:
        return UsageError(
            what,
            "it was never fetched, or a force-push removed it",
            f"git fetch origin {rev}   or compare with the merge base: --base auto",
        )
    return UsageError(what, "no branch, tag or commit of that name", "see `git branch --all` and `git tag`")
