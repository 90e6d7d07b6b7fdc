"""A folder that holds one image: the OCI image layout, as builders keep it until it is pushed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sdt_console.clients.oci import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    Entry,
    Layer,
    canonical,
    digest_of,
    write_layer,
)


class OciLayout:
    """A folder that holds one image in the form of the OCI image layout.

    :param folder: created if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")

    def add(self, data: bytes, media_type: str) -> Descriptor:
        descriptor = Descriptor(media_type, digest_of(data), len(data))
        self.path(descriptor.digest).write_bytes(data)
        return descriptor

    def add_layer(self, entries: Iterable[Entry]) -> Layer:
        """Write a layer without holding it in memory."""
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as out:
            try:
                layer = write_layer(entries, out)
            except BaseException:
                Path(out.name).unlink()
                raise
        Path(out.name).replace(self.path(layer.descriptor.digest))
        return layer

    def finish(self, manifest: bytes) -> Descriptor:
        """Keep the manifest and name it in the index: the folder is complete."""
        descriptor = self.add(manifest, MANIFEST_TYPE)
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [descriptor.json()]}
        (self.folder / "index.json").write_bytes(canonical(index))
        (self.folder / "oci-layout").write_bytes(canonical({"imageLayoutVersion": "1.0.0"}))
        return descriptor

    def manifest(self) -> bytes:
        """The manifest of the image.

        :raises OSError: the folder holds no complete image.
        """
        index = json.loads((self.folder / "index.json").read_bytes())
        return self.path(index["manifests"][0]["digest"]).read_bytes()
