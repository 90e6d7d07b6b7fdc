"""What AWS tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EcsService:
    """One ECS service as ``DescribeServices`` tells it."""

    name: str
    arn: str
    status: str
    task_definition: str
    desired: int
    running: int
    pending: int
    deployments: tuple[Mapping[str, Any], ...]
    events: tuple[Mapping[str, Any], ...] = ()
    target_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identity:
    """Who AWS takes us for.

    :param account: 12-digit account id.
    """

    account: str
    arn: str


@dataclass(frozen=True)
class Validity:
    """Until when credentials are good.

    :param ends_at: seconds since the epoch; ``None`` if they have no end, or the SDK does not know it.
    :param renewed: the SDK gets new ones by itself.
    :param temporary: they have an end, known or not.
    :param source: the SDK's word for where they come from: ``env``, ``sso``, ``assume-role``, …
    """

    ends_at: float | None = None
    renewed: bool = False
    temporary: bool = False
    source: str = ""


@dataclass(frozen=True)
class SecretState:
    """A secret of Secrets Manager as it is described, without its value.

    :param deleted: it is scheduled for deletion, and cannot be read.
    :param versions: ids of its versions.
    :param stages: their staging labels; ``AWSCURRENT`` if it has a value.
    :param changed_at: seconds since the epoch, as are the other times; ``None`` where AWS tells none.
    :param rotated_at: when its rotation last ended well.
    :param rotates: rotation is switched on.
    """

    name: str
    deleted: bool = False
    versions: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    created_at: float | None = None
    changed_at: float | None = None
    rotated_at: float | None = None
    next_rotation_at: float | None = None
    rotates: bool = False


@dataclass(frozen=True)
class QuotaUse:
    """How much of one of AWS's request quotas this process uses.

    :param burst: calls that AWS allows at once; ``sustained``: calls a second that it allows for long.
    :param calls: since the start; ``recent``: in the last minute.
    :param share: of the sustained rate, in the last minute; above 1 while a burst is used up.
    :param peak: the highest ``share`` so far.
    """

    quota: str
    burst: int
    sustained: float
    calls: int
    recent: int
    share: float
    peak: float
