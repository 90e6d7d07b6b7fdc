"""Amazon ECR: repositories, tags and the registry's login."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code
from sdt_console.errors import CloudError, TagTakenError
from sdt_console.model import EcrImage, RegistryLogin, Scan

_A_PAGE = 1000  # DescribeImages'
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


class EcrClient:
    """The ECR calls of one environment's registry."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def repositories(self, names: Sequence[str]) -> dict[str, str]:
        """Repository name → URI, for those of ``names`` that exist."""
        wanted = set(names)
        found = await self._aws.pages("ecr", "describe_repositories", "repositories")
        return {r["repositoryName"]: r["repositoryUri"] for r in found if r["repositoryName"] in wanted}

    async def digest(self, repository: str, tag: str) -> str | None:
        """Manifest digest that ``tag`` points to; ``None`` if the tag is not there."""
        found = await self.image(repository, tag=tag)
        return found.digest if found else None

    async def has(self, repository: str, image: str) -> bool:
        """Whether the repository has ``image``, a tag or a digest (``sha256:…``).

        :raises CloudError: there is no such repository, or AWS refused.
        """
        if image.startswith("sha256:"):
            return await self.image(repository, digest=image) is not None
        return await self.image(repository, tag=image) is not None

    async def image(self, repository: str, *, tag: str = "", digest: str = "") -> EcrImage | None:
        """The image that a tag or a digest names; ``None`` if it is not there.

        :raises CloudError: there is no such repository, or AWS refused.
        """
        wanted = {"imageDigest": digest} if digest else {"imageTag": tag}
        try:
            answer = await self._aws.read(
                "ecr", "describe_images", repositoryName=repository, imageIds=[wanted]
            )
        except CloudError as error:
            if error_code(error.__cause__ or error) == "ImageNotFoundException":
                return None
            raise
        details = answer["imageDetails"]
        return image_of(repository, details[0]) if details else None

    async def images(self, repository: str, limit: int) -> list[EcrImage]:
        """The images pushed last, newest first; ECR has no order of its own, so all are read."""
        found = await self._aws.pages(
            "ecr", "describe_images", "imageDetails", repositoryName=repository, maxResults=_A_PAGE
        )
        newest = sorted((image_of(repository, raw) for raw in found), key=lambda i: (-i.pushed_at, i.digest))
        return newest[:limit]

    async def put_tag(self, repository: str, digest: str, tag: str) -> None:
        """Give an image that is there another tag: its own manifest is put again under it.

        A tag that it has already is as it should be.

        :raises TagTakenError: the repository's tags are immutable, and ``tag`` is another image's.
        :raises CloudError: the image is gone, or AWS refused.
        """
        found = await self._aws.read(
            "ecr",
            "batch_get_image",
            repositoryName=repository,
            imageIds=[{"imageDigest": digest}],
            acceptedMediaTypes=list(MANIFESTS),
        )
        if not found["images"]:
            raise CloudError(f"no image {digest} in {repository}", "it has been deleted meanwhile")
        image = found["images"][0]
        kind = image.get("imageManifestMediaType")
        try:
            await self._aws.change(
                "ecr",
                "put_image",
                repositoryName=repository,
                imageManifest=image["imageManifest"],
                imageDigest=digest,
                imageTag=tag,
                **({"imageManifestMediaType": kind} if kind else {}),
            )
        except CloudError as error:
            code = error_code(error.__cause__ or error)
            if code == "ImageTagAlreadyExistsException":
                # Told of a tag that is this very image's, too.
                if await self.digest(repository, tag) == digest:
                    return
                raise TagTakenError(
                    f"{tag} of {repository} is not moved",
                    "the repository's tags are immutable, and another image has it",
                    "exclude the tag from immutability, or deploy by commit or digest",
                ) from error
            if code != "ImageAlreadyExistsException":
                raise

    async def login(self) -> RegistryLogin:
        """User and password for the registry, good for 12 hours."""
        answer = await self._aws.read("ecr", "get_authorization_token")
        data = answer["authorizationData"][0]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        endpoint = urlsplit(data["proxyEndpoint"])
        return RegistryLogin(endpoint.netloc, user, password, plain_http=endpoint.scheme == "http")


def image_of(repository: str, raw: Mapping[str, Any]) -> EcrImage:
    """An ``ImageDetail`` of ``DescribeImages``."""
    pushed = raw.get("imagePushedAt")
    status = raw.get("imageScanStatus") or {}
    found = raw.get("imageScanFindingsSummary") or {}
    return EcrImage(
        repository,
        str(raw["imageDigest"]),
        tuple(sorted(raw.get("imageTags", ()))),
        pushed.timestamp() if pushed else 0.0,
        int(raw.get("imageSizeInBytes") or 0),
        str(raw.get("imageManifestMediaType") or ""),
        scan_of(status, found),
    )


def scan_of(status: Mapping[str, Any], found: Mapping[str, Any]) -> Scan:
    """An ``ImageScanStatus`` and the findings that go with it."""
    completed = found.get("imageScanCompletedAt")
    return Scan(
        # Older registries tell findings without a status.
        str(status.get("status") or ("COMPLETE" if found else "")),
        {str(name): int(count) for name, count in (found.get("findingSeverityCounts") or {}).items()},
        completed.timestamp() if completed else 0.0,
        str(status.get("description") or ""),
    )
