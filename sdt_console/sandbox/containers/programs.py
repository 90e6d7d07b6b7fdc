"""Whether an image holds anything that can be run: the images that the sandbox makes up do not."""

from __future__ import annotations

import json
import tarfile

from sdt_console.sandbox.ecr_images import EcrImages


class Programs:
    """Looks into the layers of images, once each; blocks while it reads, so the lock must not be held."""

    def __init__(self, images: EcrImages) -> None:
        self._images = images
        self._known: dict[str, bool] = {}

    def holds_one(self, repository: str, digest: str) -> bool:
        """Whether any layer has a file that may be executed. What cannot be read is left to the Engine."""
        if digest not in self._known:
            self._known[digest] = self._look(repository, digest)
        return self._known[digest]

    def _look(self, repository: str, digest: str) -> bool:
        image = self._images.find(repository, digest)
        manifest = json.loads(image.image_manifest) if image is not None else {}
        if "layers" not in manifest:
            return True
        return any(self._executable(str(layer["digest"])) for layer in manifest["layers"])

    def _executable(self, layer: str) -> bool:
        try:
            with tarfile.open(self._images.store.path(layer)) as entries:
                return any(entry.isfile() and entry.mode & 0o111 for entry in entries)
        except (OSError, EOFError, tarfile.TarError):
            return True
