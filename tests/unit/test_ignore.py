"""Ignore patterns, held against `git check-ignore`."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdt_console.catalog.ignore import fault, ignored

NAMES = [
    "a", "b", "ab", "docs", "x.md", "a b", "n\nl", "x.md\n", "[x]", "*", ".hid", "é", "#h", "!b", "-", "]",
    "\\",
]  # fmt: skip
PIECES = [
    "a", "b", "ab", "docs", "*.md", "*", "?", "??", "a*", "*b", "[ab]", "[!a]", "[^b]*", "**", "**a", "***",
    "\\*", "a\\ b", "[x]", "\\[x\\]", ".*", "x.md", "é", "[[:alpha:]]", "[[:nope:]]", "[a-]", "[]a]", "[a",
    "[z-a]", "a\\", "[a/b]", "[!-~]", "n?l",
]  # fmt: skip


@st.composite
def patterns(draw: st.DrawFn) -> str:
    body = "/".join(draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3)))
    start = draw(st.sampled_from(["", "", "", "/", "!", "!/", "#", "\\#", "\\!"]))
    return start + body + draw(st.sampled_from(["", "", "/", " ", "\\ "]))


paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)


def git_ignores(repo: Path, lines: Sequence[str], names: Sequence[str]) -> set[str]:
    (repo / ".git/info").mkdir(exist_ok=True)
    (repo / ".git/info/exclude").write_text("\n".join(lines) + "\n")
    command = ["git", "check-ignore", "--no-index", "--stdin", "-z", "--verbose", "--non-matching"]
    stdin = b"".join(name.encode() + b"\0" for name in names)
    out = subprocess.run(command, cwd=repo, input=stdin, capture_output=True, check=False).stdout
    fields = [field.decode() for field in out.split(b"\0")[:-1]]
    records = [fields[at : at + 4] for at in range(0, len(fields), 4)]
    return {name for source, _, pattern, name in records if source and not pattern.startswith("!")}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ignore")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


@settings(deadline=None, max_examples=120)
@given(st.lists(patterns(), min_size=1, max_size=4), st.lists(paths, min_size=10, max_size=40, unique=True))
def test_as_git_reads_them(repo: Path, lines: list[str], names: list[str]) -> None:
    assert ignored(lines, names) == git_ignores(repo, lines, names)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.md", ["a.md", "a/b.md", "x.md/y"], ["a.mdx", "a.md\n"]),
        ("docs/", ["docs/x", "a/docs/x"], ["docs", "a/docs", "docs2/x"]),
        ("/docs", ["docs", "docs/x"], ["a/docs"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b"]),
        ("**/gen", ["gen/x", "a/b/gen"], ["a/gen2"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a/c"]),
        ("a/**/b", ["a/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("\\!x", ["!x"], ["x"]),
        ("# comment", [], ["# comment", "comment"]),
        ("", [], ["a"]),
    ],
)
def test_the_kinds_of_patterns(pattern: str, yes: list[str], no: list[str]) -> None:
    assert ignored([pattern], [*yes, *no]) == set(yes)


def test_the_last_match_decides_but_not_inside_an_ignored_folder() -> None:
    patterns = ["*.md", "!keep.md", "docs/", "!docs/keep.md"]
    assert ignored(patterns, ["a/x.md", "a/keep.md", "docs/keep.md"]) == {"a/x.md", "docs/keep.md"}


def test_names_that_are_not_utf_8() -> None:
    assert ignored(["*.md"], ["a/\udcff.md", "a/\udcff.txt"]) == {"a/\udcff.md"}


@pytest.mark.parametrize("pattern", ["", "  ", "# comment", "!", "/", "[a", "a\\", "[[:nope:]]", "a/[b"])
def test_a_pattern_that_can_match_nothing_is_told(pattern: str) -> None:
    assert fault(pattern)


@pytest.mark.parametrize(
    "pattern", ["*.md", "[z-a]", "!keep", "\\#x", "a\\ ", "[]]", "[[:alpha:]]", "(?!)", "docs/"]
)
def test_any_other_pattern_is_fine(pattern: str) -> None:
    assert fault(pattern) == ""
