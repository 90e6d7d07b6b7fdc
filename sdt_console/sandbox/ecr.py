"""moto's ECR, put right: the calls that answer for the registry behind it.

moto alone differs from ECR where it matters here: the digest is not the manifest's, moving a tag deletes
the image that had it, sizes are those of the configuration, and the token expired in 2015.
``install`` replaces those calls for one registry; error texts are ECR's.
"""

from __future__ import annotations

import copy
import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.ecr import models
from moto.ecr.exceptions import ImageAlreadyExistsException
from moto.ecr.responses import ECRResponse

from sdt_console.clients.oci import digest_of
from sdt_console.sandbox.ecr_images import EcrError, EcrImages, children_of, is_immutable
from sdt_console.sandbox.ecr_upkeep import upkeep

if TYPE_CHECKING:
    from sdt_console.sandbox.registry import RegistryApp

__all__ = ["EcrImages", "install"]


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
    batch_delete_image = models.ECRBackend.batch_delete_image

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

    def delete(
        self: Any,
        repository_name: str,
        registry_id: str | None = None,
        image_ids: Sequence[Any] | None = None,
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {"imageIds": [], "failures": []}
        for image_id in image_ids or ():
            part = _delete_image(self._get_repository(repository_name, registry_id), image_id)
            if part is None:
                part = batch_delete_image(self, repository_name, registry_id, [image_id])
            answer["imageIds"] += part["imageIds"]
            answer["failures"] += part["failures"]
        return answer

    def uri(self: Any) -> str:
        if mine(self.account_id, self.region_name):
            return f"{registry.host()}/{self.name}"
        return str(self.__dict__["uri"])

    replace(models.ECRBackend, "put_image", put)
    replace(models.ECRBackend, "complete_layer_upload", complete)
    replace(models.ECRBackend, "batch_get_image", _batch_get_image)
    replace(models.ECRBackend, "batch_delete_image", delete)
    replace(models.Image, "get_image_size_in_bytes", _image_size)
    replace(models.Repository, "uri", property(uri, lambda self, value: self.__dict__.update(uri=value)))
    replace(ECRResponse, "get_authorization_token", _authorization(registry))
    replace(ECRResponse, "get_download_url_for_layer", _download_url(registry))
    for owner, name, value in upkeep(registry.scans, registry.lifecycle):
        replace(owner, name, value)

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


def _delete_image(repository: Any, image_id: Any) -> dict[str, Any] | None:
    """Delete what one tag or one digest names; ``None`` for what moto answers as ECR does.

    moto keeps silent about untagged images that it deletes, and deletes those that an index needs.
    """
    tag, digest = image_id.get("imageTag"), image_id.get("imageDigest")
    if bool(tag) == bool(digest):
        return None
    found = next((i for i in repository.images if tag in i.image_tags or digest == i.image_digest), None)
    if found is None:
        return None
    if tag and len(found.image_tags) > 1:
        found.image_tags.remove(tag)
        found.image_tag = found.image_tags[-1]
        return {"imageIds": [{"imageDigest": found.image_digest, "imageTag": tag}], "failures": []}
    holders = [i.image_digest for i in repository.images if found.image_digest in children_of(i)]
    if holders:
        failure = {
            "imageId": image_id,
            "failureCode": "ImageReferencedByManifestList",
            "failureReason": f"Requested image referenced by manifest list: [{', '.join(holders)}]",
        }
        return {"imageIds": [], "failures": [failure]}
    repository.images.remove(found)
    named = [{"imageDigest": found.image_digest, "imageTag": name} for name in found.image_tags]
    return {"imageIds": named or [{"imageDigest": found.image_digest}], "failures": []}


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


def _download_url(registry: RegistryApp) -> Callable[[Any], ActionResult]:
    def get_download_url_for_layer(self: Any) -> ActionResult:
        name, digest = self._get_param("repositoryName"), self._get_param("layerDigest")
        if not registry.images.linked(name, digest):
            raise EcrError(
                "LayersNotFoundException",
                f"Layers with digests '{digest}' do not exist in the repository with name '{name}' in the "
                f"registry with id '{registry.images.account}'",
            )
        return ActionResult({"downloadUrl": registry.layer_url(name, digest), "layerDigest": digest})

    return get_download_url_for_layer
