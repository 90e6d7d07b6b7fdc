"""Images built without an Engine: the same twice, there or not any more, and what is kept of a build."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients.oci import digest_of, parse_manifest
from sdt_console.clients.oci_layout import OciLayout
from sdt_console.clients.sandbox_builder import SandboxBuilder
from sdt_console.errors import BuildError
from sdt_console.model import BuiltImage
from tests.clients.builders import has, run
from tests.clients.images import order

TEXT = "FROM scratch\nARG WHO\nENV A=$WHO\nCOPY . /files/\nUSER 1000\n"
FILES = {"b/x": "1", "a": "2", "run.sh:755": "#!/bin/sh\n", "link": "->a", ".dockerignore": "ignored\n"}


def _digest(image: BuiltImage) -> str:
    return digest_of(OciLayout(Path(image.store)).manifest())


def test_the_same_context_gives_the_same_digest(tmp_path: Path) -> None:
    """Another folder, another day, files made in another order: the same image, byte by byte."""
    settings: dict[str, Any] = {"build_args": {"WHO": "me"}, "labels": {"commit": "abc"}}
    one = run(SandboxBuilder, order(tmp_path / "one", TEXT, FILES, **settings), tmp_path / "store")
    again = order(tmp_path / "two", TEXT, dict(reversed(FILES.items())), **settings)
    (tmp_path / "two/ignored").write_text("not in it")
    for path in (tmp_path / "two").rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    two = run(SandboxBuilder, again, tmp_path / "elsewhere")
    assert (_digest(two), two.image_id, two.size) == (_digest(one), one.image_id, one.size)
    assert two.store != one.store


@pytest.mark.parametrize("change", [{"labels": {"commit": "abd"}}, {"build_args": {"WHO": "you"}}])
def test_other_labels_or_arguments_give_another_digest(tmp_path: Path, change: dict[str, Any]) -> None:
    settings = {"build_args": {"WHO": "me"}, "labels": {"commit": "abc"}}
    one = run(SandboxBuilder, order(tmp_path / "one", TEXT, FILES, **settings), tmp_path / "store")
    two = run(SandboxBuilder, order(tmp_path / "two", TEXT, FILES, **settings | change), tmp_path / "store")
    assert _digest(two) != _digest(one)


def test_it_says_whether_it_holds_an_image(tmp_path: Path) -> None:
    store = tmp_path / "store"
    image = run(SandboxBuilder, order(tmp_path / "one", TEXT, FILES), store)
    other = run(SandboxBuilder, order(tmp_path / "two", TEXT, {"a": "3"}), store)
    assert has(SandboxBuilder, image, store)
    layer = OciLayout(Path(image.store)).path(
        parse_manifest(OciLayout(Path(image.store)).manifest()).layers[0].digest
    )
    swapped = BuiltImage(image.service, image.image_id, image.size, image.references, other.store)
    assert not has(SandboxBuilder, swapped, store)
    assert not has(SandboxBuilder, BuiltImage(image.service, image.image_id, 1, (), ""), store)
    layer.write_bytes(layer.read_bytes()[:-1])  # as a power cut might leave it
    assert not has(SandboxBuilder, image, store)
    shutil.rmtree(image.store)
    assert not has(SandboxBuilder, image, store)
    assert not Path(image.store).exists()
    (Path(other.store) / "index.json").write_text("{}")
    assert not has(SandboxBuilder, other, store)


def test_what_a_build_did_is_kept(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    image = run(SandboxBuilder, order(tmp_path / "one", TEXT, FILES), tmp_path / "store", logs=logs)
    assert image.log == str(logs / "user-service.log")
    assert Path(image.log).read_text().splitlines()[0] == "FROM scratch"
    wrong = order(tmp_path / "two", "FROM scratch\nCOPY none /\n")
    with pytest.raises(BuildError) as caught:
        run(SandboxBuilder, wrong, tmp_path / "store", logs=logs)
    assert caught.value.evidence == (f"whole output: {logs}/user-service.log",)
    kept = (logs / "user-service.log").read_text().splitlines()
    assert kept[-1].startswith("ERROR: line 2: COPY none /")
    assert run(SandboxBuilder, order(tmp_path / "one", TEXT), tmp_path / "store").log == ""
