"""Git as the engine reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients.git import GitRepository
from tests.git import Repo


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("Fix it\n\nbecause", "Fix it"),
        ("Merge pull request #812 from sdt/x\n\nFaster `search` [/api]", "Faster `search` [/api] (#812)"),
        ("Merge pull request #812 from sdt/x", "Merge pull request #812 from sdt/x"),
        ("Merge branch 'x'\n\nbody", "Merge branch 'x'"),
    ],
)
def test_the_title_is_the_subject_or_the_pull_requests(tmp_path: Path, message: str, title: str) -> None:
    repo = Repo(tmp_path)
    repo.git("commit", "-q", "--allow-empty", "-m", message)
    assert GitRepository(tmp_path).title(repo.git("rev-parse", "HEAD")) == title


def test_export_writes_the_commits_files_and_touches_nothing(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    first = repo.commit({"a/b": "1", ".gitattributes": "a export-ignore\n"})
    repo.commit({"a/b": "2"})
    repo.write({"a/b": "uncommitted", "new": "x"})
    status = repo.git("status", "--porcelain")
    out = tmp_path / "out"
    out.mkdir()
    GitRepository(repo.path).export(first, out)
    assert (out / "a/b").read_text() == "1"
    assert sorted(p.name for p in out.iterdir()) == [".gitattributes", "a"]
    assert repo.git("status", "--porcelain") == status
    assert repo.git("worktree", "list").count("\n") == 0


def test_a_folder_below_the_root_finds_the_root(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    repo.commit({"a/b/c": "1"})
    assert GitRepository(repo.path / "a" / "b").path == repo.path


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://ann:s3cret@git.example/team/backend.git", "https://git.example/team/backend.git"),
        ("https://token@git.example/team/backend", "https://git.example/team/backend"),
        ("https://git.example/b?access_token=s3cret", "https://git.example/b"),
        ("git@git.example:team/backend.git", "git@git.example:team/backend.git"),
        ("ssh://git@git.example/team/backend.git", "ssh://git@git.example/team/backend.git"),
    ],
)
def test_where_it_comes_from_is_told_without_credentials(tmp_path: Path, url: str, told: str) -> None:
    repo = Repo(tmp_path)
    assert GitRepository(tmp_path).source() == ""
    repo.git("remote", "add", "origin", url)
    assert GitRepository(tmp_path).source() == told


def test_what_full_ids_name_is_asked_once(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    one, two = repo.commit({"a": "1"}), repo.commit({"a": "2"})
    asked = GitRepository(repo.path)

    def answers() -> list[object]:
        return [asked.commit(one), asked.is_ancestor(one, two), asked.is_ancestor(two, one)]

    before = answers()
    (repo.path / ".git").rename(tmp_path / "gone")
    assert answers() == before == [one, True, False]


def test_a_clone_that_is_deepened_knows_more_ancestors(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    one, _, three = (repo.commit({"a": str(number)}) for number in range(3))
    repo.git("clone", "--quiet", "--depth=1", repo.path.as_uri(), str(tmp_path / "clone"))
    repo.git("-C", str(tmp_path / "clone"), "fetch", "--quiet", "--depth=1", "origin", one)
    clone = GitRepository(tmp_path / "clone")
    assert clone.commit(one) == one
    assert not clone.is_ancestor(one, three)
    repo.git("-C", str(tmp_path / "clone"), "fetch", "--quiet", "--unshallow", "origin")
    assert clone.is_ancestor(one, three)


def test_many_commits_are_told_by_one_call_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repo(tmp_path)
    first = repo.commit({"a": "1"})
    message = "Merge pull request #7 from sdt/x\n\nSchöner \x1b[31m`suchen`"
    repo.git("commit", "-q", "--allow-empty", "--author", "Élan <x@y>", "-m", message)
    merged = repo.git("rev-parse", "HEAD")
    repo.git("tag", "-a", "-m", "a tag", "abcdef1")
    known = GitRepository(tmp_path)
    calls: list[str] = []
    run = known._run

    def counted(*arguments: str, **options: Any) -> tuple[int, bytes, str]:
        calls.append(arguments[0])
        return run(*arguments, **options)

    monkeypatch.setattr(known, "_run", counted)
    asked = [first, "0" * 40, merged[:7], "latest", "--help", "v1\n", merged[:7]]
    found = known.subjects(asked)
    assert calls == ["cat-file"]
    assert set(found) == {first, merged[:7]}
    one, other = found[first], found[merged[:7]]
    assert (one.id, one.subject, one.author, one.authored_at) == (first, "a change", "Ada", 1767323045.0)
    assert (other.id, other.subject, other.author) == (merged, "Schöner \x1b[31m`suchen` (#7)", "Élan")
    assert known.subjects(["latest", ""]) == {}
    assert calls == ["cat-file"]


def test_a_commit_in_another_encoding_and_without_a_message_is_read(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    repo.commit({"a": "1"})
    repo.git("-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--allow-empty", "-m", "x")
    repo.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    latin, empty = repo.git("rev-parse", "HEAD~1"), repo.git("rev-parse", "HEAD")
    found = GitRepository(tmp_path).subjects([latin, empty])
    assert [found[c].subject for c in (latin, empty)] == ["x", ""]
