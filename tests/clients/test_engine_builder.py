"""Images built and pushed by a Docker Engine: what holds for both of its builders."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients.call import Caller
from sdt_console.clients.engine_builder import EngineBuilder
from sdt_console.errors import BuildError
from sdt_console.model import BuildOrder, BuiltImage, RegistryLogin
from tests.clients.builders import OURS, exported, has, push, run
from tests.clients.images import LABEL, LABEL_VALUE, order
from tests.registry_server import REPO, RegistryServer

docker = pytest.mark.docker


def test_no_engine_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert EngineBuilder.available() == "no Docker Engine answers: No such file or directory"
    with pytest.raises(BuildError) as caught:
        run(EngineBuilder, order(tmp_path / "context", "FROM scratch\n"))
    assert caught.value.cause == "no Docker Engine answers: No such file or directory"
    assert "start a Docker Engine" in caught.value.next


@docker
def test_a_build_runs_the_dockerfile(
    tmp_path: Path, engine: Any, busybox: str, which: str, every_note: None
) -> None:
    assert EngineBuilder.available() is None
    notes: list[tuple[str, int, int]] = []
    wanted = order(
        tmp_path / "context",
        "ARG BASE\nFROM $BASE\nARG WHO\nRUN echo hello $WHO > /greeting\nCOPY . /files\n",
        {"a": "1", "secret": "s", ".dockerignore": "secret\n"},
        build_args={"BASE": busybox, "WHO": LABEL_VALUE},
        labels={"commit": "abc"},
        references=("sdt-test/one:abc", "sdt-test/one:latest"),
    )
    image = run(EngineBuilder, wanted, progress=lambda *note: notes.append(note))
    built = engine.images.get("sdt-test/one:abc")
    assert (built.id, built.attrs["Size"]) == (image.image_id, image.size)
    assert engine.images.get("sdt-test/one:latest").id == image.image_id
    assert built.labels["commit"] == "abc"
    assert (built.attrs["Os"], built.attrs["Architecture"]) == ("linux", "amd64")
    found = exported(engine, image.image_id)
    assert found["greeting"][3] == f"hello {LABEL_VALUE}\n"
    assert {path for path in found if path.startswith("files/")} == {
        "files/.dockerignore", "files/Dockerfile", "files/a",
    }  # fmt: skip
    step = {"buildkit": (f"[2/3] RUN echo hello {LABEL_VALUE} > /greeting", 1, 3),
            "classic": ("RUN echo hello $WHO > /greeting", 3, 7)}[which]  # fmt: skip
    assert step in notes


@docker
def test_progress_counts_what_is_done(tmp_path: Path, busybox: str, which: str, every_note: None) -> None:
    notes: list[tuple[str, int, int]] = []
    text = f"FROM {busybox}\nRUN echo {uuid.uuid4()}\nCOPY a /\n"
    run(EngineBuilder, order(tmp_path / "context", text, {"a": "1"}), progress=lambda *n: notes.append(n))
    counted = [(done, total) for note, done, total in notes if total and "RUN echo" in note]
    begun = {"buildkit": (1, 3), "classic": (1, 4)}[which]  # the classic builder counts our label, too
    assert counted[0] == begun
    assert all(done <= total for _, done, total in notes)
    assert [done for _, done, total in notes if total] == sorted(done for _, done, total in notes if total)


@docker
def test_a_failed_build_tells_its_last_lines(tmp_path: Path, busybox: str, which: str) -> None:
    text = f"FROM {busybox}\nRUN for n in $(busybox seq 50); do echo line $n; done; exit 3\n"
    with pytest.raises(BuildError) as caught:
        run(EngineBuilder, order(tmp_path / "context", text), logs=tmp_path / "logs")
    lines = caught.value.cause.splitlines()
    assert lines[0].endswith({"buildkit": "exit code: 3", "classic": "returned a non-zero code: 3"}[which])
    assert lines[-20:] == [f"line {n}" for n in range(31, 51)]
    assert len(lines) == {"buildkit": 22, "classic": 21}[which]  # BuildKit: which step it was
    assert caught.value.what == "cannot build user-service"
    log = tmp_path / "logs" / "user-service.log"
    assert caught.value.evidence == (f"whole output: {log}",)
    kept = log.read_text()
    assert all(f"line {n}\n" in kept for n in range(1, 51))
    assert lines[0] in kept


@docker
def test_the_output_of_a_build_is_kept(tmp_path: Path, busybox: str, which: str) -> None:
    word = str(uuid.uuid4())
    text = f"FROM {busybox}\nRUN echo {word}; echo to-stderr >&2; printf 'no end'\n"
    image = run(EngineBuilder, order(tmp_path / "context", text), logs=tmp_path / "logs" / "run")
    assert image.log == str(tmp_path / "logs" / "run" / "user-service.log")
    kept = Path(image.log).read_text()
    assert all(part in kept for part in (f"RUN echo {word};", f"{word}\n", "to-stderr\n", "no end"))


@docker
def test_a_log_that_cannot_be_written_stops_no_build(tmp_path: Path, which: str) -> None:
    (tmp_path / "logs").write_text("a file where the folder belongs")
    wanted = order(tmp_path / "context", "FROM scratch\nCOPY a /\n", {"a": "1"})
    image = run(EngineBuilder, wanted, logs=tmp_path / "logs")
    assert (image.log, image.image_id[:7]) == ("", "sha256:")
    (tmp_path / "context/Dockerfile").write_text("FROM scratch\nCOPY none /\n")
    with pytest.raises(BuildError) as caught:
        run(EngineBuilder, wanted, logs=tmp_path / "logs")
    assert "the output could not be kept" in caught.value.evidence[0]


@docker
@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("FROM scratch\nCOPPY a b\n", "unknown instruction: COPPY"),
        ("FROM scratch\nCOPY none /\n", "none"),
        ("FROM 127.0.0.1:1/none:1\n", "127.0.0.1:1"),
    ],
)
def test_a_mistake_is_told_in_the_engines_words(tmp_path: Path, text: str, cause: str, which: str) -> None:
    with pytest.raises(BuildError) as caught:
        run(EngineBuilder, order(tmp_path / "context", text))
    assert cause in caught.value.cause
    assert "failed to solve" not in caught.value.cause


@docker
def test_a_cancelled_build_ends_at_once(tmp_path: Path, engine: Any, busybox: str, which: str) -> None:
    running = asyncio.Event()
    seconds = str(300 + uuid.uuid4().int % 10**9)
    text = f"FROM {busybox}\nLABEL {LABEL}={LABEL_VALUE}\nRUN echo begun && busybox sleep {seconds}\n"

    async def go() -> float:
        loop, call = asyncio.get_running_loop(), Caller()

        def progress(note: str, done: int, total: int) -> None:
            if note == "begun":
                loop.call_soon_threadsafe(running.set)

        task = asyncio.create_task(EngineBuilder(call).build(order(tmp_path / "context", text), progress))
        await asyncio.wait_for(running.wait(), 30)
        _until(lambda: _sleeps(seconds), 10, "the step does not run")
        begin = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        call.close()
        return time.monotonic() - begin

    assert asyncio.run(go()) < 1.0
    # The Engine stops the step by itself once its client has gone; the classic builder takes its time.
    _until(lambda: not _sleeps(seconds), {"buildkit": 3, "classic": 20}[which], "the step still runs")
    _until(lambda: not engine.api.containers(all=True, filters={"label": OURS}), 20, "its container is there")


def _until(reached: Callable[[], bool], limit: float, trouble: str) -> None:
    deadline = time.monotonic() + limit
    while not reached():
        assert time.monotonic() < deadline, trouble


def _sleeps(seconds: str) -> bool:
    """Whether a process of that command line is there: BuildKit's steps are no containers of the Engine's."""
    return any(_words(process)[-1:] == [seconds] for process in Path("/proc").glob("[0-9]*"))


def _words(process: Path) -> list[str]:
    try:
        return process.joinpath("cmdline").read_text(errors="replace").rstrip("\0").split("\0")
    except OSError:  # it ended meanwhile
        return []


@docker
def test_the_engine_says_whether_it_holds_an_image(tmp_path: Path, engine: Any, which: str) -> None:
    wanted = order(tmp_path / "context", "FROM scratch\nCOPY a /\n", {"a": "1"}, references=("sdt-t/h:1",))
    image = run(EngineBuilder, wanted)
    assert has(EngineBuilder, image)
    engine.images.remove(image.image_id, force=True)
    assert not has(EngineBuilder, image)
    assert not has(EngineBuilder, BuiltImage("user-service", "sha256:" + "0" * 64, 1, ()))


# --- pushes ------------------------------------------------------------------


def _built(tmp_path: Path, references: tuple[str, ...]) -> tuple[BuildOrder, BuiltImage]:
    wanted = order(tmp_path / "context", "FROM scratch\nCOPY a /\n", {"a": "1"}, references=references)
    return wanted, run(EngineBuilder, wanted)


@docker
def test_a_push_gives_the_digest_that_ecr_has(
    tmp_path: Path, engine: Any, registry: RegistryServer, which: str, every_note: None
) -> None:
    registry.create(REPO)
    _, image = _built(tmp_path, tuple(f"{registry.host}/{REPO}:{tag}" for tag in ("abc", "latest")))
    notes: list[tuple[str, int, int]] = []
    login = RegistryLogin(registry.host, "AWS", registry.password(), plain_http=True)
    digest = push(EngineBuilder, image, login, progress=lambda *note: notes.append(note))
    assert registry.tags(REPO) == {"abc": digest, "latest": digest}
    assert any("pushed" in note and done == total > 0 for note, done, total in notes)

    engine.images.remove(image.image_id, force=True)
    credentials = {"username": "AWS", "password": registry.password()}
    pulled = engine.images.pull(f"{registry.host}/{REPO}@{digest}", auth_config=credentials)
    assert pulled.id == image.image_id


@docker
def test_what_is_pushed_is_what_was_built(
    tmp_path: Path, engine: Any, registry: RegistryServer, which: str
) -> None:
    """Another build under the same name in between, as of another run on this machine."""
    registry.create(REPO)
    reference = f"{registry.host}/{REPO}:latest"
    _, image = _built(tmp_path, (reference,))
    other = order(tmp_path / "other", "FROM scratch\nCOPY a /\n", {"a": "2"}, references=(reference,))
    assert run(EngineBuilder, other).image_id != image.image_id
    login = RegistryLogin(registry.host, "AWS", registry.password(), plain_http=True)
    digest = push(EngineBuilder, image, login)
    engine.images.remove(image.image_id, force=True)
    credentials = {"username": "AWS", "password": registry.password()}
    assert (
        engine.images.pull(f"{registry.host}/{REPO}@{digest}", auth_config=credentials).id == image.image_id
    )
    engine.images.remove(image.image_id, force=True)
    with pytest.raises(BuildError, match="has this image no more"):
        push(EngineBuilder, image, login)


@docker
def test_a_refused_push_tells_the_registrys_words(
    tmp_path: Path, engine: Any, registry: RegistryServer
) -> None:
    reference = f"{registry.host}/sdt/none:abc"
    _, image = _built(tmp_path, (reference,))
    with pytest.raises(BuildError, match="The repository with name 'sdt/none' does not exist") as caught:
        push(EngineBuilder, image, RegistryLogin(registry.host, "AWS", registry.password()))
    assert caught.value.what == f"cannot push {reference}"
    with pytest.raises(BuildError) as caught:
        push(EngineBuilder, image, RegistryLogin(registry.host, "AWS", "wrong-password"))
    assert "wrong-password" not in str(caught.value)
