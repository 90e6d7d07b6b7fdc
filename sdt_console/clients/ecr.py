"""Amazon ECR: repositories, tags and the registry's login."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from urllib.parse import urlsplit

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code
from sdt_console.errors import CloudError
from sdt_console.model import RegistryLogin


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
        try:
            answer = await self._aws.read(
                "ecr", "describe_images", repositoryName=repository, imageIds=[{"imageTag": tag}]
            )
        except CloudError as error:
            if error_code(error.__cause__ or error) == "ImageNotFoundException":
                return None
            raise
        details = answer["imageDetails"]
        return str(details[0]["imageDigest"]) if details else None

    async def has(self, repository: str, image: str) -> bool:
        """Whether the repository has ``image``, a tag or a digest (``sha256:…``).

        :raises CloudError: there is no such repository, or AWS refused.
        """
        key = "imageDigest" if image.startswith("sha256:") else "imageTag"
        try:
            await self._aws.read("ecr", "describe_images", repositoryName=repository, imageIds=[{key: image}])
        except CloudError as error:
            if error_code(error.__cause__ or error) == "ImageNotFoundException":
                return False
            raise
        return True

    async def login(self) -> RegistryLogin:
        """User and password for the registry, good for 12 hours."""
        answer = await self._aws.read("ecr", "get_authorization_token")
        data = answer["authorizationData"][0]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        endpoint = urlsplit(data["proxyEndpoint"])
        return RegistryLogin(endpoint.netloc, user, password, plain_http=endpoint.scheme == "http")
