"""Our registry client against a registry that nobody here wrote."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from sdt_console.clients.oci import CONFIG_TYPE, Entry, image_config, image_manifest
from sdt_console.clients.oci_layout import OciLayout
from sdt_console.clients.registry import RegistryClient
from sdt_console.model import RegistryLogin

pytestmark = pytest.mark.docker  # the registry comes with an Engine


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    """``docker-registry`` on loopback, empty."""
    program = shutil.which("docker-registry")
    assert program is not None, "the Docker tests need docker-registry on the path"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = tmp_path / "registry.yml"
    settings.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    process = subprocess.Popen(
        [program, "serve", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    up = urllib3.Retry(connect=50, backoff_factor=0.01, backoff_max=0.2)
    urllib3.PoolManager().request("GET", f"http://127.0.0.1:{port}/v2/", retries=up)
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=10)


def test_an_image_is_pushed_under_two_tags_and_mounted_elsewhere(host: str, tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "image")
    layers = [layout.add_layer([Entry(name, content=name.encode() * 1000)]) for name in ("a", "b")]
    config = layout.add(image_config({}, layers), CONFIG_TYPE)
    layout.finish(image_manifest(config, layers))
    client = RegistryClient(RegistryLogin(host, "any", "thing", plain_http=True))
    digest = client.push("one/app", ("v1", "latest"), layout)
    for tag in ("v1", "latest"):
        found = client.manifest("one/app", tag)
        assert found is not None
        assert found.digest == digest
    for layer in layers:
        assert client.exists("one/app", layer.descriptor.digest)
    assert client.mount("other/app", layers[0].descriptor.digest, "one/app")
    assert client.exists("other/app", layers[0].descriptor.digest)
    assert client.manifest("one/app", "nothing") is None
    assert client.push("one/app", ("v1",), layout) == digest
    client.close()
