"""Talking with a Docker Engine: a connection by the SDK, and streams that another thread can end.

The SDK brings the connection (``DOCKER_HOST``, TLS, SSH) and the login files; requests are made and streams
are read here, because a cancelled build must end at once: the Engine stops one when its client goes.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from sdt_console.errors import BuildError

START = "start a Docker Engine, or set DOCKER_HOST, then run again"

QUIET_S = 10.0
"""Seconds of silence after which the Engine is asked whether it is still there: a step may be silent."""

MISSES = 3
"""Questions in a row without an answer that end a conversation."""

ANSWER_S = 10.0
"""How long each answer may take."""


class Session:
    """One conversation with the Engine that ``stop`` ends from another thread.

    It also ends by itself if the Engine answers nobody any more, though the connection stands.

    :param what: what fails if it fails, for errors.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._stopped = threading.Event()
        self._lost = ""
        self._heard = 0.0
        self._lock = threading.Lock()
        self._connections: list[Any] = []
        self._response: Any = None

    def stop(self) -> None:
        self._stopped.set()
        self._hang_up()

    def _hang_up(self) -> None:
        """Wake the thread that waits for the Engine, whether it sends, waits for an answer or reads one.

        Closing the connection here would wait for the reader; a shut socket wakes the reader, which closes.
        """
        with self._lock:
            if self._response is not None:
                with contextlib.suppress(ValueError, RuntimeError):  # it has ended by itself meanwhile
                    self._response.raw.shutdown()
            for connection in self._connections:
                with contextlib.suppress(OSError, AttributeError):  # not connected yet, or not any more
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def check(self) -> None:
        if self._stopped.is_set():
            raise BuildError(f"{self.what}: stopped", "the run was cancelled")
        if self._lost:
            raise BuildError(self.what, f"the Docker Engine does not answer any more: {self._lost}", START)

    def events(
        self,
        api: Any,
        path: str,
        params: Sequence[tuple[str, str]],
        headers: dict[str, str],
        body: Iterator[bytes] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """The messages of a streaming POST; the stream is always read to its end, or closed.

        :raises BuildError: refused, broken off, gone silent for good, or stopped.
        """
        import requests

        url = f"{api.base_url}/v{api.api_version}{path}"
        response = None
        over = threading.Event()
        self._heard = time.monotonic()
        threading.Thread(target=self._watch, args=(over,), daemon=True, name="sdt-docker-watch").start()
        try:
            with self._known(api, url):
                self.check()
                response = api.post(
                    url, params=list(params), headers=headers, data=body, stream=True, timeout=(60, None)
                )
            if response.status_code >= 400:
                raise BuildError(self.what, _message(response.text), "")
            with self._lock:
                self._response = response
            self.check()
            for line in response.iter_lines(1 << 16):
                self._heard = time.monotonic()
                self.check()
                if line.strip():
                    yield json.loads(line)
            self.check()
        except (requests.RequestException, OSError, ValueError) as error:
            self.check()
            raise BuildError(self.what, f"the Docker Engine broke off: {root_cause(error)}", START) from error
        finally:
            over.set()
            with self._lock:
                self._response = None
            if response is not None:
                response.close()

    @contextlib.contextmanager
    def _known(self, api: Any, url: str) -> Iterator[None]:
        """Remember the connections in use: until there is an answer, nothing else names them."""
        adapter = api.get_adapter(url)
        pool_for = adapter.get_connection_with_tls_context
        pools: list[Any] = []

        def watched(*args: Any, **kwargs: Any) -> Any:
            pool = pool_for(*args, **kwargs)
            take = type(pool)._get_conn

            def taken(*args: Any, **kwargs: Any) -> Any:
                connection = take(pool, *args, **kwargs)
                with self._lock:
                    self._connections.append(connection)
                return connection

            pool._get_conn = taken
            pools.append(pool)
            return pool

        adapter.get_connection_with_tls_context = watched
        try:
            yield
        finally:
            adapter.get_connection_with_tls_context = pool_for
            for pool in pools:
                vars(pool).pop("_get_conn", None)
            with self._lock:
                self._connections.clear()

    def _watch(self, over: threading.Event) -> None:
        """Hang up if the Engine, silent here, does not answer anybody else either."""
        misses = 0
        while not over.wait(QUIET_S / 10 if misses else QUIET_S):
            if time.monotonic() - self._heard < QUIET_S:
                misses = 0
                continue
            why = trouble(ANSWER_S)
            misses = misses + 1 if why else 0
            if why and misses >= MISSES and not over.is_set():
                self._lost = why
                self._hang_up()
                return


def trouble(limit: float = 5.0) -> str | None:
    """Why no Docker Engine can be used here; ``None`` if one answers.

    Blocking, twice ``limit`` seconds at most.
    """
    import docker

    try:
        client = docker.from_env(timeout=limit)
    except docker.errors.DockerException as error:
        return root_cause(error)
    try:
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        return root_cause(error)
    finally:
        client.close()
    return None


def has_buildkit(api: Any) -> bool:
    """Whether to build with BuildKit: ``DOCKER_BUILDKIT`` decides, else what the Engine says of itself.

    An Engine that says nothing has it from API 1.39 on, except on Windows.
    """
    wish = os.environ.get("DOCKER_BUILDKIT", "").lower()
    if wish in ("0", "f", "false"):
        return False
    if wish in ("1", "t", "true"):
        return True
    import requests

    try:
        answer = api.get(f"{api.base_url}/_ping", timeout=ANSWER_S)
    except (requests.RequestException, OSError):
        return False  # the request that follows will tell why
    builder = answer.headers.get("Builder-Version")
    if builder is not None:
        return bool(builder == "2")
    number = tuple(int(part) for part in str(api.api_version).split(".") if part.isdecimal())
    return number >= (1, 39) and answer.headers.get("OSType", "linux").lower() == "linux"


def connect(what: str) -> Any:
    import docker

    try:
        return docker.from_env(timeout=20).api
    except docker.errors.DockerException as error:
        raise BuildError(what, f"no Docker Engine answers: {root_cause(error)}", START) from error


def logins() -> dict[str, str]:
    """Credentials of the person's own Docker configuration, for base images in private registries."""
    import docker.auth

    try:
        known = docker.auth.load_config().get_all_credentials()
    except docker.errors.DockerException:  # a credential helper that fails: public images still build
        return {}
    return {"X-Registry-Config": docker.auth.encode_header(known).decode()} if known else {}


def _message(body: str) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.strip()


def root_cause(error: BaseException) -> str:
    """The innermost reason of a chain of wrapped exceptions, in the system's words."""
    seen: list[BaseException] = []
    inner: BaseException | None = error
    while inner is not None and inner not in seen:
        seen.append(inner)
        inner = inner.__cause__ or inner.__context__
    for found in reversed(seen):
        if isinstance(found, OSError) and found.strerror:
            return found.strerror
        if isinstance(found, TimeoutError):
            return "no answer in time"
    return str(error)
