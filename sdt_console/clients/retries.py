"""What to do about a call that failed: send it again, and when; or not, as it may have been carried out."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from random import Random
from typing import Any

from sdt_console.clients.aws_errors import THROTTLED, error_code, no_such_call, translate
from sdt_console.errors import CloudError, SdtError

ATTEMPTS = 6
LIMIT_S = 120.0
"""No attempt begins later than this after the first one."""

_BASE_S, _LONGEST_S = 0.5, 20.0

REPEATABLE = frozenset(
    {
        # A change that is not named here is sent again only if AWS surely has not carried it out.
        "ecs:UpdateService",  # sets what the service should be; not with forceNewDeployment: see Aws.change
        "ecs:StopServiceDeployment",  # the second one conflicts: the client looks why
        "ecs:StopTask",
        "ecs:DeregisterTaskDefinition",
        "ecs:TagResource",
        "ecr:PutImage",  # what is there already is answered as such
        # Conditional writes: the second one finds what the first one wrote, and the client looks whose it is.
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:TransactWriteItems",
        "dynamodb:CreateTable",
    }
)
"""Changes that come to the same when they are made twice.

RegisterTaskDefinition is none: it makes a second revision. Nor is an UpdateService with forceNewDeployment: a
second deployment, and the first one's tasks are stopped for it.
"""

_CONCURRENT = "Too many concurrent attempts to create a new revision"  # a ClientException of ECS
_LATE = frozenset({"RequestTimeout", "RequestTimeoutException"})


class Trouble(Enum):
    """Why a call failed that another attempt may not; the value is what is told about it."""

    THROTTLED = "is throttled"  # refused before it was carried out
    BUSY = "is refused by a busy AWS"  # likewise: 503 is what its front says of calls that it does not let in
    COLLIDED = "met another registration of the same family"  # likewise
    UNSENT = "did not reach AWS"
    UNANSWERED = "was not answered"  # it may have been carried out
    BROKEN = "failed in AWS"  # HTTP 5xx: it may have been carried out

    @property
    def refused(self) -> bool:
        """Whether the call was surely not carried out."""
        return self not in (Trouble.UNANSWERED, Trouble.BROKEN)


def trouble(error: BaseException) -> Trouble | None:
    """What befell a call; ``None`` if the same call would fail again, or it is no call's error."""
    from botocore import exceptions as sdk
    from botocore.parsers import ResponseParserError

    if isinstance(error, sdk.ClientError):
        return _answered(error)
    if isinstance(error, sdk.SSLError):
        # A certificate that is not trusted stays so; any other break may be in the middle of an answer.
        return None if "CERTIFICATE" in str(error) else Trouble.UNANSWERED
    if isinstance(error, sdk.ConnectionError):  # the SDK's own class: no connection was made
        return Trouble.UNSENT
    if isinstance(error, sdk.HTTPClientError | ResponseParserError):
        return Trouble.UNANSWERED
    return None


def _answered(error: Any) -> Trouble | None:
    code = error_code(error)
    response: dict[str, Any] = error.response
    message = str(response.get("Error", {}).get("Message", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in THROTTLED or status == 429:
        return Trouble.THROTTLED
    if _CONCURRENT in message:
        return Trouble.COLLIDED
    if code in _LATE:
        return Trouble.UNANSWERED
    if status == 503 and not code.isdecimal():  # AWS's own word, not a gateway's page
        return Trouble.BUSY
    return Trouble.BROKEN if status >= 500 and not no_such_call(error) else None


def pause(attempt: int, random: Random) -> float:
    """Seconds to wait after the failure of ``attempt``, the first being 1: exponential, with full jitter.

    As in AWS's Builders' Library, "Timeouts, retries, and backoff with jitter": anything from nothing to the
    exponential bound, so that those who failed together do not come back together.
    """
    return random.uniform(0.0, min(_LONGEST_S, _BASE_S * 2.0 ** (attempt - 1)))


class Attempts:
    """The attempts of one call: asked after each failure whether there is another.

    :param change: the call changes something.
    :param repeatable: it may be sent again although an earlier attempt may have been carried out.
    :param now: seconds since the epoch.
    """

    def __init__(
        self, operation: str, *, change: bool, repeatable: bool, random: Random, now: Callable[[], float]
    ) -> None:
        self._operation = operation
        self._change = change
        self._repeatable = repeatable
        self._random = random
        self._now = now
        self._until = now() + LIMIT_S
        self._unknown = False
        self.made = 0
        self.last: Trouble | None = None

    def after(self, error: Exception) -> float | None:
        """Seconds to wait before the next attempt; ``None`` if there is none."""
        self.made += 1
        self.last = trouble(error)
        if self.last is None:
            return None
        self._unknown |= not self.last.refused
        if self.made >= ATTEMPTS or not (self.last.refused or self._repeatable):
            return None
        wait = pause(self.made, self._random)
        return wait if self._now() + wait <= self._until else None

    def told(self, wait: float) -> str:
        """What is said while waiting."""
        trouble = self.last.value if self.last else ""
        return f"{self._operation} {trouble}, trying again in {wait:.1f} s ({self.made + 1} of {ATTEMPTS})"

    def failure(self, error: Exception) -> SdtError | None:
        """Our error for the last one; ``None`` if it is a defect of ours."""
        found = translate(self._operation, error)
        if found is None:
            return None
        if self.made > 1:
            found.cause = f"{found.cause} (attempt {self.made})" if found.cause else f"attempt {self.made}"
        if self._change and self._unknown and isinstance(found, CloudError):
            found.unknown = True
            found.next = "it may have been carried out all the same: look before it is repeated"
        return found
