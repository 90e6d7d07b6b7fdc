"""A base image for the generated Dockerfiles, so that what they build can run: this machine's own busybox."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdt_console.errors import SdtError

from .engine import BASE, Engine, EngineError

_DYNAMIC = (b"/ld-linux", b"/ld-musl")
"""What names the loader that a dynamic program needs, and an image with nothing else in it lacks."""


@contextmanager
def base_image() -> Iterator[str]:
    """Name of an image with ``/bin/busybox`` for as long as it is needed; empty without a static one here.

    :raises SdtError: the Engine refused it.
    """
    program = _static_busybox()
    if program is None:
        yield ""
        return
    name = f"{BASE}:{os.getpid()}"
    engine = Engine()
    try:
        try:
            engine.import_image(_layer(program), name)
        except EngineError as error:
            raise SdtError("cannot make a base image", str(error), "leave out --docker") from error
        yield name
    finally:
        engine.remove_image(name)
        engine.close()


def _static_busybox() -> Path | None:
    for name in ("busybox", "busybox.static", "busybox-static"):
        found = shutil.which(name)
        if found is not None:
            with Path(found).open("rb") as file:
                head = file.read(4096)
            if head.startswith(b"\x7fELF") and not any(loader in head for loader in _DYNAMIC):
                return Path(found)
    return None


def _layer(program: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("bin/busybox")
        entry.mode, entry.size = 0o755, program.stat().st_size
        with program.open("rb") as file:
            tar.addfile(entry, file)
        link = tarfile.TarInfo("bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
    return packed.getvalue()
