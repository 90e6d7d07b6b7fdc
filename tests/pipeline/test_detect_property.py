"""`detect` against an oracle that knows nothing of it, over generated repositories.

``SDT_EXAMPLES=5000`` makes that many of them instead of a few.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from sdt_console.catalog.model import Catalog
from sdt_console.clients.git import GitRepository
from sdt_console.model import ZERO_SHA, Detection
from sdt_console.pipeline.detect import detect
from tests.pipeline.generated import History, catalogs, histories, write
from tests.pipeline.oracle import Tree, Verdict, expected

EXAMPLES = int(os.environ.get("SDT_EXAMPLES", "80"))
# No deadline: an example starts git processes, whose time says nothing about the code.
relaxed = settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])


def compare(catalog: Mapping[str, Any], found: Detection, verdicts: Mapping[str, Verdict]) -> None:
    """Every service once and in order, the right ones selected, each with the files that speak for it."""
    assert [selection.name for selection in found.selections] == list(verdicts)
    for selection in found.selections:
        verdict = verdicts[selection.name]
        files = {path.encode("utf-8", "surrogateescape") for path in selection.files}
        note(f"{selection} {verdict}")
        assert selection.selected == verdict.selected, selection
        assert selection.reason
        assert list(selection.files) == sorted(selection.files)
        if selection.selected:
            assert files == verdict.files
        else:
            assert files in (set(), verdict.own, verdict.files)


def ls_tree(folder: Path, commit: str) -> Tree:
    """The tree as git lists it: object ids in place of contents."""
    command = ["git", "ls-tree", "-r", "-z", "--full-tree", commit]
    entries: dict[bytes, tuple[int, bytes]] = {}
    for line in subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout.split(b"\0")[:-1]:
        head, path = line.split(b"\t", 1)
        mode, _, object_id = head.split(b" ")
        entries[path] = (int(mode, 8), object_id)
    return entries


@relaxed
@given(data=st.data())
def test_detect_agrees_with_the_oracle(data: st.DataObject) -> None:
    catalog = data.draw(catalogs())
    history: History = data.draw(histories(catalog))
    last = len(history.trees) - 1
    with TemporaryDirectory() as folder:
        commits = write(Path(folder), history)
        repo, model = GitRepository(Path(folder)), Catalog.model_validate(catalog)
        first = history.parents[last][0]
        found = detect(model, repo)
        assert (found.base, found.head) == (commits[first], commits[last])
        compare(catalog, found, expected(catalog, history.trees[first], history.trees[last], forced=False))
        base, head = data.draw(st.integers(0, last)), data.draw(st.integers(0, last))
        forced = data.draw(st.booleans())
        found = detect(model, repo, commits[base], commits[head], force_full_build=forced)
        compare(catalog, found, expected(catalog, history.trees[base], history.trees[head], forced=forced))


@settings(relaxed, max_examples=max(1, EXAMPLES // 4))
@given(data=st.data())
def test_with_nothing_to_compare_with_all_that_is_there_is_selected(data: st.DataObject) -> None:
    catalog = data.draw(catalogs())
    history: History = data.draw(histories(catalog))
    with TemporaryDirectory() as folder:
        write(Path(folder), history)
        repo, model = GitRepository(Path(folder)), Catalog.model_validate(catalog)
        found = detect(model, repo, ZERO_SHA)
        assert found.base == ""
        compare(catalog, found, expected(catalog, None, history.trees[-1], forced=False))


@settings(relaxed, max_examples=max(1, EXAMPLES // 8))
@given(data=st.data())
def test_the_generated_trees_are_what_git_has(data: st.DataObject) -> None:
    """The oracle reads the trees that the generator kept; this holds them against git's own listing."""
    history: History = data.draw(histories(data.draw(catalogs())))
    with TemporaryDirectory() as folder:
        for commit, tree in zip(write(Path(folder), history), history.trees, strict=True):
            listed = ls_tree(Path(folder), commit)
            assert {path: mode for path, (mode, _) in listed.items()} == {
                p: mode for p, (mode, _) in tree.items()
            }
