"""The registry client against registries that misbehave on purpose."""

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
from sdt_console.clients.oci import MANIFEST_TYPE, digest_of
from sdt_console.clients.oci_layout import OciLayout
from sdt_console.clients.registry import ATTEMPTS, RegistryClient
from sdt_console.clients.registry_auth import is_loopback
from sdt_console.errors import BuildError
from sdt_console.model import RegistryLogin
from tests.clients.images import REPO
from tests.registry_server import RegistryServer

PASSWORD = "s3cret-pass"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_S", 0.0)


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
