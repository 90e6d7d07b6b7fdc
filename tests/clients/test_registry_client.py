"""The registry client: against the sandbox's registry, and against one that misbehaves on purpose."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from sdt_console.clients import registry as module
from sdt_console.clients.oci import CONFIG_TYPE, MANIFEST_TYPE, Entry, digest_of, image_config, image_manifest
from sdt_console.clients.oci_layout import OciLayout
from sdt_console.clients.registry import ATTEMPTS, RegistryClient
from sdt_console.clients.registry_auth import is_loopback
from sdt_console.clients.registry_errors import split_reference
from sdt_console.errors import BuildError
from sdt_console.model import RegistryLogin
from tests.registry_server import RegistryServer

REPO = "sdt/dev/user-service"
PASSWORD = "s3cret-pass"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_S", 0.0)


@pytest.fixture
def image(tmp_path: Path) -> OciLayout:
    layout = OciLayout(tmp_path / "image")
    layers = [layout.add_layer([Entry(name, content=name.encode())]) for name in ("a", "b")]
    config = layout.add(image_config({}, layers), CONFIG_TYPE)
    layout.finish(image_manifest(config, layers))
    return layout


@pytest.fixture
def client(registry: RegistryServer) -> Iterator[RegistryClient]:
    registry.create(REPO)
    client = RegistryClient(RegistryLogin(registry.host, "AWS", registry.password(), plain_http=True))
    yield client
    client.close()


def test_a_push_uploads_once_and_tags_all(
    client: RegistryClient, registry: RegistryServer, image: OciLayout
) -> None:
    notes: list[tuple[str, int, int]] = []
    digest = client.push(REPO, ["abc", "latest"], image, lambda *note: notes.append(note))
    assert digest == digest_of(image.manifest())
    assert registry.tags(REPO) == {"abc": digest, "latest": digest}
    assert len([r for r in registry.requests if r.startswith("PATCH")]) == 3
    total = notes[-1][2]
    assert notes[-1] == ("tagged latest", total, total)
    assert all(0 <= done <= total for _, done, total in notes)

    registry.requests.clear()
    assert client.push(REPO, ["again"], image) == digest
    assert {r.split()[0] for r in registry.requests} == {"HEAD", "PUT"}


def test_reading_back(client: RegistryClient, image: OciLayout) -> None:
    digest = client.push(REPO, ["abc"], image)
    for reference in ("abc", digest):
        found = client.manifest(REPO, reference)
        assert found is not None
        assert (found.body, found.digest, found.media_type) == (image.manifest(), digest, MANIFEST_TYPE)
    assert client.manifest(REPO, "none") is None
    assert not client.exists(REPO, digest_of(b"none"))


def test_blobs_are_mounted_from_another_repository(
    client: RegistryClient, registry: RegistryServer, image: OciLayout
) -> None:
    client.push(REPO, ["abc"], image)
    registry.create("sdt/staging/user-service")
    target = "sdt/staging/user-service"
    for blob in [b["digest"] for b in _described(image)]:
        assert client.mount(target, blob, REPO)
        assert client.exists(target, blob)
    assert not client.mount(target, digest_of(b"none"), REPO)
    digest = client.put_manifest(target, "abc", image.manifest(), MANIFEST_TYPE)
    assert registry.tags(target) == {"abc": digest}


def _described(image: OciLayout) -> list[dict[str, Any]]:
    manifest = json.loads(image.manifest())
    return [manifest["config"], *manifest["layers"]]


def test_an_immutable_tag_is_no_error_when_it_is_the_same_image(
    client: RegistryClient, registry: RegistryServer, image: OciLayout, tmp_path: Path
) -> None:
    registry.ecr.put_image_tag_mutability(repositoryName=REPO, imageTagMutability="IMMUTABLE")
    digest = client.push(REPO, ["abc"], image)
    assert client.push(REPO, ["abc"], image) == digest
    other = OciLayout(tmp_path / "other")
    config = other.add(image_config({"Cmd": ["x"]}, []), CONFIG_TYPE)
    other.finish(image_manifest(config, []))
    with pytest.raises(BuildError, match="tag invalid: The image tag 'abc' already exists") as caught:
        client.push(REPO, ["abc"], other)
    assert "immutable" in caught.value.next
    assert registry.tags(REPO) == {"abc": digest}


def test_what_the_registry_says_is_what_we_say(client: RegistryClient, image: OciLayout) -> None:
    with pytest.raises(BuildError, match="cannot read from sdt/none"):
        client.manifest("sdt/none", "abc")
    with pytest.raises(BuildError) as caught:
        client.push("sdt/none", ["abc"], image)
    assert caught.value.what == f"cannot push to sdt/none at {client.host}"
    assert caught.value.cause.startswith("name unknown: The repository with name 'sdt/none' does not exist")
    assert "create the repository" in caught.value.next


def test_an_expired_token(registry: RegistryServer, client: RegistryClient, image: OciLayout) -> None:
    registry.app.expire_tokens()
    with pytest.raises(BuildError, match=r"cannot push to .*: denied: Your authorization token has expired"):
        client.put_manifest(REPO, "abc", image.manifest(), MANIFEST_TYPE)


# --- a registry that misbehaves ----------------------------------------------

Handler = Callable[[Request], Response]


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: Any = "-", size: Any = "-") -> None: ...


@contextmanager
def serving(handler: Handler) -> Iterator[str]:
    def app(environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        request.get_data()
        return handler(request)(environ, start_response)

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def client_of(host: str, **settings: Any) -> RegistryClient:
    return RegistryClient(RegistryLogin(host, "AWS", PASSWORD), **settings)


def test_errors_that_pass_are_repeated(
    registry: RegistryServer, client: RegistryClient, image: OciLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request fails once with a 503 or a broken connection before it is let through."""
    seen: dict[str, int] = {}
    answer = registry.app._answer

    def flaky(request: Request) -> Response:
        key = f"{request.method} {request.path.split('/uploads/')[0]}"
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 1:
            return Response("busy", 503)
        if seen[key] == 2:
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        return answer(request)

    monkeypatch.setattr(registry.app, "_answer", flaky)
    digest = client.push(REPO, ["abc"], image)
    assert registry.tags(REPO) == {"abc": digest}
    assert min(seen.values()) >= 3


def test_an_answer_that_gets_lost_is_no_second_upload(
    registry: RegistryServer, client: RegistryClient, image: OciLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every PUT is carried out, and its first answer never arrives."""
    seen: set[str] = set()
    answer = registry.app._answer

    def lossy(request: Request) -> Response:
        response = answer(request)
        if request.method == "PUT" and request.url not in seen:
            seen.add(request.url)
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        return response

    registry.ecr.put_image_tag_mutability(repositoryName=REPO, imageTagMutability="IMMUTABLE")
    monkeypatch.setattr(registry.app, "_answer", lossy)
    digest = client.push(REPO, ["abc"], image)
    assert registry.tags(REPO) == {"abc": digest}
    assert len([r for r in registry.requests if r.startswith("PATCH")]) == 3


def test_errors_that_stay_end_after_a_few_attempts() -> None:
    count: list[str] = []

    def broken(request: Request) -> Response:
        count.append(request.method)
        return Response('{"errors": [{"code": "UNKNOWN", "message": "disk full"}]}', 500)

    with serving(broken) as host, pytest.raises(BuildError, match="unknown: disk full"):
        client_of(host).manifest(REPO, "abc")
    assert len(count) == ATTEMPTS


def test_a_registry_that_is_not_there(registry: RegistryServer) -> None:
    with serving(lambda request: Response()) as host:
        pass
    with pytest.raises(BuildError) as caught:
        client_of(host).manifest(REPO, "abc")
    assert caught.value.what == f"{host} does not answer"
    assert "Connection refused" in caught.value.cause
    assert "object at 0x" not in str(caught.value)


def test_a_bearer_token_is_fetched_when_asked_for() -> None:
    basic = "Basic " + base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
    asked: list[str] = []

    def handler(request: Request) -> Response:
        if request.path == "/token":
            assert request.headers["Authorization"] == basic
            asked.append(f"{request.args['service']} {request.args['scope']}")
            return Response(json.dumps({"token": "t0ken"}))
        if request.headers.get("Authorization") != "Bearer t0ken":
            challenge = f'Bearer realm="http://{request.host}/token",service="reg",scope="repository:x:pull"'
            return Response("{}", 401, {"WWW-Authenticate": challenge})
        return Response(b"{}", mimetype=MANIFEST_TYPE)

    with serving(handler) as host:
        client = client_of(host)
        assert client.manifest("x", "abc") is not None
        assert client.manifest("x", "abc") is not None
    assert asked == ["reg repository:x:pull"]


def test_a_password_does_not_go_to_a_token_service_without_tls() -> None:
    def handler(request: Request) -> Response:
        return Response("", 401, {"WWW-Authenticate": 'Bearer realm="http://elsewhere.test/token"'})

    with serving(handler) as host, pytest.raises(BuildError, match="token service is not on HTTPS"):
        client_of(host).exists("x", digest_of(b""))


def test_credentials_stay_with_the_registry(tmp_path: Path) -> None:
    """An upload's Location on another host, as some registries give, is used without them."""
    elsewhere: list[str | None] = []

    def store(request: Request) -> Response:
        elsewhere.append(request.headers.get("Authorization"))
        return Response("", 202 if request.method == "PATCH" else 201)

    (tmp_path / "blob").write_bytes(b"data")
    with serving(store) as other:

        def handler(request: Request) -> Response:
            assert request.headers["Authorization"].startswith("Basic ")
            return Response("", 202, {"Location": f"http://{other}/upload?state=1"})

        with serving(handler) as host:
            client_of(host).upload("x", digest_of(b"data"), tmp_path / "blob")
    assert elsewhere == [None, None]


def test_secrets_are_never_told() -> None:
    encoded = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
    body = json.dumps({"errors": [{"code": "DENIED", "message": f"no entry for {PASSWORD} ({encoded})"}]})
    with serving(lambda request: Response(body, 403)) as host:
        client = client_of(host)
        with pytest.raises(BuildError, match=r"denied: no entry for \*\*\* \(\*\*\*\)"):
            client.manifest("x", "abc")
        assert PASSWORD not in repr(client) + repr(client._auth) + repr(vars(client))


def test_plain_http_is_for_loopback_only() -> None:
    with pytest.raises(BuildError, match="will not speak plain HTTP with registry"):
        RegistryClient(RegistryLogin("registry.test", "AWS", PASSWORD, plain_http=True))
    hosts = ["127.0.0.1:5000", "127.9.9.9", "localhost", "localhost:80", "[::1]:5000"]
    assert all(is_loopback(host) for host in hosts)
    others = ["registry.test", "127.0.0.1.test", "localhost.test:80", "10.0.0.1", "", "[::2]"]
    assert not any(is_loopback(host) for host in others)


def test_a_manifest_that_is_not_its_digest() -> None:
    lie = {"Docker-Content-Digest": digest_of(b"other")}
    with (
        serving(lambda request: Response(b"{}", 200, lie)) as host,
        pytest.raises(BuildError, match="damaged manifest"),
    ):
        client_of(host).manifest("x", "abc")


def test_a_stopped_push_ends_in_the_middle_of_a_blob(
    client: RegistryClient, registry: RegistryServer, tmp_path: Path
) -> None:
    (tmp_path / "blob").write_bytes(b"x" * (4 << 20))
    stop = threading.Event()
    stopping = RegistryClient(RegistryLogin(registry.host, "AWS", registry.password()), stop=stop)
    sent: list[int] = []

    def watch(count: int) -> None:
        sent.append(count)
        stop.set()

    with pytest.raises(BuildError, match="stopped: the run was cancelled"):
        stopping.upload(REPO, digest_of(b"x" * (4 << 20)), tmp_path / "blob", watch)
    assert 0 < sent[-1] < 4 << 20
    assert not client.exists(REPO, digest_of(b"x" * (4 << 20)))


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("127.0.0.1:5000/sdt/dev/a:v1", ("127.0.0.1:5000", "sdt/dev/a", "v1")),
        ("localhost/a", ("localhost", "a", "latest")),
        ("1.dkr.ecr.eu-west-1.amazonaws.com/a/b:c", ("1.dkr.ecr.eu-west-1.amazonaws.com", "a/b", "c")),
    ],
)
def test_references(reference: str, parts: tuple[str, str, str]) -> None:
    assert split_reference(reference) == parts


@pytest.mark.parametrize("reference", ["a", "a/b:c", "host.test/a@sha256:00", "host.test/"])
def test_references_without_a_host_or_with_a_digest(reference: str) -> None:
    with pytest.raises(ValueError, match="is not HOST/REPOSITORY:TAG"):
        split_reference(reference)
