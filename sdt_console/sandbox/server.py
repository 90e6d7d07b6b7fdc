"""An HTTP server on loopback that can be stopped without leaving a thread, a connection or a port."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from sdt_console.errors import UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"


class _Handler(MotoRequestHandler):
    """Keeps quiet: the terminal belongs to whoever started the sandbox."""

    timeout = 60

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class _Server(ThreadedWSGIServer):
    request_queue_size = 512
    daemon_threads = True

    def __init__(self, app: WSGIApplication, bound: socket.socket) -> None:
        self._guard = threading.Lock()
        self._connections: dict[Any, threading.Thread] = {}
        super().__init__(HOST, bound.getsockname()[1], app, handler=_Handler, fd=bound.fileno())

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="sandbox-http",
            daemon=True,
        )
        with self._guard:
            self._connections[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._guard:
            self._connections.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no news."""

    def close_connections(self) -> None:
        with self._guard:
            connections = list(self._connections.items())
        for connection, _ in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _, thread in connections:
            thread.join(5)


class LoopbackServer:
    """Serves a WSGI application on ``127.0.0.1``; the port is taken at once, requests after :meth:`start`.

    :param port: 0 for a free one.
    :raises UsageError: the port is taken or may not be used.
    """

    def __init__(self, app: WSGIApplication, port: int = 0) -> None:
        self._socket = _bind(port)
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(app, self._socket)
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``."""
        return f"{HOST}:{self.port}"

    def start(self) -> None:
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name="sandbox-server",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(5)
        self._server.close_connections()
        self._server.server_close()
        self._socket.close()


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
        bound.listen(512)
    except (OSError, OverflowError) as error:
        bound.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        raise UsageError(
            f"the sandbox cannot listen on {HOST}:{port}",
            "another program has the port" if taken else str(error),
            "stop it, or choose another port (0 takes a free one)",
        ) from error
    return bound
