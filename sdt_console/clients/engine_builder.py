"""Images built and pushed by a Docker Engine, through its HTTP API: by BuildKit, or the classic builder."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from sdt_console.clients.base_images import pull_private
from sdt_console.clients.build_log import BuildLog
from sdt_console.clients.buildkit_needs import may_copy, needs_buildkit
from sdt_console.clients.buildkit_output import BuildKitOutput
from sdt_console.clients.call import Caller
from sdt_console.clients.context import Context
from sdt_console.clients.docker_engine import (
    START,
    Session,
    connect,
    has_buildkit,
    logins,
    root_cause,
    trouble,
)
from sdt_console.clients.engine_output import ClassicOutput, Output
from sdt_console.clients.engine_push import push_image
from sdt_console.clients.stoppable import Paced, Progress, stoppable
from sdt_console.errors import BuildError
from sdt_console.model import BuildOrder, BuiltImage, RegistryLogin

_CHUNK = 1 << 18


class EngineBuilder:
    """The builder that runs what a Dockerfile says.

    :param keep: leave images in the Engine under their references after a push, as ``docker push`` does;
        else they are untagged, and only the build cache stays.
    :param logs: folder for the whole output of each build, ``<service>.log``; ``None`` to keep none.
    """

    name = "engine"

    def __init__(self, call: Caller, *, keep: bool = True, logs: Path | None = None) -> None:
        self._call = call
        self._keep = keep
        self._logs = logs

    @staticmethod
    def available() -> str | None:
        """Why no Docker Engine can be used here, one sentence; ``None`` if one answers.

        Blocking, 10 s at most.
        """
        why = trouble()
        return f"no Docker Engine answers: {why}" if why else None

    async def build(self, order: BuildOrder, progress: Progress) -> BuiltImage:
        """Build with the context that our rules for ``.dockerignore`` leave, and give it every reference.

        :raises BuildError: with the Engine's error and the last lines of the output as its cause.
        """
        session = Session(f"cannot build {order.service}")
        work = self._call.change("docker:Build", _build, session, order, progress, self._logs)
        return await stoppable(work, session.stop)

    async def push(self, image: BuiltImage, login: RegistryLogin, progress: Progress) -> str:
        """Push every reference; the manifest's digest.

        :raises BuildError: the registry refused, or did not answer.
        """
        session = Session(f"cannot push {image.service}")
        work = self._call.change("docker:Push", _push, session, image, login, progress, self._keep)
        return await stoppable(work, session.stop)

    async def has(self, image: BuiltImage) -> bool:
        """Whether the Engine still holds exactly this image, under whatever name.

        :raises BuildError: it does not answer.
        """
        return await self._call("docker:InspectImage", _has, image)


def _build(session: Session, order: BuildOrder, progress: Progress, logs: Path | None) -> BuiltImage:
    context = Context(order.context, order.dockerfile)
    api = connect(session.what)
    try:
        with (
            BuildLog(logs, order.service) as log,
            Paced(progress) as told,
            tempfile.TemporaryFile() as packed,
        ):
            try:
                image_id = _run(session, api, order, context, packed, log, told)
                size = _size(session.what, api, image_id)
            except BuildError as error:
                error.evidence = error.evidence or log.evidence()
                raise
            return BuiltImage(order.service, image_id, size, order.references, log=log.kept())
    finally:
        api.close()


def _run(
    session: Session,
    api: Any,
    order: BuildOrder,
    context: Context,
    packed: IO[bytes],
    log: BuildLog,
    progress: Progress,
) -> str:
    """Build, and the id of the image."""
    buildkit = _choose(api, context, log)
    params = [
        ("dockerfile", context.dockerfile),
        ("buildargs", json.dumps(dict(order.build_args))),
        ("labels", json.dumps(dict(order.labels))),
        ("platform", order.platform),
        ("rm", "1"),
        ("forcerm", "1"),
        *(("t", reference) for reference in order.references),
    ]
    headers = {"Content-Type": "application/x-tar"}
    output: Output
    if buildkit:
        params.append(("version", "2"))
        pull_private(session, api, context.text, order.build_args, order.platform, progress)
        output = BuildKitOutput(log, progress)
    else:
        headers |= logins()
        output = ClassicOutput(log, progress)
    context.tar(packed, rules=not buildkit, check=session.check)
    packed.seek(0)
    for event in session.events(api, "/build", params, headers, _chunks(packed, session)):
        output.take(event)
        if "error" in event:
            raise output.failed(session.what, str(event["error"]))
    if not output.image_id:
        raise output.failed(session.what, "the Docker Engine named no image")
    return output.image_id


def _choose(api: Any, context: Context, log: BuildLog) -> bool:
    """Whether to build with BuildKit (see ``buildkit_needs`` for what it cannot do without a session)."""
    if not has_buildkit(api):
        return False
    if not (context.hides_dockerfile and may_copy(context.text, context.dockerfile)):
        return True
    if not needs_buildkit(context.text):
        log.write(f"by the classic builder, which leaves the ignored {context.dockerfile} out", tail=False)
        return False
    log.write(f"BuildKit leaves the ignored {context.dockerfile} there to be copied", tail=False)
    return True


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


def _push(session: Session, image: BuiltImage, login: RegistryLogin, progress: Progress, keep: bool) -> str:
    with Paced(progress) as told:
        return push_image(session, image, login, told, keep)


def _has(image: BuiltImage) -> bool:
    import docker

    what = f"cannot look for the image of {image.service}"
    api = connect(what)
    try:
        return bool(api.inspect_image(image.image_id)["Id"] == image.image_id)
    except docker.errors.NotFound:
        return False
    except (docker.errors.DockerException, OSError) as error:
        raise BuildError(what, f"the Docker Engine broke off: {root_cause(error)}", START) from error
    finally:
        api.close()
