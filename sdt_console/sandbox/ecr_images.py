"""The images of moto's ECR: one place that both the API and the registry write through."""

from __future__ import annotations

import fnmatch
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from moto.backends import get_backend
from moto.core.exceptions import ServiceException
from moto.ecr import models

from sdt_console.clients.oci import digest_of
from sdt_console.sandbox.registry_store import BlobStore

Manifest = dict[str, Any]


class EcrError(ServiceException):
    """An error of ECR: ``EcrError(code, message)``.

    A class of its own: moto looks up the service of an exception by its module, and fails for its base class.
    """


class EcrImages:
    """The repositories of one account and region, with the blobs that each of them may see.

    :param lock: held while moto's objects are read or changed; reentrant.
    :param now: what an image is pushed at, in seconds since the epoch.
    :param pushed: told of every new image, with its repository; both are moto's.
    """

    def __init__(
        self,
        account: str,
        region: str,
        store: BlobStore,
        lock: AbstractContextManager[Any],
        *,
        now: Callable[[], float] = time.time,
        pushed: Callable[[Any, Any], None] = lambda repository, image: None,
    ) -> None:
        self.account, self.region, self.store, self.lock = account, region, store, lock
        self._now = now
        self._pushed = pushed

    @property
    def backend(self) -> Any:
        return get_backend("ecr")[self.account][self.region]

    def names(self) -> list[str]:
        with self.lock:
            return sorted(self.backend.repositories)

    def repository(self, name: str) -> Any:
        """moto's repository.

        :raises ServiceException: ``RepositoryNotFoundException``.
        """
        return self.backend._get_repository(name)

    def link(self, name: str, digest: str, size: int) -> None:
        """Let a repository see a blob of the store."""
        with self.lock:
            self.repository(name).layers[digest] = size

    def linked(self, name: str, digest: str) -> bool:
        with self.lock:
            return digest in self.repository(name).layers

    def tags(self, name: str) -> list[str]:
        with self.lock:
            return sorted({tag for image in self.repository(name).images for tag in image.image_tags})

    def find(self, name: str, reference: str) -> Any | None:
        """moto's image that a tag or digest names; ``None`` if there is none."""
        with self.lock:
            for image in self.repository(name).images:
                if reference == image.image_digest or reference in image.image_tags:
                    return image
            return None

    def missing(self, name: str, manifest: Manifest) -> list[str]:
        """Digests that the manifest refers to and the repository does not have."""
        with self.lock:
            repository = self.repository(name)
            children = [entry["digest"] for entry in manifest.get("manifests", ())]
            images = {image.image_digest for image in repository.images}
            return [digest for digest in blobs_of(manifest) if digest not in repository.layers] + [
                digest for digest in children if digest not in images
            ]

    def put(self, name: str, text: str, media_type: str, tag: str | None) -> Any:
        """Keep a manifest, and move ``tag`` to it; what had the tag stays, untagged. moto's image.

        :raises ServiceException: no such repository, or the tag may not be moved.
        """
        with self.lock:
            repository = self.repository(name)
            digest = digest_of(text.encode())
            holder = self.find(name, tag) if tag else None
            if holder is not None and is_immutable(repository, str(tag)):
                raise EcrError(
                    "ImageTagAlreadyExistsException",
                    f"The image tag '{tag}' already exists in the '{name}' repository and cannot be "
                    "overwritten because the tag is immutable.",
                )
            image = self.find(name, digest)
            if image is None:
                untagged: Any = None  # moto's annotation says str; its code takes None
                image = models.Image(self.account, untagged, text, name, media_type, digest)
                image.image_pushed_at = int(self._now())
                repository.images.append(image)
                self._pushed(repository, image)
            if tag and holder is not image:
                if holder is not None:
                    holder.image_tags.remove(tag)
                    holder.image_tag = holder.image_tags[-1] if holder.image_tags else None
                image.update_tag(tag)
            return image


def blobs_of(manifest: Manifest) -> list[str]:
    """Digests of the configuration and the layers; none for an index."""
    described = [manifest["config"]] if "config" in manifest else []
    return [str(entry["digest"]) for entry in [*described, *manifest.get("layers", ())]]


def children_of(image: Any) -> set[str]:
    """Digests of the images that one of moto's images lists, if it is an index."""
    return {str(entry["digest"]) for entry in json.loads(image.image_manifest).get("manifests", ())}


def is_immutable(repository: Any, tag: str) -> bool:
    """Whether ``tag`` may not be moved once it is there; filters are wildcards with ``*``."""
    setting = str(getattr(repository.image_tag_mutability, "value", repository.image_tag_mutability))
    filters = [f["filter"] for f in repository.image_tag_mutability_exclusion_filters or ()]
    excluded = any(fnmatch.fnmatchcase(tag, pattern) for pattern in filters)
    return setting.startswith("IMMUTABLE") != (excluded and setting.endswith("WITH_EXCLUSION"))
