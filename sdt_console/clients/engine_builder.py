"""Images built and pushed by a Docker Engine, through its HTTP API (the classic builder).

The Docker SDK brings the connection (``DOCKER_HOST``, TLS, SSH) and the login files; requests are made and
streams are read here, because a cancelled build must end at once: the Engine stops one when its client goes.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, Any

from sdt_console.clients.call import Caller
from sdt_console.clients.context import Context
from sdt_console.clients.registry_errors import split_reference
from sdt_console.clients.stoppable import Progress, stoppable
from sdt_console.errors import BuildError
from sdt_console.model import BuildOrder, BuiltImage, RegistryLogin

TAIL = 20
"""Lines of a failed build's output that are its cause."""

_CHUNK = 1 << 18
_BOOKKEEPING = re.compile(r"\s*--->|Removing intermediate container |Successfully (built|tagged) ")
_START = "start a Docker Engine, or set DOCKER_HOST, then run again"


class EngineBuilder:
    """The builder that runs what a Dockerfile says.

    :param keep: leave images in the Engine under their references after a push, as ``docker push`` does;
        else they are untagged, and only the build cache stays.
    """

    name = "engine"

    def __init__(self, call: Caller, *, keep: bool = True) -> None:
        self._call = call
        self._keep = keep

    @staticmethod
    def available() -> str | None:
        """Why no Docker Engine can be used here, one sentence; ``None`` if one answers.

        Blocking, 5 s at most.
        """
        import docker

        try:
            client = docker.from_env(timeout=5)
        except docker.errors.DockerException as error:
            return f"no Docker Engine answers: {_root(error)}"
        try:
            client.ping()
        except (docker.errors.DockerException, OSError) as error:
            return f"no Docker Engine answers: {_root(error)}"
        finally:
            client.close()
        return None

    async def build(self, order: BuildOrder, progress: Progress) -> BuiltImage:
        """Build with the context that our rules for ``.dockerignore`` leave, and give it every reference.

        :raises BuildError: with the Engine's error and the last lines of the output as its cause.
        """
        session = _Session(f"cannot build {order.service}")
        work = self._call.change("docker:Build", _build, session, order, progress)
        return await stoppable(work, session.stop)

    async def push(self, image: BuiltImage, login: RegistryLogin, progress: Progress) -> str:
        """Push every reference; the manifest's digest.

        :raises BuildError: the registry refused, or did not answer.
        """
        session = _Session(f"cannot push {image.service}")
        work = self._call.change("docker:Push", _push, session, image, login, progress, self._keep)
        return await stoppable(work, session.stop)


class _Session:
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
            for line in response.iter_lines(_CHUNK):
                self.check()
                if line.strip():
                    yield json.loads(line)
            self.check()
        except (requests.RequestException, OSError, ValueError) as error:
            self.check()
            raise BuildError(self.what, f"the Docker Engine broke off: {_root(error)}", _START) from error
        finally:
            with self._lock:
                self._response = None
            if response is not None:
                response.close()


def _connect(what: str) -> Any:
    import docker

    try:
        return docker.from_env(timeout=60).api
    except docker.errors.DockerException as error:
        raise BuildError(what, f"no Docker Engine answers: {_root(error)}", _START) from error


def _build(session: _Session, order: BuildOrder, progress: Progress) -> BuiltImage:
    context = Context(order.context, order.dockerfile)
    api = _connect(session.what)
    params = [
        ("dockerfile", context.dockerfile),
        ("buildargs", json.dumps(dict(order.build_args))),
        ("labels", json.dumps(dict(order.labels))),
        ("platform", order.platform),
        ("rm", "1"),
        ("forcerm", "1"),
        *(("t", reference) for reference in order.references),
    ]
    headers = {"Content-Type": "application/x-tar"} | _logins()
    output: deque[str] = deque(maxlen=TAIL)
    image_id, pending = "", ""
    try:
        with tempfile.TemporaryFile() as packed:
            context.tar(packed)
            packed.seek(0)
            for event in session.events(api, "/build", params, headers, _chunks(packed, session)):
                pending += event.get("stream", "")
                *lines, pending = pending.split("\n")
                for line in lines:
                    if not line.strip() or _BOOKKEEPING.match(line):
                        continue
                    output.append(line.rstrip())
                    _report(line.strip(), progress)
                if "error" in event:
                    raise _failed(session.what, str(event["error"]), output)
                image_id = (event.get("aux") or {}).get("ID", image_id)
        if not image_id:
            output.append(pending)
            raise _failed(session.what, "the Docker Engine named no image", output)
        size = _size(session.what, api, image_id)
    finally:
        api.close()
    return BuiltImage(order.service, image_id, size, order.references)


def _size(what: str, api: Any, image_id: str) -> int:
    import docker

    try:
        return int(api.inspect_image(image_id)["Size"])
    except (docker.errors.DockerException, OSError) as error:
        raise BuildError(
            what, f"the Docker Engine does not know the image: {_root(error)}", _START
        ) from error


def _chunks(file: IO[bytes], session: _Session) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        session.check()
        yield chunk


def _report(line: str, progress: Progress) -> None:
    """``Step 3/7 : COPY a b`` tells how far the build is; other lines are shown as they are."""
    step, _, instruction = line.partition(" : ")
    done, slash, total = step.removeprefix("Step ").partition("/")
    if slash and step.startswith("Step ") and done.isdecimal() and total.isdecimal():
        progress(instruction, int(done) - 1, int(total))
    else:
        progress(line, 0, 0)


def _next(error: str) -> str:
    if "requires BuildKit" in error:
        return "take the BuildKit option out of the Dockerfile: images are built with the classic builder"
    return "correct what the output names, then run again"


def _failed(what: str, error: str, output: Sequence[str]) -> BuildError:
    lines = [line for line in output if line.strip() != error.strip()]
    return BuildError(what, "\n".join([error.strip(), *lines]), _next(error))


def _push(session: _Session, image: BuiltImage, login: RegistryLogin, progress: Progress, keep: bool) -> str:
    import docker.auth

    api = _connect(session.what)
    account = {"username": login.username, "password": login.password, "serveraddress": login.host}
    headers = {"X-Registry-Auth": docker.auth.encode_header(account).decode()}
    digest = ""
    try:
        for reference in image.references:
            host, repository, tag = split_reference(reference)
            if host != login.host:
                raise BuildError(f"cannot push {reference}", f"the login is for {login.host}")
            layers: dict[str, tuple[int, int]] = {}
            path = f"/images/{host}/{repository}/push"
            for event in session.events(api, path, [("tag", tag)], headers):
                if "error" in event:
                    words = str(event["error"]).replace(login.password or "\0", "***")
                    raise BuildError(f"cannot push {reference}", words)
                _count(event, layers, progress)
                digest = (event.get("aux") or {}).get("Digest", digest)
            if not digest:
                raise BuildError(f"cannot push {reference}", "the Docker Engine named no digest")
        for reference in () if keep else image.references:
            with contextlib.suppress(docker.errors.DockerException, OSError):  # gone already: what we want
                api.remove_image(reference, noprune=True)
    finally:
        api.close()
    return digest


def _count(event: dict[str, Any], layers: dict[str, tuple[int, int]], progress: Progress) -> None:
    """Add up the bytes of all layers under way."""
    detail = event.get("progressDetail") or {}
    layer, status = str(event.get("id", "")), str(event.get("status", ""))
    if layer and "total" in detail:
        layers[layer] = (min(int(detail["current"]), int(detail["total"])), int(detail["total"]))
    if layer:
        done, total = (sum(numbers) for numbers in zip(*layers.values(), strict=True)) if layers else (0, 0)
        progress(f"{layer} {status.lower()}", done, total)


def _logins() -> dict[str, str]:
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


def _root(error: BaseException) -> str:
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
