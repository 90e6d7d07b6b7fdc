"""An Engine that breaks off, refuses, or hangs: each ends with a cause, and at once when cancelled."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from sdt_console.clients.call import Caller
from sdt_console.clients.engine_builder import EngineBuilder
from sdt_console.errors import BuildError
from sdt_console.model import BuiltImage, RegistryLogin
from tests.clients.images import order

T = TypeVar("T")

IMAGE_ID = "sha256:" + "1" * 64
DIGEST = "sha256:" + "2" * 64
BUILT: list[dict[str, Any]] = [{"stream": "Step 1/1 : FROM scratch\n"}, {"aux": {"ID": IMAGE_ID}}]
LOGIN = RegistryLogin("127.0.0.1:5000", "AWS", "s3cret-pass")
IMAGE = BuiltImage("user-service", IMAGE_ID, 1, ("127.0.0.1:5000/a:v1", "127.0.0.1:5000/a:latest"))


class FakeEngine:
    """Answers what a test gives it; ``requests`` holds what came."""

    def __init__(self) -> None:
        self.ping = {"Builder-Version": "1"}
        self.tag: Callable[[], Response] = lambda: Response("", 201)
        self.build: Callable[[Request], Response] = lambda request: stream(BUILT)
        self.push: Callable[[Request], Response] = lambda request: stream([{"aux": {"Digest": DIGEST}}])
        self.requests: list[Request] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        request.get_data()
        self.requests.append(request)
        return self.answer(request)(environ, start_response)

    def answer(self, request: Request) -> Response:
        if request.path == "/version":
            return Response('{"ApiVersion": "1.41"}', mimetype="application/json")
        if request.path == "/_ping":
            return Response("OK", headers=self.ping)
        if request.path.endswith("/tag"):
            return self.tag()
        if request.path == "/v1.41/build":
            return self.build(request)
        if request.path.endswith("/push"):
            return self.push(request)
        if request.method == "DELETE":
            return Response("[]", mimetype="application/json")
        if request.path == f"/v1.41/images/{IMAGE_ID}/json":
            return Response('{"Size": 123}', mimetype="application/json")
        return Response(f'{{"message": "{request.path}?"}}', 404)


def stream(events: list[dict[str, Any]], then: Callable[[], None] = lambda: None) -> Response:
    def lines() -> Iterator[bytes]:
        for event in events:
            yield json.dumps(event).encode() + b"\r\n"
        then()

    return Response(lines(), mimetype="application/json")


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None: ...


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeEngine]:
    fake = FakeEngine()
    server = make_server("127.0.0.1", 0, fake, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.port}")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


def build(tmp_path: Path, notes: list[Any] | None = None, **settings: Any) -> BuiltImage:
    wanted = order(tmp_path / "context", "FROM scratch\nCOPY a /\n", {"a": "1"}, **settings)
    return run(lambda builder: builder.build(wanted, _into(notes)))


def push(notes: list[Any] | None = None) -> str:
    return run(lambda builder: builder.push(IMAGE, LOGIN, _into(notes)))


def _into(notes: list[Any] | None) -> Callable[[str, int, int], None]:
    return lambda *note: None if notes is None else notes.append(note)


def run(work: Callable[[EngineBuilder], Awaitable[T]]) -> T:
    async def go() -> T:
        call = Caller()
        try:
            return await work(EngineBuilder(call))
        finally:
            call.close()

    return asyncio.run(go())


def test_what_a_build_sends(engine: FakeEngine, tmp_path: Path) -> None:
    image = build(
        tmp_path, references=("h.test/a:1", "h.test/a:latest"), build_args={"A": "1"}, platform="linux/arm64"
    )
    assert (image.image_id, image.size) == (IMAGE_ID, 123)
    (sent,) = [request for request in engine.requests if request.path.endswith("/build")]
    assert sent.args.getlist("t") == ["h.test/a:1", "h.test/a:latest"]
    assert json.loads(sent.args["buildargs"]) == {"A": "1"}
    assert (sent.args["platform"], sent.args["dockerfile"], sent.args["forcerm"]) == (
        "linux/arm64", "Dockerfile", "1",
    )  # fmt: skip
    assert b"COPY a /" in sent.get_data()


def test_logins_of_the_person_reach_the_engine(engine: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"auths": {"h.test": {"auth": "dTpw"}}}')
    build(tmp_path)
    (sent,) = [request for request in engine.requests if request.path.endswith("/build")]
    assert sent.headers["X-Registry-Config"]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (lambda: Response('{"message": "no space left"}', 500), "no space left"),
        (lambda: Response("<html>proxy</html>", 502), "<html>proxy</html>"),
        (lambda: stream([*BUILT[:1], {"errorDetail": {}, "error": "boom"}]), "boom\nStep 1/1 : FROM scratch"),
        (lambda: stream(BUILT[:1]), "the Docker Engine named no image\nStep 1/1 : FROM scratch"),
    ],
)
def test_refusals(engine: FakeEngine, tmp_path: Path, answer: Callable[[], Response], cause: str) -> None:
    engine.build = lambda request: answer()
    with pytest.raises(BuildError) as caught:
        build(tmp_path)
    assert caught.value.cause.strip() == cause
    assert caught.value.what == "cannot build user-service"


def test_an_engine_that_goes_away_in_mid_build(engine: FakeEngine, tmp_path: Path) -> None:
    def vanish(request: Request) -> Response:
        return stream(BUILT[:1], lambda: request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR))

    engine.build = vanish
    with pytest.raises(BuildError, match="the Docker Engine broke off") as caught:
        build(tmp_path)
    assert "start a Docker Engine" in caught.value.next


def test_an_engine_that_loses_the_image(engine: FakeEngine, tmp_path: Path) -> None:
    engine.build = lambda request: stream([{"aux": {"ID": "sha256:gone"}}])
    with pytest.raises(BuildError, match="the Docker Engine does not know the image"):
        build(tmp_path)


def test_an_engine_that_talks_nonsense(engine: FakeEngine, tmp_path: Path) -> None:
    engine.build = lambda request: Response(b"\xff\xfe not json\r\n")
    with pytest.raises(BuildError, match="the Docker Engine broke off"):
        build(tmp_path)


def test_pushes_count_bytes_and_give_the_digest(engine: FakeEngine, every_note: None) -> None:
    detail: list[dict[str, Any]] = [
        {"status": "Preparing", "progressDetail": {}, "id": "aa"},
        {"status": "Pushing", "progressDetail": {"current": 5, "total": 10}, "id": "aa"},
        {"status": "Pushing", "progressDetail": {"current": 30, "total": 20}, "id": "bb"},
        {"status": "Pushed", "progressDetail": {}, "id": "aa"},
        {"status": "v1: digest: ..."},
        {"aux": {"Tag": "v1", "Digest": DIGEST, "Size": 1}},
    ]
    engine.push = lambda request: stream(detail)
    notes: list[Any] = []
    assert push(notes) == DIGEST
    assert notes[:4] == [
        ("aa preparing", 0, 0), ("aa pushing", 5, 10), ("bb pushing", 25, 30), ("aa pushed", 30, 30),
    ]  # fmt: skip
    sent = [request for request in engine.requests if request.path.endswith("/push")]
    assert [(r.path, r.args["tag"]) for r in sent] == [
        ("/v1.41/images/127.0.0.1:5000/a/push", "v1"),
        ("/v1.41/images/127.0.0.1:5000/a/push", "latest"),
    ]


@pytest.mark.parametrize("keep", [True, False])
def test_images_stay_in_the_engine_only_where_they_are_wanted(engine: FakeEngine, keep: bool) -> None:
    async def go() -> str:
        call = Caller()
        try:
            return await EngineBuilder(call, keep=keep).push(IMAGE, LOGIN, _into(None))
        finally:
            call.close()

    assert asyncio.run(go()) == DIGEST
    removed = [request.path for request in engine.requests if request.method == "DELETE"]
    assert removed == ([] if keep else [f"/v1.41/images/{name}" for name in IMAGE.references])


def test_a_dockerfile_for_buildkit_is_told_so(engine: FakeEngine, tmp_path: Path) -> None:
    engine.build = lambda request: stream([{"error": "the --mount option requires BuildKit. Refer to …"}])
    with pytest.raises(BuildError, match="requires BuildKit") as caught:
        build(tmp_path)
    assert "unset DOCKER_BUILDKIT" in caught.value.next


def test_a_refused_push_hides_the_password(engine: FakeEngine) -> None:
    engine.push = lambda request: stream([{"error": f"denied for {LOGIN.password}"}])
    with pytest.raises(BuildError) as caught:
        push()
    assert caught.value.cause == "denied for ***"
    engine.push = lambda request: stream([{"status": "nothing"}])
    with pytest.raises(BuildError, match="named no digest"):
        push()


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("what", ["build", "push"])
def test_a_silent_engine_is_left_at_once_when_cancelled(
    engine: FakeEngine, tmp_path: Path, what: str, answers: bool
) -> None:
    asked, finish = threading.Event(), threading.Event()

    def silent(request: Request) -> Response:
        def wait() -> None:
            asked.set()
            finish.wait(30)

        if not answers:
            wait()
        return stream([{"status": "begun", "id": "aa", "progressDetail": {}}], wait)

    engine.build = engine.push = silent
    wanted = order(tmp_path / "context", "FROM scratch\n")

    async def go() -> float:
        call = Caller()
        builder = EngineBuilder(call)
        note = _into(None)
        work = builder.build(wanted, note) if what == "build" else builder.push(IMAGE, LOGIN, note)
        task = asyncio.create_task(work)
        await asyncio.to_thread(asked.wait, 10)
        begin = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        taken = time.monotonic() - begin
        call.close()
        return taken

    try:
        assert asyncio.run(go()) < 1.0
    finally:
        finish.set()
    assert len([request for request in engine.requests if request.path.endswith("/push")]) <= 1


@pytest.mark.parametrize(
    ("wish", "ping", "version"),
    [
        ("", {"Builder-Version": "2"}, "2"),
        ("", {"Builder-Version": "1"}, None),
        ("", {"Builder-Version": ""}, None),  # Podman
        ("", {"Ostype": "linux"}, "2"),  # Engine 20.10, API 1.41
        ("", {"Ostype": "windows"}, None),
        ("0", {"Builder-Version": "2"}, None),
        ("false", {"Builder-Version": "2"}, None),
        ("1", {"Builder-Version": "1"}, "2"),
    ],
)
def test_buildkit_is_used_where_the_engine_has_it(
    engine: FakeEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wish: str,
    ping: dict[str, str],
    version: str | None,
) -> None:
    monkeypatch.setenv("DOCKER_BUILDKIT", wish)
    engine.ping = ping
    engine.build = lambda request: stream([{"id": "moby.image.id", "aux": {"ID": IMAGE_ID}}])
    assert build(tmp_path, references=("h.test/a:1", "h.test/a:latest")).image_id == IMAGE_ID
    (sent,) = [request for request in engine.requests if request.path.endswith("/build")]
    assert sent.args.get("version") == version
    assert sent.args.getlist("t") == ["h.test/a:1", "h.test/a:latest"]
