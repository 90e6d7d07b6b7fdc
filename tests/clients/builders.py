"""Running the two builders, and looking at what an Engine made."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sdt_console.clients.call import Caller
from sdt_console.model import BuildOrder, BuiltImage, RegistryLogin
from tests.clients.images import LABEL, LABEL_VALUE, Files, files_of_tar

OURS = f"{LABEL}={LABEL_VALUE}"
BUSYBOX = f"sdt-test-busybox:{LABEL_VALUE}"


def nothing(note: str, done: int, total: int) -> None: ...


def run(
    builder: type[Any], wanted: BuildOrder, *more: Any, progress: Any = nothing, logs: Path | None = None
) -> BuiltImage:
    async def go() -> BuiltImage:
        call = Caller()
        try:
            image: BuiltImage = await builder(call, *more, logs=logs).build(wanted, progress)
            return image
        finally:
            call.close()

    return asyncio.run(go())


def push(
    builder: type[Any], image: BuiltImage, login: RegistryLogin, *more: Any, progress: Any = nothing
) -> str:
    async def go() -> str:
        call = Caller()
        try:
            digest: str = await builder(call, *more).push(image, login, progress)
            return digest
        finally:
            call.close()

    return asyncio.run(go())


def has(builder: type[Any], image: BuiltImage, *more: Any) -> bool:
    async def go() -> bool:
        call = Caller()
        try:
            found: bool = await builder(call, *more).has(image)
            return found
        finally:
            call.close()

    return asyncio.run(go())


def exported(engine: Any, image: str) -> Files:
    """The files of an image as a container of it has them, without what the Engine adds to a container."""
    container = engine.containers.create(image, command="none")
    try:
        found = files_of_tar(b"".join(container.export()))
    finally:
        container.remove()
    added = {"dev", "etc", "proc", "sys", ".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf"}
    return {
        path: entry
        for path, entry in found.items()
        if path not in added | {"etc/mtab"} and not path.startswith("dev/")
    }
