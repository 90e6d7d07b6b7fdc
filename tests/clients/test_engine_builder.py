"""Images built and pushed by a Docker Engine."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients.call import Caller
from sdt_console.clients.engine_builder import EngineBuilder
from sdt_console.errors import BuildError
from sdt_console.model import RegistryLogin
from tests.clients.builders import OURS, exported, push, run
from tests.clients.images import LABEL, LABEL_VALUE, order
from tests.registry_server import REPO, RegistryServer

docker = pytest.mark.docker
# --- the Engine's builder ----------------------------------------------------


def test_no_engine_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert EngineBuilder.available() == "no Docker Engine answers: No such file or directory"
    with pytest.raises(BuildError) as caught:
        run(EngineBuilder, order(tmp_path / "context", "FROM scratch\n"))
    assert caught.value.cause == "no Docker Engine answers: No such file or directory"
    assert "start a Docker Engine" in caught.value.next


@docker
def test_a_build_runs_the_dockerfile(tmp_path: Path, engine: Any, busybox: str) -> None:
    assert EngineBuilder.available() is None
    notes: list[tuple[str, int, int]] = []
    wanted = order(
        tmp_path / "context",
        "ARG BASE\nFROM $BASE\nARG WHO\nRUN echo hello $WHO > /greeting\nCOPY . /files\n",
        {"a": "1", "secret": "s", ".dockerignore": "secret\nDockerfile\n"},
        build_args={"BASE": busybox, "WHO": "world"},
        labels={"commit": "abc"},
        references=("sdt-test/one:abc", "sdt-test/one:latest"),
    )
    image = run(EngineBuilder, wanted, progress=lambda *note: notes.append(note))
    built = engine.images.get("sdt-test/one:abc")
    assert (built.id, built.attrs["Size"]) == (image.image_id, image.size)
    assert engine.images.get("sdt-test/one:latest").id == image.image_id
    assert built.labels["commit"] == "abc"
    found = exported(engine, image.image_id)
    assert found["greeting"][3] == "hello world\n"
    assert sorted(path for path in found if path.startswith("files/")) == ["files/.dockerignore", "files/a"]
    assert ("RUN echo hello $WHO > /greeting", 3, 7) in notes


@docker
def test_a_failed_build_tells_its_last_lines(tmp_path: Path, busybox: str) -> None:
    wanted = order(
        tmp_path / "context",
        f"FROM {busybox}\nRUN for n in $(busybox seq 50); do echo line $n; done; exit 3\n",
    )
    with pytest.raises(BuildError) as caught:
        run(EngineBuilder, wanted)
    first, *rest = caught.value.cause.splitlines()
    assert first.endswith("returned a non-zero code: 3")
    assert (len(rest), rest[-1]) == (20, "line 50")
    assert caught.value.what == "cannot build user-service"


@docker
@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("FROM scratch\nCOPPY a b\n", "unknown instruction: COPPY"),
        ("FROM scratch\nCOPY none /\n", "none"),
        ("FROM 127.0.0.1:1/none:1\n", "127.0.0.1:1"),
    ],
)
def test_a_mistake_is_told_in_the_engines_words(tmp_path: Path, text: str, cause: str) -> None:
    with pytest.raises(BuildError) as caught:
        run(EngineBuilder, order(tmp_path / "context", text))
    assert cause in caught.value.cause


@docker
def test_a_cancelled_build_ends_at_once(tmp_path: Path, engine: Any, busybox: str) -> None:
    running = asyncio.Event()
    text = f"FROM {busybox}\nLABEL {LABEL}={LABEL_VALUE}\nRUN echo begun && busybox sleep 300\n"

    async def go() -> float:
        loop, call = asyncio.get_running_loop(), Caller()

        def progress(note: str, done: int, total: int) -> None:
            if note == "begun":
                loop.call_soon_threadsafe(running.set)

        task = asyncio.create_task(EngineBuilder(call).build(order(tmp_path / "context", text), progress))
        await asyncio.wait_for(running.wait(), 30)
        begin = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        call.close()
        return time.monotonic() - begin

    assert asyncio.run(go()) < 1.0
    # The Engine stops the step's container by itself once its client has gone.
    deadline = time.monotonic() + 20
    while engine.api.containers(all=True, filters={"label": OURS}):
        assert time.monotonic() < deadline, "the step's container still runs"


# --- the Engine's push -------------------------------------------------------


@docker
def test_a_push_gives_the_digest_that_ecr_has(tmp_path: Path, engine: Any, registry: RegistryServer) -> None:
    registry.create(REPO)
    references = tuple(f"{registry.host}/{REPO}:{tag}" for tag in ("abc", "latest"))
    wanted = order(tmp_path / "context", "FROM scratch\nCOPY a /\n", {"a": "1"}, references=references)
    image = run(EngineBuilder, wanted)
    notes: list[str] = []
    login = RegistryLogin(registry.host, "AWS", registry.password(), plain_http=True)
    digest = push(EngineBuilder, image, login, progress=lambda note, *_: notes.append(note))
    assert registry.tags(REPO) == {"abc": digest, "latest": digest}
    assert any("pushed" in note for note in notes)

    engine.images.remove(image.image_id, force=True)
    credentials = {"username": "AWS", "password": registry.password()}
    pulled = engine.images.pull(f"{registry.host}/{REPO}@{digest}", auth_config=credentials)
    assert pulled.id == image.image_id


@docker
def test_a_refused_push_tells_the_registrys_words(
    tmp_path: Path, engine: Any, registry: RegistryServer
) -> None:
    reference = f"{registry.host}/sdt/none:abc"
    wanted = order(tmp_path / "context", "FROM scratch\nCOPY a /\n", {"a": "1"}, references=(reference,))
    image = run(EngineBuilder, wanted)
    with pytest.raises(BuildError, match="The repository with name 'sdt/none' does not exist") as caught:
        push(EngineBuilder, image, RegistryLogin(registry.host, "AWS", registry.password()))
    assert caught.value.what == f"cannot push {reference}"
    with pytest.raises(BuildError) as caught:
        push(EngineBuilder, image, RegistryLogin(registry.host, "AWS", "wrong-password"))
    assert "wrong-password" not in str(caught.value)
