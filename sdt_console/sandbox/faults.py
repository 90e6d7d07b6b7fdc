"""What the API does wrong on purpose: throttling by quota, passing troubles, expired credentials."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .scenarios import Scenarios

_REGISTER = ("RegisterTaskDefinition", "DeregisterTaskDefinition", "DeleteTaskDefinitions")
_DEFINITION_READ = ("DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies")
_MODIFY = ("CreateService", "UpdateService", "DeleteService", "StopServiceDeployment")
_SERVICE_READ = ("DescribeServices", "ListServices", "ListServicesByNamespace")
_DEPLOYMENT_READ = ("ListServiceDeployments", "DescribeServiceDeployments", "DescribeServiceRevisions")
_TASKS = ("RunTask", "StopTask", "DescribeTasks", "ListTasks", "StartTask")
_CLUSTER = ("CreateCluster", "DeleteCluster", "DescribeClusters", "ListClusters", "UpdateCluster")

QUOTAS: tuple[tuple[tuple[str, ...], int, int], ...] = (
    (_REGISTER, 20, 1),
    (_DEFINITION_READ, 50, 20),
    (_MODIFY, 50, 5),
    (_SERVICE_READ, 100, 20),
    (_DEPLOYMENT_READ, 50, 20),
    (_TASKS, 100, 20),
    (_CLUSTER, 50, 20),
)
"""Buckets of ECS per account and region: calls, burst, sustained a second (ECS Developer Guide, "Request
throttling")."""


@dataclass
class _Bucket:
    burst: int
    sustained: int
    level: float
    at: float

    def take(self, now: float) -> bool:
        self.level = min(self.burst, self.level + (now - self.at) * self.sustained)
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


@dataclass(frozen=True)
class Refusal:
    """An error instead of an answer."""

    code: str
    message: str
    status: int


@dataclass(frozen=True)
class Mishap:
    """What befalls a call: a refusal, a delay in seconds, or an answer that is lost on its way back."""

    refusal: Refusal | None = None
    delay: float = 0.0
    lost: bool = False


NONE = Mishap()
_EXPIRED = Refusal("ExpiredTokenException", "The security token included in the request is expired", 400)
_NOT_ALLOWED = "The caller is not authorized to perform: {} because no identity-based policy allows it"
_THROTTLED = Refusal("ThrottlingException", "Rate exceeded", 400)
_CONCURRENT = Refusal(
    "ClientException",
    "Too many concurrent attempts to create a new revision of the specified family.",
    400,
)
_BROKEN = (
    Refusal("ServerException", "Service Unavailable. Please try again later.", 500),
    Refusal("ServiceUnavailableException", "Service is unable to process the request.", 503),
)


class ApiFaults:
    """Decides what goes wrong with a call; the lock must be held.

    :param seed: of the troubles' order, which is the same in every run.
    :ivar calls: how often each call came: ``DescribeServices`` → 3.
    :ivar denied: names of the calls that are refused for want of a right; replace it to change it.
    :ivar refusals: likewise, names of the calls that are refused for another reason.
    """

    def __init__(self, scenarios: Scenarios, seed: int = 0) -> None:
        self._scenarios = scenarios
        self._random = random.Random(seed)
        self.calls: Counter[str] = Counter()
        self.denied: frozenset[str] = frozenset()
        self.refusals: Mapping[str, Refusal] = {}
        self._buckets: dict[tuple[str, str, int], _Bucket] = {}

    def befalls(self, account: str, region: str, operation: str, now: float) -> Mishap:
        """What befalls one call.

        :param operation: name of the call; only those of ECS are throttled.
        :param now: seconds since the epoch.
        """
        self.calls[operation] += 1
        if self._scenarios.api("expired-credentials"):
            return Mishap(_EXPIRED)
        if operation in self.denied:
            return Mishap(Refusal("AccessDeniedException", _NOT_ALLOWED.format(operation), 400))
        if operation in self.refusals:
            return Mishap(self.refusals[operation])
        if self._scenarios.api("throttling") and not self._within_quota(account, region, operation, now):
            return Mishap(_THROTTLED)
        if self._scenarios.api("flaky-api"):
            return self._trouble(operation)
        return NONE

    def _within_quota(self, account: str, region: str, operation: str, now: float) -> bool:
        number = _BUCKET_OF.get(operation)
        if number is None:
            return True
        _, burst, sustained = QUOTAS[number]
        key = (account, region, number)
        bucket = self._buckets.setdefault(key, _Bucket(burst, sustained, burst, now))
        return bucket.take(now)

    def _trouble(self, operation: str) -> Mishap:
        dice = self._random.random()
        if operation == "RegisterTaskDefinition" and dice > 0.9:
            return Mishap(_CONCURRENT)
        if dice < 0.10:
            return Mishap(self._random.choice(_BROKEN))
        if dice < 0.15:
            return Mishap(lost=True)
        if dice < 0.25:
            return Mishap(delay=self._random.uniform(0.2, 1.5))
        return NONE


_BUCKET_OF: Mapping[str, int] = {
    operation: number for number, (operations, _, _) in enumerate(QUOTAS) for operation in operations
}
