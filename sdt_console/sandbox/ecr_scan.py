"""Basic scanning of ECR: scan on push, StartImageScan, and findings that follow from an image's digest.

The findings are made up, but the same digest always has the same: about one image in six has a HIGH one, one
in fifteen a CRITICAL one, and every image something LOW.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.ecr.exceptions import LimitExceededException, ScanNotFoundException

from .ecr_images import EcrError, children_of

ONCE_IN = 24 * 3600
"""An image is scanned once in so many seconds at most, the scan on push included."""
SCAN = 20.0
"""How long a scan takes, in life-like seconds."""
_DONE = "The scan was completed successfully."
_ORDER = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED")
_PAGE = 100


@dataclass(frozen=True)
class Weakness:
    """A known vulnerability of a package, and in how many images of a hundred it is."""

    name: str
    severity: str
    package: str
    version: str
    score: str
    share: int


_KNOWN = (
    Weakness("CVE-2023-38545", "CRITICAL", "curl", "7.88.1-10", "9.8", 4),
    Weakness("CVE-2022-37434", "CRITICAL", "zlib", "1:1.2.11.dfsg-2", "9.8", 3),
    Weakness("CVE-2023-4911", "HIGH", "glibc", "2.36-9", "7.8", 6),
    Weakness("CVE-2022-0778", "HIGH", "openssl", "1.1.1k-1", "7.5", 6),
    Weakness("CVE-2022-29458", "HIGH", "ncurses", "6.2+20201114-2", "7.1", 5),
    Weakness("CVE-2023-6129", "MEDIUM", "openssl", "3.0.11-1", "6.5", 30),
    Weakness("CVE-2024-0727", "MEDIUM", "openssl", "3.0.11-1", "5.5", 25),
    Weakness("CVE-2016-2781", "LOW", "coreutils", "9.1-1", "6.5", 100),
    Weakness("CVE-2022-27943", "LOW", "gcc-12", "12.2.0-14", "5.5", 60),
    Weakness("CVE-2010-4756", "INFORMATIONAL", "glibc", "2.36-9", "4.0", 70),
)


def findings_of(digest: str) -> list[dict[str, Any]]:
    """What a scan of the image finds, the worst first: ``ImageScanFinding`` of the API."""
    return [_finding(weakness) for weakness in _KNOWN if _chance(digest, weakness.name) < weakness.share]


def _chance(digest: str, name: str) -> int:
    return hashlib.sha256(f"{digest}/{name}".encode()).digest()[0] * 100 // 256


def _finding(weakness: Weakness) -> dict[str, Any]:
    attributes = {
        "package_name": weakness.package,
        "package_version": weakness.version,
        "CVSS3_SCORE": weakness.score,
    }
    return {
        "name": weakness.name,
        "description": f"A vulnerability of {weakness.package} {weakness.version}.",
        "uri": f"https://nvd.nist.gov/vuln/detail/{weakness.name}",
        "severity": weakness.severity,
        "attributes": [{"key": key, "value": value} for key, value in attributes.items()],
    }


class Scans:
    """When each image was scanned, and what was found.

    :param now: the sandbox's time, in seconds since the epoch.
    :param seconds: how long a scan takes.
    """

    def __init__(self, now: Callable[[], float], seconds: float) -> None:
        self._now = now
        self._seconds = seconds

    def pushed(self, repository: Any, image: Any) -> None:
        """A new image is there; it is scanned if its repository is set so."""
        if repository.image_scanning_configuration.get("scanOnPush") and not children_of(image):
            image.scanned_on_push = True

    def status(self, image: Any) -> dict[str, str] | None:
        """``imageScanStatus``; ``None`` for an image that no one has scanned."""
        started = _started(image)
        if started is None:
            return None
        if self._now() < started + self._seconds:
            return {"status": "IN_PROGRESS"}
        return {"status": "COMPLETE", "description": _DONE}

    def summary(self, image: Any) -> dict[str, Any] | None:
        """``imageScanFindingsSummary``; ``None`` until a scan is complete."""
        started = _started(image)
        if started is None or self._now() < started + self._seconds:
            return None
        completed = datetime.fromtimestamp(started + self._seconds, UTC)
        counts = Counter(finding["severity"] for finding in findings_of(image.image_digest))
        return {
            "imageScanCompletedAt": completed,
            "vulnerabilitySourceUpdatedAt": completed.replace(hour=0, minute=0, second=0),
            "findingSeverityCounts": {name: counts[name] for name in _ORDER if counts[name]},
        }

    def start(
        self, backend: Any, registry_id: str, repository_name: str, image_id: dict[str, str]
    ) -> dict[str, Any]:
        """StartImageScan, as moto's backend has it."""
        repository = backend._get_repository(repository_name, registry_id)
        image = repository._get_image(image_id.get("imageTag"), image_id.get("imageDigest"))
        if children_of(image):
            raise EcrError(
                "UnsupportedImageTypeException",
                "This feature is not supported for the image's manifest media type "
                f"'{image.image_manifest_media_type}'",
            )
        started = _started(image)
        if started is not None and self._now() < started + ONCE_IN:
            raise LimitExceededException()
        image.scan_started = self._now()
        return self._about(repository, image, image_id)

    def describe(
        self,
        backend: Any,
        registry_id: str,
        repository_name: str,
        image_id: dict[str, str],
        size: int | None = None,
        token: str | None = None,
    ) -> dict[str, Any]:
        """DescribeImageScanFindings, a page of it."""
        repository = backend._get_repository(repository_name, registry_id)
        image = repository._get_image(image_id.get("imageTag"), image_id.get("imageDigest"))
        summary = self.summary(image)
        if self.status(image) is None:
            digest, tag = (image_id.get(key, "null") for key in ("imageDigest", "imageTag"))
            named = f"{{imageDigest:'{digest}', imageTag:'{tag}'}}"
            raise ScanNotFoundException(named, repository_name, repository.registry_id)
        answer = self._about(repository, image, image_id)
        if summary is not None:
            first, found = int(token or 0), findings_of(image.image_digest)
            last = first + (size or _PAGE)
            answer["imageScanFindings"] = {**summary, "findings": found[first:last]}
            if last < len(found):
                answer["nextToken"] = str(last)
        return answer

    def _about(self, repository: Any, image: Any, image_id: dict[str, str]) -> dict[str, Any]:
        named = {"imageDigest": image.image_digest}
        if image_id.get("imageTag"):
            named["imageTag"] = image_id["imageTag"]
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository.name,
            "imageId": named,
            "imageScanStatus": self.status(image),
        }


def _started(image: Any) -> float | None:
    """When the last scan began: the one that was asked for, else the one on push; ``None`` for never."""
    asked = getattr(image, "scan_started", None)
    if asked is None and getattr(image, "scanned_on_push", False):
        return float(image.image_pushed_at)
    return None if asked is None else float(asked)
