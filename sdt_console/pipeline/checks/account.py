"""The account as it is looked at: who asks, for which environment, and the calls that only read."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sdt_console.catalog.model import Catalog
from sdt_console.errors import CloudError
from sdt_console.model import Identity, SecretState, Validity
from sdt_console.pipeline.ports import Clock, LoadBalancers

T = TypeVar("T")


class Services(Protocol):
    """ECS, described."""

    async def cluster_status(self, cluster: str) -> str | None:
        """``ACTIVE``, ``INACTIVE``, …; ``None`` if there is no such cluster."""

    async def described(self, cluster: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The services as ``DescribeServices`` answers them, whatever their status, by name."""

    async def revisions(self, arns: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Service revisions as ``DescribeServiceRevisions`` answers them, by ARN."""

    async def task_definition(self, reference: str) -> dict[str, Any]:
        """As ``DescribeTaskDefinition`` answers it."""


class Images(Protocol):
    """ECR, described."""

    async def repositories(self, names: Sequence[str]) -> dict[str, str]:
        """Repository name → URI (host and path, no tag), for those that exist."""

    async def has(self, repository: str, image: str) -> bool:
        """Whether the repository has ``image``, a tag or a digest."""


class Identities(Protocol):
    """STS and IAM."""

    async def caller(self) -> Identity:
        """Who the credentials belong to."""

    async def validity(self) -> Validity:
        """Until when the credentials are good, as far as the SDK knows."""

    async def role(self, name: str) -> str | None:
        """ARN of a role; ``None`` if it may not be read."""

    async def simulate(
        self,
        principal: str,
        actions: Sequence[str],
        resources: Sequence[str],
        context: Mapping[str, str] | None = None,
    ) -> dict[str, tuple[str, ...] | None]:
        """Action → ``None`` if allowed, else the context keys that its conditions ask for."""


class Secrets(Protocol):
    """Secrets Manager and the Parameter Store, described; no value is ever read."""

    async def secret(self, arn: str) -> SecretState | None:
        """``None`` if there is no such secret."""

    async def parameters(self, names: Sequence[str]) -> frozenset[str]:
        """Those of ``names`` that exist."""


class LogGroups(Protocol):
    """CloudWatch Logs, described."""

    async def groups(self, names: Sequence[str]) -> frozenset[str]:
        """Those of ``names`` that exist."""


@dataclass(frozen=True)
class Account:
    """One environment's account and the clients that look at it."""

    catalog: Catalog
    environment: str
    clock: Clock
    ecs: Services
    ecr: Images
    identity: Identities
    secrets: Secrets
    logs: LogGroups
    balancers: LoadBalancers

    @property
    def cluster(self) -> str:
        return self.catalog.cluster(self.environment)

    @property
    def region(self) -> str:
        return self.catalog.region(self.environment)


async def tried(call: Awaitable[T]) -> T | CloudError:
    """What ``call`` answers, or why it could not: a look that failed is a finding like others."""
    try:
        return await call
    except CloudError as error:
        return error
