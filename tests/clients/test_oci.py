"""OCI images: the same input gives the same bytes, and the bytes say what was put in."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdt_console.clients.oci import (
    CONFIG_TYPE,
    Entry,
    ImageConfig,
    Layer,
    image_config,
    image_manifest,
    parse_manifest,
    write_layer,
)
from sdt_console.clients.oci_layout import OciLayout


def layer_of(*entries: Entry) -> tuple[Layer, bytes]:
    out = io.BytesIO()
    return write_layer(entries, out), out.getvalue()


def members(packed: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {member.name: member for member in tar}


def test_digests_are_those_of_the_bytes() -> None:
    layer, packed = layer_of(Entry("a", content=b"hello"))
    assert layer.descriptor.digest == "sha256:" + hashlib.sha256(packed).hexdigest()
    assert layer.descriptor.size == len(packed)
    assert layer.diff_id == "sha256:" + hashlib.sha256(gzip.decompress(packed)).hexdigest()


def test_order_and_place_on_disk_do_not_matter(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"same")
    a, b = Entry("z", content=tmp_path / "one"), Entry("d/a", content=tmp_path / "two")
    assert layer_of(a, b) == layer_of(b, Entry("z", content=b"same"))


def test_what_an_entry_says_is_in_the_tar(tmp_path: Path) -> None:
    _, packed = layer_of(
        Entry("bin/run", mode=0o755, content=b"x", uid=7, gid=8, mtime=99),
        Entry("etc/empty", "folder", 0o700),
        Entry("lib", "link", 0o777, link="usr/lib"),
        Entry("ü/" + "long" * 50, content=b"name"),
    )
    found = members(packed)
    assert list(found) == sorted(found)
    run = found["bin/run"]
    assert (run.mode, run.uid, run.gid, run.mtime, run.size) == (0o755, 7, 8, 99, 1)
    assert (found["bin"].isdir(), found["bin"].mode, found["bin"].uid) == (True, 0o755, 0)
    assert (found["etc/empty"].isdir(), found["etc/empty"].mode) == (True, 0o700)
    assert (found["lib"].issym(), found["lib"].linkname) == (True, "usr/lib")
    assert "ü/" + "long" * 50 in found


def test_the_last_entry_of_a_path_counts() -> None:
    assert layer_of(Entry("a", content=b"1"), Entry("/a", content=b"2")) == layer_of(Entry("a", content=b"2"))


@given(st.dictionaries(st.text("ab/", min_size=1, max_size=6), st.binary(max_size=20), max_size=6))
def test_any_set_of_files_gives_one_digest(files: dict[str, bytes]) -> None:
    clean = {path.strip("/").replace("//", "/"): data for path, data in files.items() if path.strip("/")}
    entries = [Entry(path + "/f", content=data) for path, data in clean.items()]
    assert layer_of(*entries) == layer_of(*reversed(entries))


def test_a_layout_on_disk_is_complete(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path)
    layer = layout.add_layer([Entry("a", content=b"hello")])
    settings = ImageConfig(env=("A=1",), cmd=("run",), ports=("80/tcp",), labels={"b": "2", "a": "1"})
    config = layout.add(image_config(settings.json(), [layer], platform="linux/arm64/v8"), CONFIG_TYPE)
    manifest = layout.finish(image_manifest(config, [layer]))

    assert json.loads((tmp_path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    parsed = parse_manifest(layout.manifest())
    assert (parsed.config, parsed.layers) == (config, (layer.descriptor,))
    for blob in (manifest, config, layer.descriptor):
        data = layout.path(blob.digest).read_bytes()
        assert ("sha256:" + hashlib.sha256(data).hexdigest(), len(data)) == (blob.digest, blob.size)
    written = json.loads(layout.path(config.digest).read_bytes())
    assert (written["os"], written["architecture"], written["variant"]) == ("linux", "arm64", "v8")
    assert written["rootfs"]["diff_ids"] == [layer.diff_id]
    assert written["config"] == {
        "Env": ["A=1"],
        "Cmd": ["run"],
        "ExposedPorts": {"80/tcp": {}},
        "Labels": {"a": "1", "b": "2"},
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["blobs", "index.json", "oci-layout"]


def test_a_layer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path)
    with pytest.raises(FileNotFoundError):
        layout.add_layer([Entry("a", content=tmp_path / "missing")])
    assert [p.name for p in tmp_path.iterdir()] == ["blobs"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"config": {}, "layers": []}', b'{"manifests": []}'])
def test_what_is_no_image_manifest(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"manifest|Expecting"):
        parse_manifest(body)
