"""Talking with a Docker Engine: a connection by the SDK, and streams that another thread can end.

The SDK brings the connection (``DOCKER_HOST``, TLS, SSH) and the login files; requests are made and streams
are read here, because a cancelled build must end at once: the Engine stops one when its client goes.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from sdt_console.errors import BuildError

START = "start a Docker Engine, or set DOCKER_HOST, then run again"


class Session:
    """One conversation with the Engine that ``stop`` ends from another thread.

    :param what: what fails if it fails, for errors.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._response: Any = None

    def stop(self) -> None:
        with self._lock:
            self._stopped.set()
            if self._response is not None:
                # Closing it here would wait for the reader; a shut socket wakes the reader, which closes.
                with contextlib.suppress(ValueError, RuntimeError):  # it has ended by itself meanwhile
                    self._response.raw.shutdown()

    def check(self) -> None:
        if self._stopped.is_set():
            raise BuildError(f"{self.what}: stopped", "the run was cancelled")

    def events(
        self,
        api: Any,
        path: str,
        params: Sequence[tuple[str, str]],
        headers: dict[str, str],
        body: Iterator[bytes] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """The messages of a streaming POST; the stream is always read to its end, or closed.

        :raises BuildError: refused, broken off, or stopped.
        """
        import requests

        url = f"{api.base_url}/v{api.api_version}{path}"
        response = None
        try:
            response = api.post(
                url, params=list(params), headers=headers, data=body, stream=True, timeout=(10, None)
            )
            if response.status_code >= 400:
                raise BuildError(self.what, _message(response.text), "")
            with self._lock:
                self._response = response
            self.check()
            for line in response.iter_lines(1 << 16):
                self.check()
                if line.strip():
                    yield json.loads(line)
            self.check()
        except (requests.RequestException, OSError, ValueError) as error:
            self.check()
            raise BuildError(self.what, f"the Docker Engine broke off: {root_cause(error)}", START) from error
        finally:
            with self._lock:
                self._response = None
            if response is not None:
                response.close()


def connect(what: str) -> Any:
    import docker

    try:
        return docker.from_env(timeout=60).api
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
    return str(error)
