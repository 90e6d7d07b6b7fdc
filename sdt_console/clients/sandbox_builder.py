"""Images without a Docker Engine: a true OCI image is put together from the build context.

It can do what a Dockerfile says without running anything (see ``assembly``); the rest it refuses, naming the
line that needs an Engine.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sdt_console.clients.assembly import Assembler, NeedsEngineError
from sdt_console.clients.build_log import BuildLog
from sdt_console.clients.call import Caller
from sdt_console.clients.context import Context
from sdt_console.clients.dockerfile import DockerfileError, parse
from sdt_console.clients.oci import CONFIG_TYPE, Entry, Layer, image_config, image_manifest, parse_manifest
from sdt_console.clients.oci_layout import OciLayout
from sdt_console.clients.registry import RegistryClient
from sdt_console.clients.registry_errors import split_reference
from sdt_console.clients.stoppable import Paced, Progress, stoppable
from sdt_console.errors import BuildError
from sdt_console.model import BuildOrder, BuiltImage, RegistryLogin

_START_ENGINE = "start a Docker Engine and choose the `engine` builder"


class SandboxBuilder:
    """The builder of the sandbox.

    :param folder: where images are kept as OCI layouts until they are pushed; the caller removes it.
    :param logs: folder for what each build did, ``<service>.log``; ``None`` to keep none.
    """

    name = "sandbox"

    def __init__(self, call: Caller, folder: Path, *, logs: Path | None = None) -> None:
        self._call = call
        self._folder = folder
        self._logs = logs

    async def build(self, order: BuildOrder, progress: Progress) -> BuiltImage:
        """The same context, arguments and labels give the same image, byte by byte.

        :raises BuildError: the Dockerfile is wrong, or needs an Engine; its line is named.
        """
        stop = threading.Event()
        work = self._call.change("builder:Build", self._build, order, progress, stop)
        return await stoppable(work, stop.set)

    async def push(self, image: BuiltImage, login: RegistryLogin, progress: Progress) -> str:
        """Push every reference; the manifest's digest.

        :raises BuildError: the registry refused, or did not answer.
        """
        stop = threading.Event()
        work = self._call.change("registry:Push", self._push, image, login, progress, stop)
        return await stoppable(work, stop.set)

    async def has(self, image: BuiltImage) -> bool:
        """Whether the folder still holds exactly this image, with all of its layers."""
        return await self._call("builder:Has", _has, image)

    def _build(self, order: BuildOrder, progress: Progress, stop: threading.Event) -> BuiltImage:
        with BuildLog(self._logs, order.service) as log, Paced(progress) as told:

            def note(text: str, done: int, total: int) -> None:
                log.write(text)
                told(text, done, total)

            try:
                image = self._assembled(order, note, stop)
            except BuildError as error:
                log.write(f"ERROR: {error.cause or error.what}")
                error.evidence = error.evidence or log.evidence()
                raise
            return replace(image, log=log.kept())

    def _assembled(self, order: BuildOrder, progress: Progress, stop: threading.Event) -> BuiltImage:
        what = f"cannot build {order.service}"

        def check() -> None:
            if stop.is_set():
                raise BuildError(f"{what}: stopped", "the run was cancelled")

        context = Context(order.context, order.dockerfile)
        self._folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=self._folder, prefix=f"{order.service}-"))
        try:
            return _assemble(order, context, OciLayout(work), progress, check)
        except NeedsEngineError as error:
            shutil.rmtree(work)
            raise BuildError(f"{what} from {order.dockerfile}", str(error), _START_ENGINE) from None
        except DockerfileError as error:
            shutil.rmtree(work)
            raise BuildError(
                f"{what} from {order.dockerfile}", str(error), "correct the Dockerfile"
            ) from None
        except OSError as error:
            shutil.rmtree(work, ignore_errors=True)
            raise BuildError(what, f"{error.strerror}: {error.filename}") from error
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise

    def _push(
        self, image: BuiltImage, login: RegistryLogin, progress: Progress, stop: threading.Event
    ) -> str:
        tags: dict[str, list[str]] = {}
        for reference in image.references:
            host, repository, tag = split_reference(reference)
            if host != login.host:
                raise BuildError(f"cannot push {reference}", f"the login is for {login.host}")
            tags.setdefault(repository, []).append(tag)
        client = RegistryClient(login, stop=stop)
        digest = ""
        try:
            with Paced(progress) as told:
                for repository, names in tags.items():
                    digest = client.push(repository, names, OciLayout(Path(image.store)), told)
        finally:
            client.close()
        return digest


def _has(image: BuiltImage) -> bool:
    if not image.store or not Path(image.store).is_dir():
        return False
    layout = OciLayout(Path(image.store))
    try:
        manifest = parse_manifest(layout.manifest())
        blobs = [manifest.config, *manifest.layers]
        there = all(layout.path(blob.digest).stat().st_size == blob.size for blob in blobs)
    except (OSError, ValueError, LookupError):  # it was never finished, or is damaged
        return False
    return there and manifest.config.digest == image.image_id


def _assemble(
    order: BuildOrder, context: Context, layout: OciLayout, progress: Progress, check: Callable[[], None]
) -> BuiltImage:
    dockerfile = parse(context.text)
    epoch = _epoch(order.build_args)

    def add_layer(entries: list[Entry]) -> Layer:
        return layout.add_layer(replace(entry, mtime=epoch) for entry in checked(entries))

    def checked(entries: list[Entry]) -> Iterator[Entry]:
        for entry in entries:
            check()
            yield entry

    def note(text: str, done: int, total: int) -> None:
        check()
        progress(text, done, total)

    assembler = Assembler(dockerfile, context, order.build_args, order.platform, add_layer, note)
    stage = assembler.build()
    for name in assembler.unused():
        note(f"no ARG asks for the build argument {name}", 0, 0)
    settings = replace(stage.config, labels={**stage.config.labels, **order.labels})
    config = layout.add(
        image_config(
            settings.json(),
            stage.layers,
            platform=order.platform,
            created=datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            steps=stage.steps,
        ),
        CONFIG_TYPE,
    )
    layout.finish(image_manifest(config, stage.layers))
    return BuiltImage(
        service=order.service,
        image_id=config.digest,
        size=sum(layer.descriptor.size for layer in stage.layers),
        references=order.references,
        store=str(layout.folder),
    )


def _epoch(build_args: Mapping[str, str]) -> int:
    """Seconds since the epoch for every file and the image itself: ``SOURCE_DATE_EPOCH``, else 0."""
    given = build_args.get("SOURCE_DATE_EPOCH", "0")
    if not given.isdecimal():
        raise BuildError(f"SOURCE_DATE_EPOCH={given} is not a number of seconds")
    return int(given)
