"""ECR's calls about scans and lifecycle policies, as methods of moto's classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.ecr import models
from moto.ecr.responses import ECRResponse

from .ecr_lifecycle import Lifecycle
from .ecr_scan import Scans

Replacement = tuple[Any, str, Any]
"""A class, the name of its attribute, and what it is to be."""


def upkeep(scans: Scans, lifecycle: Lifecycle) -> Iterator[Replacement]:
    """What moto lacks, or answers without having looked."""
    backend = models.ECRBackend
    get_policy, delete_policy = backend.get_lifecycle_policy, backend.delete_lifecycle_policy

    def get_lifecycle_policy(self: Any, registry_id: str, repository_name: str) -> dict[str, Any]:
        return lifecycle.evaluated(self, get_policy(self, registry_id, repository_name))

    def delete_lifecycle_policy(self: Any, registry_id: str, repository_name: str) -> dict[str, Any]:
        return lifecycle.evaluated(self, delete_policy(self, registry_id, repository_name))

    def start_image_scan(
        self: Any, registry_id: str, repository_name: str, image_id: dict[str, str]
    ) -> dict[str, Any]:
        return scans.start(self, registry_id, repository_name, image_id)

    def describe_image_scan_findings(self: Any) -> ActionResult:
        return ActionResult(
            scans.describe(
                self.ecr_backend,
                self._get_param("registryId"),
                self._get_param("repositoryName"),
                self._get_param("imageId"),
                self._get_param("maxResults"),
                self._get_param("nextToken"),
            )
        )

    def start_lifecycle_policy_preview(self: Any) -> ActionResult:
        return ActionResult(
            lifecycle.start_preview(
                self.ecr_backend,
                self._get_param("registryId"),
                self._get_param("repositoryName"),
                self._get_param("lifecyclePolicyText"),
            )
        )

    def get_lifecycle_policy_preview(self: Any) -> ActionResult:
        return ActionResult(
            lifecycle.preview(
                self.ecr_backend, self._get_param("registryId"), self._get_param("repositoryName")
            )
        )

    yield backend, "get_lifecycle_policy", get_lifecycle_policy
    yield backend, "delete_lifecycle_policy", delete_lifecycle_policy
    yield backend, "start_image_scan", start_image_scan
    yield ECRResponse, "describe_image_scan_findings", describe_image_scan_findings
    yield ECRResponse, "start_lifecycle_policy_preview", start_lifecycle_policy_preview
    yield ECRResponse, "get_lifecycle_policy_preview", get_lifecycle_policy_preview
    yield models.Image, "image_scan_status", property(scans.status)
    yield models.Image, "image_scan_findings_summary", property(scans.summary)
