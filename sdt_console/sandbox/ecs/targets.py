"""Target groups as the load balancer sees them: registration, health checks, draining."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sdt_console.sandbox.application import Application
from sdt_console.sandbox.timeline import Timeline

from .model import Task
from .runtime import LEAST_INTERVAL
from .surroundings import HealthCheck, Surroundings


@dataclass
class Target:
    """One address in a target group; ``state``, ``reason`` and ``description`` as DescribeTargetHealth."""

    group: str
    address: str
    port: int
    task: Task
    check: HealthCheck
    state: str = "initial"
    reason: str = "Elb.RegistrationInProgress"
    description: str = "Target registration is in progress"
    successes: int = 0
    failures: int = 0
    watched: bool = False

    def become(self, state: str, reason: str = "", description: str = "") -> None:
        self.state, self.reason, self.description = state, reason, description


class Targets:
    """Every registered target of one region.

    :param on_healthy: called when a task's target becomes healthy.
    :param on_unhealthy: called at each failed check of an unhealthy target, with the description.
    """

    def __init__(self, timeline: Timeline, surroundings: Surroundings, application: Application) -> None:
        self._timeline = timeline
        self._surroundings = surroundings
        self._application = application
        self._groups: dict[str, dict[tuple[str, int], Target]] = {}
        self.on_healthy: Callable[[Target], None] = lambda target: None
        self.on_unhealthy: Callable[[Target], None] = lambda target: None

    def of_group(self, group: str) -> list[Target]:
        return list(self._groups.get(group, {}).values())

    def of_task(self, task: Task) -> list[Target]:
        return [t for group in task.targets for t in self.of_group(group) if t.task is task]

    def knows(self, group: str) -> bool:
        return group in self._groups

    def register(self, task: Task, group: str, port: int) -> bool:
        """Register the task's address.

        :returns: ``False`` if the target group does not exist.
        """
        check = self._surroundings.health_check(group)
        if check is None:
            return False
        target = Target(group, task.address, port, task, check)
        self._groups.setdefault(group, {})[(task.address, port)] = target
        task.targets.append(group)
        self._watch(target)
        return True

    def deregister(self, task: Task) -> float:
        """Begin to drain the task's targets.

        :returns: the longest deregistration delay, in seconds.
        """
        longest = 0.0
        for target in self.of_task(task):
            target.become(
                "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"
            )
            delay = target.check.deregistration_delay
            longest = max(longest, delay)
            self._timeline.after(delay, lambda target=target: self._remove(target))  # type: ignore[misc]
        task.targets.clear()
        return longest

    def look_again(self, task: Task) -> None:
        """Check the task's targets once more: its application may answer differently now."""
        for target in self.of_task(task):
            self._watch(target)

    def _remove(self, target: Target) -> None:
        group = self._groups.get(target.group, {})
        if group.get((target.address, target.port)) is target:
            del group[(target.address, target.port)]

    def _watch(self, target: Target, least: float = 0.0) -> None:
        if not target.watched:
            target.watched = True
            wait = max(self._timeline.pace.seconds(target.check.interval), least)
            self._timeline.at(self._timeline.now + wait, lambda: self._check(target))

    def _check(self, target: Target) -> None:
        target.watched = False
        if target.state == "draining" or target.task.status == "STOPPED":
            return
        if not target.check.linked:
            target.become(
                "unused",
                "Target.NotInUse",
                "Target group is not configured to receive traffic from the load balancer",
            )
            return
        process = target.task.process
        if process is not None:
            process.probe(target.port, target.check.path, lambda status: self._answered(target, status))
        else:
            status = self._application.probe(target.task, target.check.path, self._timeline.now)
            self._judge(target, status)

    def _answered(self, target: Target, status: int | None) -> None:
        """A real target has answered, which may have taken a while."""
        if target.state != "draining" and target.task.status != "STOPPED":
            self._judge(target, status)

    def _judge(self, target: Target, status: int | None) -> None:
        if status is not None and target.check.accepts(status):
            self._passed(target)
        else:
            self._failed(target, status)

    def _passed(self, target: Target) -> None:
        target.successes += 1
        target.failures = 0
        # A fresh target needs one success only; the threshold is for those that were unhealthy.
        needed = 1 if target.state == "initial" else target.check.healthy_threshold
        if target.state != "healthy" and target.successes >= needed:
            target.become("healthy")
            self.on_healthy(target)
        if target.state != "healthy":
            self._watch(target)
        elif target.task.process is not None:
            self._watch(target, LEAST_INTERVAL)
        # A healthy simulated target is left alone until look_again(): a thousand of them cost nothing.

    def _failed(self, target: Target, status: int | None) -> None:
        target.failures += 1
        target.successes = 0
        if target.failures >= target.check.unhealthy_threshold:
            if status is None:
                target.become("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
            else:
                target.become(
                    "unhealthy",
                    "Target.ResponseCodeMismatch",
                    f"Health checks failed with these codes: [{status}]",
                )
            self.on_unhealthy(target)
        elif target.state == "initial":
            target.become("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
        self._watch(target)
