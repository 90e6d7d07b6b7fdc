"""Scenarios: what the sandbox does wrong on purpose, switched on and off by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from sdt_console.catalog.model import Catalog
from sdt_console.errors import UsageError

SERVICE_SCENARIOS = {
    "image-missing": "new tasks cannot pull their image: CannotPullContainerError",
    "crash-loop": "new tasks exit with code 1 soon after their start, with a stack trace in the log",
    "out-of-memory": "new tasks are killed at their memory limit: exit 137, OutOfMemoryError",
    "unhealthy": "new tasks run, but /actuator/health answers 503",
    "slow-start": "new tasks need minutes before they answer",
    "no-capacity": "no task can be placed",
    "secret-missing": "new tasks cannot read their secret: ResourceInitializationError",
    "breaker-rollback": "new tasks never become healthy, and the circuit breaker (switched on) rolls back",
}
"""Scenarios of one service, or of all. They hit tasks that are started from now on, but for those of an
older revision that is deployed again after a newer one: going back to what worked works."""

API_SCENARIOS = {
    "throttling": "the API's quotas are enforced: ThrottlingException",
    "flaky-api": "calls fail with 5xx, lose their connection or take long, now and then",
    "expired-credentials": "every call is refused: ExpiredTokenException",
}
"""Scenarios of the API itself; they take no service."""

KNOWN = SERVICE_SCENARIOS | API_SCENARIOS


@dataclass(frozen=True, order=True)
class Scenario:
    """``name``, of one service or (``service`` empty) of all."""

    name: str
    service: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.service}" if self.service else self.name


class Scenarios:
    """The scenarios that are on. Reading and switching needs no lock: sets are replaced, never changed."""

    def __init__(self, catalog: Catalog) -> None:
        self._names = frozenset(catalog.all_names)
        self._of_ecs = {
            catalog.ecs_service(env, name): name for env in catalog.environments for name in catalog.all_names
        }
        self._active: frozenset[Scenario] = frozenset()

    @property
    def active(self) -> tuple[str, ...]:
        return tuple(str(scenario) for scenario in sorted(self._active))

    def parse(self, text: str) -> Scenario:
        """``NAME`` or ``NAME:SERVICE``; the service as the catalog or as ECS calls it.

        :raises UsageError: no such scenario or service.
        """
        name, _, service = text.strip().partition(":")
        if name not in KNOWN:
            raise UsageError(
                f"no such scenario: {name}", _nearest(name, KNOWN), f"choose from {', '.join(KNOWN)}"
            )
        if service and name in API_SCENARIOS:
            raise UsageError(f"the scenario {name} is the API's, not a service's", "", f"use {name} alone")
        if service and service not in self._names and service not in self._of_ecs:
            raise UsageError(f"no such service: {service}", _nearest(service, self._names), "see the catalog")
        return Scenario(name, service)

    def on(self, text: str) -> None:
        """Switch a scenario on.

        :raises UsageError: no such scenario or service.
        """
        self._active |= {self.parse(text)}

    def off(self, text: str = "") -> None:
        """Switch one scenario off, or all of them.

        :raises UsageError: no such scenario or service.
        """
        self._active = self._active - {self.parse(text)} if text else frozenset()

    def of_service(self, ecs_name: str) -> frozenset[str]:
        """Names of the scenarios that hit an ECS service."""
        names = ("", ecs_name, self._of_ecs.get(ecs_name))
        return frozenset(s.name for s in self._active if s.service in names and s.name in SERVICE_SCENARIOS)

    def api(self, name: str) -> bool:
        """Whether a scenario of the API is on."""
        return Scenario(name) in self._active


def _nearest(word: str, known: Iterable[str]) -> str:
    match = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean {match[0]}?" if match else ""
