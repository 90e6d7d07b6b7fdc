"""A Docker Engine for the tests that need one, and a quick way to the sandbox's images."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients.sandbox_builder import SandboxBuilder
from sdt_console.model import BuiltImage
from tests.clients.builders import BUSYBOX, OURS, run
from tests.clients.images import order


@pytest.fixture
def engine() -> Iterator[Any]:
    import docker as sdk

    client = sdk.from_env()
    yield client
    for image in client.images.list(filters={"label": OURS}):
        client.images.remove(image.id, force=True)
    client.close()


@pytest.fixture
def busybox(engine: Any) -> Iterator[str]:
    """A base image that has a shell, made without a network."""
    program = shutil.which("busybox")
    if program is None:
        pytest.fail("the Docker tests need a static busybox on the path")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(program, "bin/busybox")
        link = tarfile.TarInfo("bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
    engine.api.import_image_from_data(packed.getvalue(), *BUSYBOX.split(":"))
    yield BUSYBOX
    engine.images.remove(BUSYBOX, force=True)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., BuiltImage]:
    """``make(dockerfile, files, **settings)`` builds without an Engine, in a context of its own."""

    def make(text: str, files: dict[str, str] | None = None, **settings: Any) -> BuiltImage:
        wanted = order(tmp_path / "context", text, files, **settings)
        return run(SandboxBuilder, wanted, tmp_path / "store")

    return make
