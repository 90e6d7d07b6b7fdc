"""ECR's images as moto holds them, put right: one place that both the API and the registry write through.

moto alone differs from ECR where it matters here: the digest is not the manifest's, moving a tag deletes
the image that had it, sizes are those of the configuration, and the token expired in 2015.
``install`` replaces those calls for one registry; error texts are ECR's.
"""

from __future__ import annotations

import copy
import fnmatch
import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ecr import models
from moto.ecr.exceptions import ImageAlreadyExistsException
from moto.ecr.responses import ECRResponse

from sdt_console.clients.oci import digest_of
from sdt_console.sandbox.registry_store import BlobStore

if TYPE_CHECKING:
    from sdt_console.sandbox.registry import RegistryApp

Manifest = dict[str, Any]


class EcrError(ServiceException):
    """An error of ECR: ``EcrError(code, message)``.

    A class of its own: moto looks up the service of an exception by its module, and fails for its base class.
    """


class EcrImages:
    """The repositories of one account and region, with the blobs that each of them may see.

    :param lock: held while moto's objects are read or changed; reentrant.
    """

    def __init__(
        self, account: str, region: str, store: BlobStore, lock: AbstractContextManager[Any]
    ) -> None:
        self.account, self.region, self.store, self.lock = account, region, store, lock

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
                repository.images.append(image)
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


def is_immutable(repository: Any, tag: str) -> bool:
    """Whether ``tag`` may not be moved once it is there; filters are wildcards with ``*``."""
    setting = str(getattr(repository.image_tag_mutability, "value", repository.image_tag_mutability))
    filters = [f["filter"] for f in repository.image_tag_mutability_exclusion_filters or ()]
    excluded = any(fnmatch.fnmatchcase(tag, pattern) for pattern in filters)
    return setting.startswith("IMMUTABLE") != (excluded and setting.endswith("WITH_EXCLUSION"))


def install(registry: RegistryApp) -> Callable[[], None]:
    """Make moto's ECR answer as the one that ``registry`` serves; returns what undoes it.

    One registry at a time: moto's classes are those of the whole process. Repositories of other accounts
    and regions keep moto's behaviour.
    """
    images = registry.images
    undo: list[Callable[[], None]] = []

    def replace(owner: Any, name: str, value: Any) -> None:
        before = owner.__dict__.get(name)
        undo.append(lambda: delattr(owner, name) if before is None else setattr(owner, name, before))
        setattr(owner, name, value)

    def mine(account: str, region: str) -> bool:
        return (account, region) == (images.account, images.region)

    put_image = models.ECRBackend.put_image
    complete_layer_upload = models.ECRBackend.complete_layer_upload

    def put(
        self: Any,
        repository_name: str,
        image_manifest: str,
        image_tag: str | None,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
    ) -> Any:
        given: Any = (repository_name, image_manifest, image_tag, image_manifest_mediatype, digest)
        if not mine(self.account_id, self.region_name):
            return put_image(self, *given)
        return _put_image(images, *given)

    def complete(
        self: Any,
        repository_name: str,
        upload_id: str,
        layer_digests: list[str],
        registry_id: str | None = None,
    ) -> Any:
        if mine(self.account_id, self.region_name):
            pending = self._get_repository(repository_name, registry_id).uploads.get(upload_id)
            if pending is not None:
                _keep_layer(images, bytes(pending.layer_parts), layer_digests)
        return complete_layer_upload(self, repository_name, upload_id, layer_digests, registry_id=registry_id)

    def uri(self: Any) -> str:
        if mine(self.account_id, self.region_name):
            return f"{registry.host()}/{self.name}"
        return str(self.__dict__["uri"])

    replace(models.ECRBackend, "put_image", put)
    replace(models.ECRBackend, "complete_layer_upload", complete)
    replace(models.ECRBackend, "batch_get_image", _batch_get_image)
    replace(models.Image, "get_image_size_in_bytes", _image_size)
    replace(models.Repository, "uri", property(uri, lambda self, value: self.__dict__.update(uri=value)))
    replace(ECRResponse, "get_authorization_token", _authorization(registry))

    def uninstall() -> None:
        while undo:
            undo.pop()()

    return uninstall


def _put_image(
    images: EcrImages,
    name: str,
    text: str,
    tag: str | None,
    media_type: str | None,
    digest: str | None,
) -> Any:
    """ECR's PutImage: unlike a push, it refuses what is there already."""
    images.repository(name)
    try:
        manifest = json.loads(text)
        media_type = media_type or manifest["mediaType"]
        missing = images.missing(name, manifest)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EcrError(
            "InvalidParameterException",
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
        ) from None
    true_digest = digest_of(text.encode())
    if digest and digest != true_digest:
        raise EcrError(
            "ImageDigestDoesNotMatchException",
            f"The specified image digest '{digest}' does not match the digest '{true_digest}' that "
            "Amazon ECR calculated for the image.",
        )
    if missing:
        children = "manifests" in manifest
        raise EcrError(
            "ReferencedImagesNotFoundException" if children else "LayersNotFoundException",
            f"{'Referenced images' if children else 'Image manifest layers'} with digests "
            f"'{', '.join(missing)}' do not exist in the repository with name '{name}' in the registry with "
            f"id '{images.account}'",
        )
    with images.lock:
        existing = images.find(name, true_digest)
        immutable = tag is not None and is_immutable(images.repository(name), tag)
        if existing is not None and not immutable and (tag is None or tag in existing.image_tags):
            raise ImageAlreadyExistsException(name, images.account, true_digest, tag or "null")
        return images.put(name, text, str(media_type), tag)


def _keep_layer(images: EcrImages, data: bytes, digests: Sequence[str]) -> None:
    digest = digest_of(data)
    if digests and digest not in digests:
        raise EcrError(
            "InvalidLayerException",
            f"The layer digest calculated from the layer, '{digest}', does not match the one given",
        )
    images.store.add(data)


def _batch_get_image(
    self: Any, name: str, registry_id: str | None = None, image_ids: Sequence[Any] | None = None
) -> dict[str, Any]:
    """Each image under the tag that it was asked by, as ECR answers; moto tells the newest tag."""
    repository = self._get_repository(name, registry_id)
    answer: dict[str, Any] = {"images": [], "failures": []}
    for image_id in image_ids or ():
        tag, digest = image_id.get("imageTag"), image_id.get("imageDigest")
        for image in repository.images:
            if (tag is None or tag in image.image_tags) and digest in (None, image.image_digest):
                found = copy.copy(image)
                found.image_tag = tag
                answer["images"].append(found)
                break
        else:
            answer["failures"].append(
                {
                    "imageId": image_id,
                    "failureCode": "ImageNotFound",
                    "failureReason": "Requested image not found",
                }
            )
    return answer


def _image_size(self: Any) -> int | None:
    """Configuration and layers as stored, in bytes; ``None`` for an index."""
    manifest = json.loads(self.image_manifest)
    if "layers" not in manifest:
        return None
    return sum(int(entry.get("size", 0)) for entry in [manifest.get("config", {}), *manifest["layers"]])


def _authorization(registry: RegistryApp) -> Callable[[Any], ActionResult]:
    def get_authorization_token(self: Any) -> ActionResult:
        password, expires = registry.issue_token()
        data = {
            "authorizationToken": b64encode(f"AWS:{password}".encode()).decode(),
            "expiresAt": datetime.fromtimestamp(expires, UTC),
            "proxyEndpoint": f"http://{registry.host()}",
        }
        return ActionResult({"authorizationData": [data]})

    return get_authorization_token
