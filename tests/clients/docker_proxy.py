"""A socket in front of the Docker Engine that a test cuts, or lets fall silent."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator


class DockerProxy:
    """Passes on everything until told otherwise.

    :param on: what the Engine says when ``then`` is to be done by itself; empty for never.
    """

    def __init__(self) -> None:
        self.on, self.then = b"", self.cut
        self.done = threading.Event()
        self._frozen = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """The Engine is gone: connections end, and no new one is taken."""
        with contextlib.suppress(OSError):  # cut before
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):  # ended by itself
                connection.shutdown(socket.SHUT_RDWR)
        self.done.set()

    def freeze(self) -> None:
        """The Engine hangs: connections stand and are taken, but nothing is ever said again."""
        self._frozen.set()
        self.done.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(os.environ.get("SDT_TEST_DOCKER", "/var/run/docker.sock"))
                self._open.append(engine)
                for pair in ((client, engine), (engine, client)):
                    threading.Thread(target=self._pass, args=(*pair, pair[0] is engine), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):  # either end is gone
            while data := source.recv(1 << 16):
                if not self._frozen.is_set():
                    target.sendall(data)
                if answers and self.on and self.on in data:
                    self.then()
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def in_front_of_docker() -> Iterator[DockerProxy]:
    proxy = DockerProxy()
    try:
        yield proxy
    finally:
        proxy.cut()
