"""What holds for every file of the project."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.catalogs import ROOT

FILES = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    if name and (ROOT / name).is_file()
]
# Hosts of package registries, written so that this file does not name them.
HOSTS = re.compile(
    r"pypi" r"\.org|python" r"hosted\.org|registry\.npm" r"js\.org|debian" r"\.org|docker" r"\.io/library"
)
LONGEST = 300


def test_there_are_files_to_look_at() -> None:
    assert len(FILES) > 100


def test_no_file_names_a_package_registrys_host() -> None:
    found = [f.name for f in FILES if HOSTS.search(f.read_text("utf-8", "replace"))]
    assert found == []


@pytest.mark.parametrize("folder", ["sdt_console", "tests"])
def test_files_stay_small(folder: str) -> None:
    limit = LONGEST if folder == "sdt_console" else 400
    long = {
        str(f.relative_to(ROOT)): count
        for f in FILES
        if f.suffix == ".py"
        and f.is_relative_to(ROOT / folder)
        and (count := len(f.read_text().splitlines())) > limit
    }
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(f.relative_to(ROOT))
        for f in FILES
        if f.suffix == ".py"
        and f.is_relative_to(ROOT / "sdt_console")
        and not f.read_text().startswith('"""')
    ]
    assert silent == []
