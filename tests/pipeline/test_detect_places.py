"""Folders that are not simply folders, and names that trip tools: each case once, by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.clients.git import GitRepository
from sdt_console.pipeline.detect import detect
from tests.pipeline.generated import FILE, LINK, SUBMODULE, History, State, write

ONE, TWO = (SUBMODULE, b"1" * 40), (SUBMODULE, b"2" * 40)
A, B = (FILE, b"a\n"), (FILE, b"b\n")


def catalog(*folders: str, **source: Any) -> Catalog:
    """Services ``s0``, ``s1``, … in these folders."""
    services = [
        {"name": f"s{n}", "priority": 1, "group": "all", "path": folder, "port": 80}
        for n, folder in enumerate(folders)
    ]
    return Catalog.model_validate(
        {
            "version": 1,
            "system": "x",
            "default_environment": "dev",
            "groups": ["all"],
            "aws": {"region": "eu-west-1", "account": "123456789012"},
            "names": {"cluster": "{env}", "service": "{service}", "repository": "{service}"},
            "environments": {"dev": {}},
            "source": source,
            "services": services,
        }
    )


def changed(folder: Path, before: State, after: State) -> GitRepository:
    write(folder, History(((), (0,)), (before, after)))
    return GitRepository(folder)


def test_a_service_inside_another_hides_neither(tmp_path: Path) -> None:
    repo = changed(tmp_path, {b"a/x": A, b"a/b/x": A}, {b"a/x": B, b"a/b/x": A})
    found = detect(catalog("a", "a/b"), repo)
    assert found.selected == ("s0",)
    assert found.selections[1].reason == "nothing it is made of changed"


def test_gitmodules_cannot_hide_a_change(tmp_path: Path) -> None:
    """``ignore = all`` is for a person's screen; here it would let a pull request ship code unseen."""
    hide = (FILE, b'[submodule "m"]\n\tpath = m\n\turl = ./m\n\tignore = all\n')
    repo = changed(tmp_path, {b".gitmodules": hide, b"m": ONE}, {b".gitmodules": hide, b"m": TWO})
    (tmp_path / ".gitmodules").write_bytes(hide[1])
    subprocess.run(["git", "read-tree", "HEAD"], cwd=tmp_path, check=True)
    found = detect(catalog("m"), repo)
    assert found.selected == ("s0",)
    assert found.selections[0].files == ("m",)


def test_a_service_inside_a_submodule_moves_with_it(tmp_path: Path) -> None:
    repo = changed(tmp_path, {b"vendor": ONE, b"x": A}, {b"vendor": TWO, b"x": A})
    found = detect(catalog("vendor/svc", "vendor2/svc"), repo)
    assert found.selected == ("s0",)
    assert found.selections[0].files == ("vendor",)


@pytest.mark.parametrize(
    ("links", "folder"),
    [
        ({b"svc": b"real"}, "svc"),
        ({b"svc": b"two", b"two": b"./real"}, "svc"),
        ({b"apps": b"deep/er", b"deep/er/svc": b"../../real"}, "apps/svc"),
    ],
    ids=["link", "link to a link", "link on the way"],
)
def test_a_linked_folder_is_what_it_leads_to(tmp_path: Path, links: dict[bytes, bytes], folder: str) -> None:
    there = {path: (LINK, target) for path, target in links.items()}
    repo = changed(tmp_path, {b"real/x": A, **there}, {b"real/x": B, **there})
    found = detect(catalog(folder, "other"), repo)
    assert found.selected == ("s0",)
    assert found.selections[0].files == ("real/x",)


def test_links_in_a_circle_are_no_folder(tmp_path: Path) -> None:
    circle = {b"a": (LINK, b"b"), b"b": (LINK, b"a")}
    repo = changed(tmp_path, {**circle, b"x": A}, {**circle, b"x": B})
    found = detect(catalog("a"), repo)
    assert found.selected == ()
    assert found.selections[0].reason == "its folder a is not in the repository"


def test_a_link_out_of_the_repository_is_told(tmp_path: Path) -> None:
    before, after = {b"a": (LINK, b"../other")}, {b"a": (LINK, b"../elsewhere")}
    found = detect(catalog("a"), changed(tmp_path, before, after))
    assert found.selected == ("s0",)
    assert found.remarks == ("s0: its folder a is a link that leaves the repository",)


def test_ignored_names_with_newlines(tmp_path: Path) -> None:
    before = {b"a/new\nline/x.md": A, b"a/x.md\n": A, b"b/new\nline/x.md": A}
    after = {b"a/new\nline/x.md": B, b"a/x.md\n": B, b"b/new\nline/x.md": B}
    found = detect(catalog("a", "b", ignore=["*.md"]), changed(tmp_path, before, after))
    assert found.selected == ("s0",)
    assert found.selections[0].files == ("a/x.md\n",)
    assert found.selections[1].reason == "only ignored files changed (1)"
