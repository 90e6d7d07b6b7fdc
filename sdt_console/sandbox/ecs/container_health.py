"""Container health checks: the ``healthCheck`` of a container definition.

In a simulated task the command is not run; whether it would pass is what the application answers under
``/actuator/health``.
"""

from __future__ import annotations

from collections.abc import Callable

from sdt_console.sandbox.application import Application

from .model import Container, Task, Wire
from .region import Region
from .runtime import LEAST_INTERVAL

PATH = "/actuator/health"


class ContainerHealth:
    """Checks the containers of running tasks that define a health check.

    :param on_healthy: all of a task's essential containers have become healthy.
    :param on_unhealthy: an essential container has become unhealthy.
    """

    def __init__(self, region: Region, application: Application) -> None:
        self._region = region
        self._application = application
        self.on_healthy: Callable[[Task], None] = lambda task: None
        self.on_unhealthy: Callable[[Task], None] = lambda task: None

    def begin(self, task: Task) -> None:
        """The task runs: start checking."""
        for container, check in _checked(task):
            self._later(task, container, check, failures=0)

    def passed(self, task: Task) -> bool:
        """Whether every essential container with a health check is healthy."""
        return all(container.health == "HEALTHY" for container, _ in _checked(task) if container.essential)

    def _later(
        self, task: Task, container: Container, check: Wire, failures: int, least: float = 0.0
    ) -> None:
        timeline = self._region.timeline
        wait = max(timeline.pace.seconds(float(check.get("interval", 30))), least)
        timeline.at(timeline.now + wait, lambda: self._check(task, container, check, failures))

    def _check(self, task: Task, container: Container, check: Wire, failures: int) -> None:
        if task.status != "RUNNING" or not task.alive:
            return
        if task.process is not None:
            task.process.check(
                container.name, check, lambda passed: self._judge(task, container, check, failures, passed)
            )
        else:
            passed = self._application.probe(task, PATH, self._region.now) == 200
            self._judge(task, container, check, failures, passed)

    def _judge(self, task: Task, container: Container, check: Wire, failures: int, passed: bool) -> None:
        if task.status != "RUNNING" or not task.alive:
            return
        now = self._region.now
        if passed:
            was_healthy, container.health = container.health == "HEALTHY", "HEALTHY"
            if self.passed(task) and not was_healthy:
                self.on_healthy(task)
            # A healthy simulated container is left alone: its answer does not change while it lives.
            if task.process is not None:
                self._later(task, container, check, failures=0, least=LEAST_INTERVAL)
            return
        started = task.started_at or now
        grace = self._region.timeline.pace.seconds(float(check.get("startPeriod", 0)))
        failures += now >= started + grace
        if failures >= int(check.get("retries", 3)):
            container.health = "UNHEALTHY"
            if container.essential:
                self.on_unhealthy(task)
                return
        self._later(task, container, check, failures)


def _checked(task: Task) -> list[tuple[Container, Wire]]:
    checks = {c["name"]: c["healthCheck"] for c in task.definition.containers if c.get("healthCheck")}
    return [(container, checks[container.name]) for container in task.containers if container.name in checks]
