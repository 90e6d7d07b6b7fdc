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
