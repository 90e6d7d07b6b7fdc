"""A Docker Engine for the tests that need one, and a quick way to the sandbox's images."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients import stoppable
from sdt_console.clients.oci import CONFIG_TYPE, Entry, image_config, image_manifest
from sdt_console.clients.oci_layout import OciLayout
from sdt_console.clients.registry import RegistryClient
from sdt_console.clients.sandbox_builder import SandboxBuilder
from sdt_console.model import BuiltImage, RegistryLogin
from tests.busybox import import_busybox
from tests.clients.builders import BUSYBOX, OURS, run
from tests.clients.images import REPO, order
from tests.registry_server import RegistryServer


@pytest.fixture
def engine() -> Iterator[Any]:
    import docker as sdk

    client = sdk.from_env()
    yield client
    for container in client.containers.list(all=True, filters={"label": OURS}):
        with contextlib.suppress(sdk.errors.APIError):  # the Engine removes it itself just now
            container.remove(force=True)
    for image in client.images.list(filters={"label": OURS}):
        client.images.remove(image.id, force=True)
    client.close()


@pytest.fixture
def busybox(engine: Any) -> Iterator[str]:
    """A base image that has a shell, made without a network."""
    import_busybox(engine, BUSYBOX)
    yield BUSYBOX
    engine.images.remove(BUSYBOX, force=True)


@pytest.fixture(params=["buildkit", "classic"])
def which(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which of the Engine's two builders builds; a test that asks for it runs with both."""
    name: str = request.param
    monkeypatch.setenv("DOCKER_BUILDKIT", "1" if name == "buildkit" else "0")
    return name


@pytest.fixture
def every_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress as it comes, nothing left out."""
    monkeypatch.setattr(stoppable, "EVERY_S", 0.0)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., BuiltImage]:
    """``make(dockerfile, files, **settings)`` builds without an Engine, in a context of its own."""

    def make(text: str, files: dict[str, str] | None = None, **settings: Any) -> BuiltImage:
        wanted = order(tmp_path / "context", text, files, **settings)
        return run(SandboxBuilder, wanted, tmp_path / "store")

    return make


@pytest.fixture
def image(tmp_path: Path) -> OciLayout:
    """A small image of two layers, not pushed yet."""
    layout = OciLayout(tmp_path / "image")
    layers = [layout.add_layer([Entry(name, content=name.encode())]) for name in ("a", "b")]
    config = layout.add(image_config({}, layers), CONFIG_TYPE)
    layout.finish(image_manifest(config, layers))
    return layout


@pytest.fixture
def client(registry: RegistryServer) -> Iterator[RegistryClient]:
    """Our client, logged in to a registry that has ``REPO``."""
    registry.create(REPO)
    client = RegistryClient(RegistryLogin(registry.host, "AWS", registry.password(), plain_http=True))
    yield client
    client.close()
