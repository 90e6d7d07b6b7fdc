"""An endpoint on loopback that answers, refuses, keeps silent or hangs up as it is told, and counts."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request; an answer is what is done with it."""

    operation: str

    def do_POST(self) -> None:
        api: Api = self.server.api  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        with api.lock:
            api.seen.append(self.operation)
            answer = api.answers.pop(0) if api.answers else ok()
        answer(self)

    def send(self, status: int, body: str, kind: str = "application/x-amz-json-1.1") -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        with suppress(OSError):  # the client has not waited
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None: ...


def ok(**body: Any) -> Answer:
    return lambda request: request.send(200, json.dumps(body))


def error(code: str, message: str = "no", status: int = 400) -> Answer:
    return lambda request: request.send(status, json.dumps({"__type": code, "message": message}))


def page(status: int) -> Answer:
    """HTML, as of something that is not AWS."""
    return lambda request: request.send(status, "<!doctype html><title>Sorry</title>", "text/html")


def hang_up(request: Request) -> None:
    """Reset the connection after the request was read: the client cannot know what became of it."""
    request.close_connection = True
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


def held(begun: threading.Event, go_on: threading.Event, then: Answer) -> Answer:
    """Say that it has begun, and answer when told."""

    def answer(request: Request) -> None:
        begun.set()
        go_on.wait(20)
        then(request)

    return answer


@dataclass
class Api:
    """:param seen: operations in the order of their arrival; ``answers``: to what comes next, else ``{}``."""

    url: str
    seen: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serve() -> Iterator[Api]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
    server.daemon_threads = True
    api = Api(f"http://127.0.0.1:{server.server_port}")
    server.api = api  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
