"""What the scheduler asks of the rest of the account: registry, secrets, log groups, target groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .model import Task, TaskDefinition


@dataclass(frozen=True)
class HealthCheck:
    """How a target group asks its targets; times in seconds.

    :param codes: HTTP codes that count as healthy, as in a matcher: ``200``, ``200,302`` or ``200-299``.
    """

    path: str = "/"
    interval: float = 30.0
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    codes: str = "200"
    deregistration_delay: float = 300.0
    linked: bool = True
    """The target group is behind a load balancer; one that is not never checks its targets."""

    def accepts(self, status: int) -> bool:
        for part in self.codes.split(","):
            low, _, high = part.partition("-")
            if int(low) <= status <= int(high or low):
                return True
        return False


class Surroundings(Protocol):
    """The account as the scheduler sees it; implemented over moto by the sandbox."""

    def digest(self, image: str) -> str | None:
        """Digest of the manifest that an image reference names now; ``None`` if there is none."""

    def initialisation_error(self, definition: TaskDefinition) -> str | None:
        """Why secrets or the log driver of a task cannot be set up, in AWS's words; else ``None``."""

    def health_check(self, target_group: str) -> HealthCheck | None:
        """Settings of a target group by ARN; ``None`` if it does not exist."""

    def faults(self, service: str) -> frozenset[str]:
        """Scenarios that are switched on for an ECS service."""

    def note(self, task: Task, what: str) -> None:
        """Tell the task's log what it lives through: ``started``, ``ready``, ``crashed``, ``stopping``…"""
