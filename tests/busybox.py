"""A base image that has a shell, made without a network."""

from __future__ import annotations

import io
import shutil
import tarfile
from typing import Any

import pytest


def import_busybox(engine: Any, reference: str) -> None:
    """Put an image with /bin/busybox and /bin/sh into the Docker Engine, as ``name:tag``."""
    program = shutil.which("busybox")
    if program is None:
        pytest.fail("the Docker tests need a static busybox on the path")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(program, "bin/busybox")
        link = tarfile.TarInfo("bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
    engine.api.import_image_from_data(packed.getvalue(), *reference.split(":"))
