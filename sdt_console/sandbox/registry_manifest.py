"""Which manifests a registry takes, and which of them a client understands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sdt_console.clients.oci import DOCKER_INDEX_TYPE, DOCKER_MANIFEST_TYPE, INDEX_TYPE, MANIFEST_TYPE
from sdt_console.sandbox.registry_store import DIGEST

IMAGES = (DOCKER_MANIFEST_TYPE, MANIFEST_TYPE)
INDEXES = (DOCKER_INDEX_TYPE, INDEX_TYPE)
LARGEST = 4 << 20
"""Bytes; the specification asks registries to take at least this much."""


class InvalidManifestError(ValueError):
    """What is wrong with it, as one sentence."""


def parse(body: bytes, content_type: str) -> tuple[dict[str, Any], str]:
    """The manifest and its media type.

    :param content_type: of the request; may be empty where the manifest names its own.
    :raises InvalidManifestError: not a manifest of a kind that is taken here.
    """
    if len(body) > LARGEST:
        raise InvalidManifestError(f"manifest is larger than {LARGEST} bytes")
    try:
        manifest = json.loads(body.decode())
    except ValueError as error:
        raise InvalidManifestError(f"manifest is not JSON: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("schemaVersion") != 2:
        raise InvalidManifestError("schemaVersion must be 2")
    inside = manifest.get("mediaType", "")
    media_type = content_type.partition(";")[0].strip() or inside
    if inside and inside != media_type:
        raise InvalidManifestError(f"mediaType is {inside!r} but Content-Type is {media_type!r}")
    if media_type in IMAGES:
        described = [manifest.get("config"), *_list(manifest, "layers")]
    elif media_type in INDEXES:
        described = _list(manifest, "manifests")
    else:
        raise InvalidManifestError(f"manifest type {media_type!r} is not supported")
    for entry in described:
        _check(entry)
    return manifest, media_type


def _list(manifest: dict[str, Any], key: str) -> list[Any]:
    value = manifest.get(key)
    if not isinstance(value, list):
        raise InvalidManifestError(f"{key} must be a list")
    return value


def _check(entry: Any) -> None:
    if not isinstance(entry, dict) or not DIGEST.fullmatch(str(entry.get("digest"))):
        raise InvalidManifestError("a descriptor must have a sha256 digest")
    if not isinstance(entry.get("size"), int) or entry["size"] < 0:
        raise InvalidManifestError(f"the descriptor of {entry['digest']} must have a size")


def accepted(accept: Sequence[str], media_type: str) -> bool:
    """Whether a client that sent these ``Accept`` headers understands ``media_type``; no header: yes."""
    types = {part.partition(";")[0].strip() for header in accept for part in header.split(",")} - {""}
    return not types or media_type in types or bool({"*/*", "application/*"} & types)


def for_platform(index: dict[str, Any], system: str = "linux", architecture: str = "amd64") -> str | None:
    """Digest of the manifest of that platform, for a client that does not understand an index."""
    for entry in index.get("manifests", ()):
        platform = entry.get("platform", {})
        if (platform.get("os"), platform.get("architecture")) == (system, architecture):
            return str(entry["digest"])
    return None
