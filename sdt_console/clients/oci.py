"""Writing OCI images: layers, configuration, manifest, and a layout folder to keep them in.

The same input gives the same bytes: entries are sorted, times and owners are fixed, JSON has one form.
Source: OCI Image Format Specification 1.1 (layer, config, manifest, image-layout).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Literal, Protocol

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file, folder or symbolic link of a layer.

    :param path: path in the image without a leading slash, ``/``-separated.
    :param mode: permission bits.
    :param content: bytes, or a file to read them from; ``None`` for folders and links.
    :param link: where a symbolic link points to, as written.
    """

    path: str
    kind: Literal["file", "folder", "link"] = "file"
    mode: int = 0o644
    content: bytes | Path | None = None
    link: str = ""
    uid: int = 0
    gid: int = 0
    mtime: int = 0

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """The content of a file; empty for what has none."""
        if isinstance(self.content, Path):
            return self.content.open("rb")
        return closing(io.BytesIO(self.content or b""))


@dataclass(frozen=True)
class Descriptor:
    """What a manifest says of a blob; ``size`` in bytes."""

    media_type: str
    digest: str
    size: int

    def json(self) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class Layer:
    """A compressed layer and the digest of what it holds uncompressed (its ``diff_id``)."""

    descriptor: Descriptor
    diff_id: str


@dataclass(frozen=True)
class ImageConfig:
    """How a container of the image starts, as the ``config`` object of the image configuration.

    :param healthcheck: in the Docker form: ``{"Test": ["CMD", …], "Interval": ns, …}``; empty if none.
    """

    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    working_dir: str = ""
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    healthcheck: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Only what is set, under the names of the specification."""
        everything = {
            "User": self.user,
            "ExposedPorts": {port: {} for port in sorted(self.ports)},
            "Env": list(self.env),
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.cmd),
            "Volumes": {volume: {} for volume in sorted(self.volumes)},
            "WorkingDir": self.working_dir,
            "Labels": dict(sorted(self.labels.items())),
            "StopSignal": self.stop_signal,
            "Healthcheck": dict(self.healthcheck),
        }
        return {key: value for key, value in everything.items() if value}


def canonical(value: Any) -> bytes:
    """JSON in one form: sorted keys, no spaces, UTF-8; what is not Unicode becomes ``?``."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="replace")


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Writable(Protocol):
    def write(self, data: bytes, /) -> object: ...


class _Digester(io.RawIOBase):
    """Passes what is written on to ``out`` and remembers its digest and size."""

    def __init__(self, out: Writable) -> None:
        self.out = out
        self.size = 0
        self._hash = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._hash.update(data)
        self.size += len(data)
        self.out.write(data)
        return len(data)

    def tell(self) -> int:
        return self.size

    @property
    def digest(self) -> str:
        return "sha256:" + self._hash.hexdigest()


def write_layer(entries: Iterable[Entry], out: Writable) -> Layer:
    """Write ``entries`` as a gzip-compressed tar; a later entry of a path replaces an earlier one.

    Folders above an entry are added where they are missing, mode 755, owner 0.
    """
    by_path: dict[str, Entry] = {}
    for entry in entries:
        path = entry.path.strip("/")
        if path:
            by_path.pop(path, None)
            by_path[path] = replace(entry, path=path)
    for path in list(by_path):
        for parent in _parents(path):
            by_path.setdefault(parent, Entry(parent, "folder", 0o755))
    compressed = _Digester(out)
    with gzip.GzipFile("", "wb", compresslevel=6, fileobj=compressed, mtime=0) as packed:
        plain = _Digester(packed)
        # PAX writes extra headers only for what does not fit the classic ones: long and non-ASCII names.
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(by_path):
                _add(tar, by_path[path])
    return Layer(Descriptor(LAYER_TYPE, compressed.digest, compressed.size), plain.digest)


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.path + ("/" if entry.kind == "folder" else ""))
    info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, entry.mtime
    if entry.kind == "folder":
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    elif entry.kind == "link":
        info.type = tarfile.SYMTYPE
        info.linkname = entry.link
        tar.addfile(info)
    else:
        with entry.open() as content:
            # Measured on the open file: a file that shrinks meanwhile is an error, never a broken tar.
            info.size = content.seek(0, os.SEEK_END)
            content.seek(0)
            tar.addfile(info, content)


def image_config(
    config: Mapping[str, Any],
    layers: Iterable[Layer],
    *,
    platform: str = "linux/amd64",
    created: str = "1970-01-01T00:00:00Z",
    steps: Sequence[str] = (),
) -> bytes:
    """The image configuration; its digest is the image's id.

    :param platform: ``os/architecture`` or ``os/architecture/variant``.
    :param steps: what made each layer, in order, for the image's history.
    """
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    layers = tuple(layers)
    value: dict[str, Any] = {
        "created": created,
        "architecture": architecture,
        "os": system,
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": created, "created_by": step} for step in steps],
    }
    if variant:
        value["variant"] = variant
    return canonical(value)


def image_manifest(config: Descriptor, layers: Iterable[Layer]) -> bytes:
    return canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config.json(),
            "layers": [layer.descriptor.json() for layer in layers],
        }
    )


@dataclass(frozen=True)
class ParsedManifest:
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]


def parse_manifest(body: bytes) -> ParsedManifest:
    """Read an image manifest.

    :raises ValueError: it is none; an index is none either.
    """
    try:
        value = json.loads(body)
        config, *layers = (
            Descriptor(entry["mediaType"], entry["digest"], entry["size"])
            for entry in [value["config"], *value["layers"]]
        )
        return ParsedManifest(value.get("mediaType", MANIFEST_TYPE), config, tuple(layers))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an image manifest: {error}") from None
