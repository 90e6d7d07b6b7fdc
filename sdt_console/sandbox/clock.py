"""The sandbox's time: a clock to read, and how fast the life of tasks runs against it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

DEFAULT_SPEED = 60.0
"""At this speed the two minutes that a service needs to roll out take two seconds."""


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()


class ManualClock:
    """A clock that stands until it is moved; for tests.

    :param start: seconds since the epoch.
    """

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


@dataclass(frozen=True)
class Pace:
    """How long the steps in the life of a task take, in life-like seconds.

    They are what a small Spring service on Fargate needs: about two minutes from ``UpdateService`` to
    ``deployment completed``. ``speed`` divides them; what is not a step of a task's life (how long a
    stopped task stays visible, say) is measured on the clock and not divided.
    """

    speed: float = DEFAULT_SPEED
    reconcile: float = 2.0
    """From a change to the scheduler's next look at the service."""
    provisioning: float = 8.0
    """PROVISIONING: the network interface is attached."""
    pull: float = 18.0
    """PENDING: the image is pulled."""
    pull_failure: float = 6.0
    """PENDING, until the registry has refused."""
    activating: float = 4.0
    """ACTIVATING: the containers are created."""
    start_up: float = 22.0
    """RUNNING, until the application answers."""
    slow_start_up: float = 200.0
    """The same with the scenario ``slow-start``."""
    crash: float = 6.0
    """Until a crashing container exits."""
    stopping: float = 6.0
    """STOPPING: from SIGTERM to the exit of a well-behaved container."""
    deprovisioning: float = 4.0
    """DEPROVISIONING: the network interface is detached."""
    retry: float = 10.0
    """Pause after the second failed start in a row; it doubles with each further one."""
    retry_limit: float = 300.0
    """The longest such pause."""
    place_retry: float = 12.0
    """Pause after a task could not be placed."""

    def seconds(self, life_like: float) -> float:
        """``life_like`` seconds as seconds on the clock."""
        return life_like / self.speed
