"""The images that run at the start: small, but true OCI images, with blobs that can be pulled."""

from __future__ import annotations

import hashlib
import io

from sdt_console.clients import oci

from .ecr import EcrImages


def initial_commit(system: str, service: str) -> str:
    """The commit that the initial image of a service is tagged with: 40 hex digits, always the same."""
    return hashlib.sha1(f"{system}/{service}".encode(), usedforsecurity=False).hexdigest()


def put_image(images: EcrImages, repository: str, name: str, port: int, commit: str, pushed_at: float) -> str:
    """Put an image of ``name`` into ECR, tagged with ``commit`` and ``latest``.

    The image depends on the name, port and commit only, so every environment gets the same digest.

    :param pushed_at: seconds since the epoch.
    :returns: the manifest's digest.
    """
    buffer = io.BytesIO()
    layer = oci.write_layer(
        [oci.Entry(f"app/{name}.properties", content=f"name={name}\ncommit={commit}\n".encode())], buffer
    )
    settings = oci.ImageConfig(
        env=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",),
        entrypoint=("java", "-jar", f"/app/{name}.jar"),
        labels={"org.opencontainers.image.revision": commit, "org.opencontainers.image.title": name},
        ports=(f"{port}/tcp",),
    )
    config = oci.image_config(settings.json(), [layer])
    descriptor = oci.Descriptor(
        "application/vnd.oci.image.config.v1+json", oci.digest_of(config), len(config)
    )
    for blob in (buffer.getvalue(), config):
        images.link(repository, images.store.add(blob), len(blob))
    manifest = oci.image_manifest(descriptor, [layer]).decode()
    for tag in (commit, "latest"):
        image = images.put(repository, manifest, oci.MANIFEST_TYPE, tag)
    image.image_pushed_at = int(pushed_at)
    return str(image.image_digest)
