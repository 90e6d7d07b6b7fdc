"""Images built and pushed by a Docker Engine, through its HTTP API (the classic builder)."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, Any

from sdt_console.clients.call import Caller
from sdt_console.clients.context import Context
from sdt_console.clients.docker_engine import START, Session, connect, logins, root_cause
from sdt_console.clients.registry_errors import split_reference
from sdt_console.clients.stoppable import Progress, stoppable
from sdt_console.errors import BuildError
from sdt_console.model import BuildOrder, BuiltImage, RegistryLogin

TAIL = 20
"""Lines of a failed build's output that are its cause."""

_CHUNK = 1 << 18
_BOOKKEEPING = re.compile(r"\s*--->|Removing intermediate container |Successfully (built|tagged) ")


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
            return f"no Docker Engine answers: {root_cause(error)}"
        try:
            client.ping()
        except (docker.errors.DockerException, OSError) as error:
            return f"no Docker Engine answers: {root_cause(error)}"
        finally:
            client.close()
        return None

    async def build(self, order: BuildOrder, progress: Progress) -> BuiltImage:
        """Build with the context that our rules for ``.dockerignore`` leave, and give it every reference.

        :raises BuildError: with the Engine's error and the last lines of the output as its cause.
        """
        session = Session(f"cannot build {order.service}")
        work = self._call.change("docker:Build", _build, session, order, progress)
        return await stoppable(work, session.stop)

    async def push(self, image: BuiltImage, login: RegistryLogin, progress: Progress) -> str:
        """Push every reference; the manifest's digest.

        :raises BuildError: the registry refused, or did not answer.
        """
        session = Session(f"cannot push {image.service}")
        work = self._call.change("docker:Push", _push, session, image, login, progress, self._keep)
        return await stoppable(work, session.stop)


def _build(session: Session, order: BuildOrder, progress: Progress) -> BuiltImage:
    context = Context(order.context, order.dockerfile)
    api = connect(session.what)
    params = [
        ("dockerfile", context.dockerfile),
        ("buildargs", json.dumps(dict(order.build_args))),
        ("labels", json.dumps(dict(order.labels))),
        ("platform", order.platform),
        ("rm", "1"),
        ("forcerm", "1"),
        *(("t", reference) for reference in order.references),
    ]
    headers = {"Content-Type": "application/x-tar"} | logins()
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
            what, f"the Docker Engine does not know the image: {root_cause(error)}", START
        ) from error


def _chunks(file: IO[bytes], session: Session) -> Iterator[bytes]:
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


def _push(session: Session, image: BuiltImage, login: RegistryLogin, progress: Progress, keep: bool) -> str:
    import docker.auth

    api = connect(session.what)
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
