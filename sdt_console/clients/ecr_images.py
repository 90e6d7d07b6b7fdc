"""What lies in ECR, repository by repository: images, scans, lifecycle policies. Reads only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code
from sdt_console.clients.ecr import MANIFESTS, image_of, scan_of
from sdt_console.errors import CloudError
from sdt_console.model import EcrImage, Scan

_A_PAGE = 1000  # DescribeImages', DescribeRepositories' and DescribeImageScanFindings'
_IMAGES_A_CALL = 100  # image ids of one request


class EcrImages:
    """The ECR calls of those who watch images."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def repositories(self) -> dict[str, tuple[str, bool]]:
        """Every repository of the registry: name → URI, and whether it scans on push.

        :raises CloudError: AWS refused.
        """
        found = await self._aws.pages("ecr", "describe_repositories", "repositories", maxResults=_A_PAGE)
        return {
            str(raw["repositoryName"]): (
                str(raw["repositoryUri"]),
                bool((raw.get("imageScanningConfiguration") or {}).get("scanOnPush")),
            )
            for raw in found
        }

    async def images(self, repository: str) -> list[EcrImage]:
        """All images, newest first, with what DescribeImages tells of their scans.

        :raises CloudError: there is no such repository, or AWS refused.
        """
        found = await self._aws.pages(
            "ecr", "describe_images", "imageDetails", repositoryName=repository, maxResults=_A_PAGE
        )
        return sorted((image_of(repository, raw) for raw in found), key=lambda i: (-i.pushed_at, i.digest))

    async def scan(self, image: EcrImage) -> Scan:
        """What is known of an image's scan; an empty status if it was not scanned.

        AWS's newer basic scanning is told by DescribeImageScanFindings only, so an image that DescribeImages
        says nothing about is asked for by itself.

        :raises CloudError: the image is gone, or AWS refused.
        """
        if image.scan.status:
            return image.scan
        counted: Counter[str] = Counter()
        scan = Scan()
        try:
            async for page in self._aws.each_page(
                "ecr",
                "describe_image_scan_findings",
                repositoryName=image.repository,
                imageId={"imageDigest": image.digest},
                maxResults=_A_PAGE,
            ):
                found = page.get("imageScanFindings") or {}
                scan = scan_of(page.get("imageScanStatus") or {}, found)
                if scan.counts:  # of all pages, on each
                    return scan
                listed = (*found.get("findings", ()), *found.get("enhancedFindings", ()))
                counted.update(str(finding.get("severity", "UNDEFINED")) for finding in listed)
        except CloudError as error:
            if error_code(error.__cause__ or error) == "ScanNotFoundException":
                return Scan()
            raise
        return replace(scan, counts=dict(counted))

    async def lifecycle_policy(self, repository: str) -> str | None:
        """The policy's text, JSON; ``None`` if the repository has none.

        :raises CloudError: there is no such repository, or AWS refused.
        """
        try:
            answer = await self._aws.read("ecr", "get_lifecycle_policy", repositoryName=repository)
        except CloudError as error:
            if error_code(error.__cause__ or error) == "LifecyclePolicyNotFoundException":
                return None
            raise
        return str(answer["lifecyclePolicyText"])

    async def members(self, repository: str, indexes: Iterable[str]) -> dict[str, str]:
        """Digest of each image that one of ``indexes`` lists → digest of that index.

        :raises CloudError: there is no such repository, or AWS refused.
        """
        wanted = list(indexes)
        found: dict[str, str] = {}
        for start in range(0, len(wanted), _IMAGES_A_CALL):
            answer = await self._aws.read(
                "ecr",
                "batch_get_image",
                repositoryName=repository,
                imageIds=[{"imageDigest": digest} for digest in wanted[start : start + _IMAGES_A_CALL]],
                acceptedMediaTypes=list(MANIFESTS),
            )
            for image in answer["images"]:
                for entry in json.loads(image["imageManifest"]).get("manifests", ()):
                    found[str(entry["digest"])] = str(image["imageId"]["imageDigest"])
        return found
