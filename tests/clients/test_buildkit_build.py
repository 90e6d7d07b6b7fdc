"""What BuildKit builds, and what it cannot do for us."""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients.docker_engine import connect, has_buildkit
from sdt_console.clients.engine_builder import EngineBuilder
from sdt_console.errors import BuildError
from sdt_console.model import RegistryLogin
from tests.clients.builders import exported, push, run
from tests.clients.images import order
from tests.registry_server import REPO, RegistryServer

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def _buildkit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_BUILDKIT", "1")


def test_this_engine_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests here would prove little on an Engine that builds with its classic builder."""
    monkeypatch.delenv("DOCKER_BUILDKIT")
    api = connect("test")
    assert has_buildkit(api)
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    assert not has_buildkit(api)
    api.close()


def test_what_is_cached_is_told(tmp_path: Path, busybox: str, every_note: None) -> None:
    text = f"FROM {busybox} AS one\nRUN echo {uuid.uuid4()} > /x\nFROM scratch\nCOPY --from=one /x /y\n"
    wanted = order(tmp_path / "context", text)
    first = run(EngineBuilder, wanted)
    notes: list[str] = []
    again = run(EngineBuilder, wanted, progress=lambda note, *_: notes.append(note), logs=tmp_path)
    assert again.image_id == first.image_id
    (run_step,) = [note for note in notes if "RUN" in note]
    assert run_step.startswith("[one 2/2] RUN echo")
    assert run_step.endswith(": cached")
    assert "CACHED\n" in (tmp_path / "user-service.log").read_text()


def test_options_that_only_buildkit_has(tmp_path: Path, engine: Any, busybox: str) -> None:
    text = (
        f"FROM {busybox}\nRUN --mount=type=cache,target=/c echo kept > /c/x && busybox cp /c/x /y\n"
        "COPY --chmod=600 a /a\n"
    )
    image = run(EngineBuilder, order(tmp_path / "context", text, {"a": "1"}))
    found = exported(engine, image.image_id)
    assert (found["y"][3], found["a"][1]) == ("kept\n", "0o600")


@pytest.mark.parametrize(("ignored", "classic"), [("Dockerfile\n.dockerignore\n", True), ("b\n", False)])
def test_an_ignored_dockerfile_is_not_copied(
    tmp_path: Path, engine: Any, ignored: str, classic: bool
) -> None:
    wanted = order(tmp_path / "context", "FROM scratch\nCOPY . /f/\n", {"a": "1", ".dockerignore": ignored})
    image = run(EngineBuilder, wanted, logs=tmp_path)
    found = {path for path in exported(engine, image.image_id) if path.startswith("f/")}
    assert found == ({"f/a"} if classic else {"f/a", "f/Dockerfile", "f/.dockerignore"})
    assert ("by the classic builder" in (tmp_path / "user-service.log").read_text()) is classic


def test_an_ignored_dockerfile_that_nothing_copies_is_no_matter(tmp_path: Path, engine: Any) -> None:
    files = {"src/a": "1", "x.jar": "j", ".dockerignore": "*\n!src\n!*.jar\n"}
    wanted = order(tmp_path / "context", "FROM scratch\nCOPY src /f/\nCOPY *.jar /f/\n", files)
    image = run(EngineBuilder, wanted, logs=tmp_path)
    found = {path for path in exported(engine, image.image_id) if path.startswith("f/")}
    assert found == {"f/a", "f/x.jar"}
    assert "[internal] load remote build context" in (tmp_path / "user-service.log").read_text()


@pytest.mark.parametrize("kind", ["secret,id=x", "ssh"])
def test_secrets_are_not_passed_on(tmp_path: Path, busybox: str, kind: str) -> None:
    text = f"FROM {busybox}\nRUN --mount=type={kind} echo {uuid.uuid4()}\n"
    with pytest.raises(BuildError, match="no active session") as caught:
        run(EngineBuilder, order(tmp_path / "context", text))
    assert "--mount=type=secret" in caught.value.next
    assert f"RUN --mount=type={kind}" in caught.value.cause


def test_a_frontend_out_of_reach_says_how_to_go_on(tmp_path: Path, busybox: str) -> None:
    text = f"# syntax=127.0.0.1:1/dockerfile:1\nFROM {busybox}\n"
    with pytest.raises(BuildError, match="connection refused") as caught:
        run(EngineBuilder, order(tmp_path / "context", text))
    assert "127.0.0.1:1/dockerfile:1" in caught.value.next
    assert "# syntax=" in caught.value.next
    assert "DOCKER_BUILDKIT=0" in caught.value.next


def test_the_classic_builder_reads_no_syntax_line(
    tmp_path: Path, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    run(EngineBuilder, order(tmp_path / "context", f"# syntax=127.0.0.1:1/none:1\nFROM {busybox}\n"))


@pytest.mark.parametrize("logged_in", [True, False])
def test_a_private_base_image_is_pulled_with_the_persons_login(
    tmp_path: Path, engine: Any, registry: RegistryServer, monkeypatch: pytest.MonkeyPatch, logged_in: bool
) -> None:
    registry.create(REPO)
    reference = f"{registry.host}/{REPO}:base"
    base = order(tmp_path / "base", "FROM scratch\nCOPY a /base\n", {"a": "1"}, references=(reference,))
    image = run(EngineBuilder, base)
    push(EngineBuilder, image, RegistryLogin(registry.host, "AWS", registry.password(), plain_http=True))
    engine.images.remove(image.image_id, force=True)

    config = tmp_path / "docker"
    config.mkdir()
    auth = base64.b64encode(f"AWS:{registry.password()}".encode()).decode()
    (config / "config.json").write_text(
        json.dumps({"auths": {registry.host: {"auth": auth}} if logged_in else {}})
    )
    monkeypatch.setenv("DOCKER_CONFIG", str(config))
    wanted = order(
        tmp_path / "context", "ARG R\nFROM $R\nCOPY b /b\n", {"b": "2"}, build_args={"R": reference}
    )
    if not logged_in:
        with pytest.raises(BuildError, match=registry.host):
            run(EngineBuilder, wanted)
        return
    found = exported(engine, run(EngineBuilder, wanted).image_id)
    assert {"base", "b"} <= set(found)
