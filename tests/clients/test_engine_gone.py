"""A Docker Engine that goes away, hangs or is left in the middle of a build or a push."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients import docker_engine
from sdt_console.clients.call import Caller
from sdt_console.clients.engine_builder import EngineBuilder
from sdt_console.errors import BuildError
from sdt_console.model import BuiltImage, RegistryLogin
from tests.clients.builders import push, run
from tests.clients.docker_proxy import DockerProxy, in_front_of_docker
from tests.clients.images import LABEL, LABEL_VALUE, order
from tests.registry_server import REPO, RegistryServer

pytestmark = pytest.mark.docker


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerProxy]:
    """The Engine as the builder reaches it; an Engine that hangs is found out in seconds."""
    monkeypatch.setattr(docker_engine, "QUIET_S", 0.1)
    monkeypatch.setattr(docker_engine, "MISSES", 3)
    monkeypatch.setattr(docker_engine, "ANSWER_S", 0.7)
    with in_front_of_docker() as proxy:
        monkeypatch.setenv("DOCKER_HOST", proxy.url)
        yield proxy


def _slow(busybox: str) -> str:
    return f"FROM {busybox}\nLABEL {LABEL}={LABEL_VALUE}\nRUN echo {uuid.uuid4()} begun && busybox sleep 30\n"


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("cut", "the Docker Engine broke off"),
        ("freeze", "the Docker Engine does not answer any more: no answer in time"),
    ],
)
def test_in_mid_build(
    tmp_path: Path, busybox: str, which: str, every_note: None, proxy: DockerProxy, fault: str, cause: str
) -> None:
    begun: list[float] = []

    def progress(note: str, done: int, total: int) -> None:
        if note.endswith(" begun") and not begun:
            begun.append(time.monotonic())
            getattr(proxy, fault)()

    with pytest.raises(BuildError, match=cause) as caught:
        run(EngineBuilder, order(tmp_path / "c", _slow(busybox)), progress=progress, logs=tmp_path / "logs")
    assert time.monotonic() - begun[0] < 8
    assert caught.value.what == "cannot build user-service"
    assert caught.value.next == "start a Docker Engine, or set DOCKER_HOST, then run again"
    assert " begun\n" in (tmp_path / "logs" / "user-service.log").read_text()
    assert caught.value.evidence == (f"whole output: {tmp_path}/logs/user-service.log",)


def test_silence_alone_is_no_fault(tmp_path: Path, busybox: str, which: str, proxy: DockerProxy) -> None:
    text = f"FROM {busybox}\nRUN echo {uuid.uuid4()}; busybox sleep 1\n"
    assert run(EngineBuilder, order(tmp_path / "context", text)).image_id


def _image(tmp_path: Path, registry: RegistryServer, kilobytes: int) -> tuple[BuiltImage, RegistryLogin]:
    registry.create(REPO)
    wanted = order(
        tmp_path / "context", "FROM scratch\nCOPY a /\n", references=(f"{registry.host}/{REPO}:abc",)
    )
    (tmp_path / "context" / "a").write_bytes(os.urandom(kilobytes << 10))
    login = RegistryLogin(registry.host, "AWS", registry.password(), plain_http=True)
    return run(EngineBuilder, wanted), login


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("cut", "the Docker Engine broke off"),
        ("freeze", "the Docker Engine does not answer any more: no answer in time"),
    ],
)
def test_in_mid_push(
    tmp_path: Path, engine: Any, registry: RegistryServer, proxy: DockerProxy, fault: str, cause: str
) -> None:
    image, login = _image(tmp_path, registry, 1)
    proxy.then, proxy.on = getattr(proxy, fault), b'"Preparing"'
    with pytest.raises(BuildError, match=cause) as caught:
        push(EngineBuilder, image, login)
    assert proxy.done.is_set()
    assert caught.value.what == "cannot push user-service"
    assert "start a Docker Engine" in caught.value.next


def test_before_anything(tmp_path: Path, proxy: DockerProxy) -> None:
    proxy.freeze()
    assert docker_engine.trouble(0.2) == "no answer in time"
    proxy.cut()
    assert EngineBuilder.available() == "no Docker Engine answers: Connection refused"
    with pytest.raises(BuildError, match="no Docker Engine answers: Connection refused"):
        run(EngineBuilder, order(tmp_path / "context", "FROM scratch\n"))


def test_a_cancelled_push_ends_at_once(
    tmp_path: Path, engine: Any, registry: RegistryServer, every_note: None
) -> None:
    image, login = _image(tmp_path, registry, 60 << 10)
    pushing = threading.Event()

    def progress(note: str, done: int, total: int) -> None:
        if note.endswith("pushing") and done:
            pushing.set()

    async def go() -> float:
        call = Caller()
        task = asyncio.create_task(EngineBuilder(call).push(image, login, progress))
        assert await asyncio.to_thread(pushing.wait, 30)
        begin = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        call.close()
        return time.monotonic() - begin

    assert asyncio.run(go()) < 1.0
    assert registry.tags(REPO) == {}
