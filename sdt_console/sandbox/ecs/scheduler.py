"""The service scheduler: brings what runs to what is desired, within the deployment's percentages."""

from __future__ import annotations

import math

from sdt_console.sandbox.clock import Pace

from .container_health import ContainerHealth
from .lifecycle import Lifecycle
from .model import Deployment, Service, Task, Wire
from .placement import Placement
from .region import Region
from .rollout import Rollouts
from .targets import Target, Targets

EXECUTING = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING")
"""States in which a task takes up room beside its replacement."""

IMPAIRED = (
    "is unable to consistently start tasks successfully. For more information, see the Troubleshooting "
    "section of the Amazon ECS Developer Guide."
)
NO_CAPACITY = (
    "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in "
    "a different availability zone. For more information, see the Troubleshooting section of the Amazon ECS "
    "Developer Guide."
)


STUCK = (
    "was unable to stop or start tasks during a deployment because of the service deployment configuration. "
    "Update the minimumHealthyPercent or maximumPercent value and try again."
)


class Scheduler:
    """Reconciles services; everything it does is set off by a timer or by a task's change of state."""

    def __init__(self, region: Region, targets: Targets, health: ContainerHealth) -> None:
        self.region = region
        self.targets = targets
        self.health = health
        self.rollouts = Rollouts(region)
        self.lifecycle = Lifecycle(region, targets)
        self.placement = Placement(region, self.lifecycle)
        self.lifecycle.on_running = self._on_running
        self.lifecycle.on_failed = self._on_failed
        self.lifecycle.on_stopped = self._on_stopped
        targets.on_healthy = lambda target: self._judge(target.task)
        health.on_healthy = self._judge
        health.on_unhealthy = self._on_container_unhealthy
        targets.on_unhealthy = self._on_unhealthy

    @property
    def _pace(self) -> Pace:
        return self.region.timeline.pace

    # --- tasks --------------------------------------------------------------------------------------

    def _on_running(self, task: Task) -> None:
        service, deployment = task.service, task.deployment
        self.health.begin(task)
        if service is None or deployment is None:
            task.healthy = True
            return
        registered = 0
        for balancer in service.settings.get("loadBalancers", []):
            group = balancer.get("targetGroupArn", "")
            if self.targets.register(task, group, balancer["containerPort"]):
                registered += 1
                self.region.say(service, f"registered 1 targets in (target-group {group})")
        unchecked = not registered and self.health.passed(task)
        # Stage one of the circuit breaker is over with the first task that runs. Where nothing checks the
        # tasks' health there is no stage two: each one that runs sets the count back.
        if not deployment.reached_running or unchecked:
            self.rollouts.clear_failures(deployment)
        deployment.reached_running = True
        if unchecked:
            task.healthy = True
            self.soon(service)

    def _judge(self, task: Task) -> None:
        """Whether the task has passed all its health checks now."""
        if task.status != "RUNNING" or not task.alive or not self.health.passed(task):
            return
        if any(target.state != "healthy" for target in self.targets.of_task(task)):
            return
        task.healthy = True
        if task.service is not None and task.deployment is not None:
            self.rollouts.clear_failures(task.deployment)
            self.soon(task.service)

    def _on_unhealthy(self, target: Target) -> None:
        task, service = target.task, target.task.service
        if service is None or task.status != "RUNNING" or task.started_at is None or not task.alive:
            return
        grace = self._pace.seconds(float(service.settings.get("healthCheckGracePeriodSeconds", 0)))
        if self.region.now < task.started_at + grace:
            return
        reason = "Request timed out" if target.reason == "Target.Timeout" else target.description
        self.region.say(
            service,
            f"(task {task.id}) (port {target.port}) is unhealthy in (target-group {target.group}) "
            f"due to (reason {reason}).",
        )
        self._replace(service, task, f"Task failed ELB health checks in (target-group {target.group})")

    def _on_container_unhealthy(self, task: Task) -> None:
        if task.service is None:
            self.lifecycle.stop(task, "ServiceSchedulerInitiated", "Task failed container health checks")
            return
        self.region.say(task.service, f"(task {task.id}) failed container health checks.")
        self._replace(task.service, task, "Task failed container health checks")

    def _replace(self, service: Service, task: Task, reason: str) -> None:
        """Stop a task that failed its health checks; another one takes its place."""
        was_healthy, deployment = task.healthy, task.deployment
        self._stop(service, [task], reason)
        service.primary.unhealthy += 1
        if deployment is not None and (not was_healthy or deployment.rollout == "IN_PROGRESS"):
            self._count_failure(service, deployment)
        self.soon(service)

    def _on_failed(self, task: Task) -> None:
        service = task.service
        if service is None or task.deployment is None:
            return
        groups = [b.get("targetGroupArn", "") for b in service.settings.get("loadBalancers", [])]
        registered = [g for g in groups if any(t.task is task for t in self.targets.of_group(g))]
        for group in registered:
            self.region.say(service, f"deregistered 1 targets in (target-group {group})")
        if registered:
            self.region.say(service, "has begun draining connections on 1 tasks.")
        self._count_failure(service, task.deployment)
        self.soon(service)

    def _on_stopped(self, task: Task) -> None:
        if task.service is not None:
            task.service.tasks.pop(task.id, None)
            self.soon(task.service)

    def _count_failure(self, service: Service, deployment: Deployment) -> None:
        self.rollouts.count_failure(service, deployment)
        failures = deployment.failures_in_a_row
        if failures > 1:
            pause = min(self._pace.retry * 2 ** (failures - 2), self._pace.retry_limit)
            deployment.hold_until = self.region.now + self._pace.seconds(pause)
        if failures >= 3 and not deployment.announced_impaired and deployment.rollout != "FAILED":
            deployment.announced_impaired = True
            self.region.say(service, IMPAIRED)

    # --- services -----------------------------------------------------------------------------------

    def soon(self, service: Service) -> None:
        """Look at the service again shortly."""
        if not service.reconcile_pending:
            service.reconcile_pending = True
            self.region.timeline.after(self._pace.reconcile, lambda: self._reconcile(service))

    def _reconcile(self, service: Service) -> None:
        service.reconcile_pending = False
        if service.status != "ACTIVE":
            self._drain(service)
            return
        self.rollouts.started(service.primary)
        self._start_missing(service)
        self._stop_superseded(service)
        self._scale_in(service)
        self._tell_if_stuck(service)
        self._settle(service)

    def _tell_if_stuck(self, service: Service) -> None:
        """Percentages that leave room for nothing: no task may be stopped, and none started beside it."""
        lowest, highest = self._limits(service)
        primary, alive = service.primary, [task for task in service.tasks.values() if task.alive]
        old = [task for task in alive if task.deployment is not primary]
        full = len(alive) >= highest and sum(task.healthy for task in alive) <= lowest
        if old and full and all(task.healthy for task in alive) and not primary.announced_stuck:
            primary.announced_stuck = True
            self.region.say(service, STUCK)

    def _limits(self, service: Service) -> tuple[int, int]:
        configuration = service.configuration
        lowest = math.ceil(service.desired * configuration.get("minimumHealthyPercent", 100) / 100)
        highest = math.floor(service.desired * configuration.get("maximumPercent", 200) / 100)
        return lowest, max(highest, 1)

    def _start_missing(self, service: Service) -> None:
        primary = service.primary
        own = [task for task in service.tasks_of(primary) if task.alive]
        occupied = sum(task.status in EXECUTING for task in service.tasks.values())
        missing = min(service.desired - len(own), self._limits(service)[1] - occupied)
        if missing <= 0 or primary.rollout == "FAILED":
            return
        if self.region.now < primary.hold_until:
            self.region.timeline.at(primary.hold_until, lambda: self.soon(service))
            return
        if "no-capacity" in self.region.surroundings.faults(service.name):
            self.region.say(service, NO_CAPACITY)
            self.region.timeline.after(self._pace.place_retry, lambda: self.soon(service))
            return
        if primary.failures_in_a_row:
            missing = min(missing, 1)
        tasks = [
            self.placement.new_task(
                service.cluster,
                primary.revision.definition,
                primary.revision.settings | _task_settings(service),
                group=f"service:{service.name}",
                started_by=primary.id,
                service=service,
                deployment=primary,
            )
            for _ in range(missing)
        ]
        names = " ".join(f"(task {task.id})" for task in tasks)
        replaced = min(primary.unhealthy, missing)
        primary.unhealthy -= replaced
        suffix = f" Amazon ECS replaced {replaced} tasks due to an unhealthy status." if replaced else ""
        self.region.say(service, f"has started {missing} tasks: {names}.{suffix}")

    def _stop_superseded(self, service: Service) -> None:
        old = [
            task for task in service.tasks.values() if task.alive and task.deployment is not service.primary
        ]
        if not old:
            return
        unready = [task for task in old if not task.healthy]
        healthy = [task for task in service.tasks.values() if task.alive and task.healthy]
        spare = max(0, len(healthy) - self._limits(service)[0])
        ready = [task for task in old if task.healthy][:spare]
        reason = f"Scaling activity initiated by (deployment {service.primary.id})"
        self._stop(service, unready + ready, reason)

    def _scale_in(self, service: Service) -> None:
        own = [task for task in service.tasks_of(service.primary) if task.alive]
        surplus = len(own) - service.desired
        if surplus > 0:
            order = sorted(own, key=lambda task: (task.healthy, -task.created_at))
            self._stop(
                service, order[:surplus], f"Scaling activity initiated by (deployment {service.primary.id})"
            )

    def _stop(self, service: Service, tasks: list[Task], reason: str) -> None:
        if not tasks:
            return
        pending = [task for task in tasks if task.status in ("PROVISIONING", "PENDING", "ACTIVATING")]
        running = [task for task in tasks if task not in pending]
        draining = [task for task in running if task.targets]
        draining_targets = [target for task in draining for target in self.targets.of_task(task)]
        for group in dict.fromkeys(group for task in draining for group in task.targets):
            count = sum(group in task.targets for task in draining)
            self.region.say(service, f"deregistered {count} targets in (target-group {group})")
        if draining:
            self.region.say(service, f"has begun draining connections on {len(draining)} tasks.")
        if pending:
            self.region.say(service, f"stopped {len(pending)} pending tasks.")
        if running:
            names = " ".join(f"(task {task.id})" for task in running)
            stopped = f"has stopped {len(running)} running tasks: {names}."
            # ECS says so when it sends SIGTERM, which is after the connections have drained.
            drain = max((t.check.deregistration_delay for t in draining_targets), default=0.0)
            self.region.timeline.after(drain, lambda: self.region.say(service, stopped))
        for task in tasks:
            self.lifecycle.stop(task, "ServiceSchedulerInitiated", reason)

    def _settle(self, service: Service) -> None:
        primary = service.primary
        others = [t for t in service.tasks.values() if t.deployment is not primary and t.status in EXECUTING]
        own = [task for task in service.tasks_of(primary) if task.status in EXECUTING]
        ready = len(own) == service.desired and all(task.healthy for task in own) and not others
        if ready and primary.rollout == "IN_PROGRESS":
            self.rollouts.complete(service)
        service.deployments = [
            d
            for d in service.deployments
            if d is primary
            or any(t.deployment is d for t in others)
            or (d.rollout == "FAILED" and primary.rollout == "IN_PROGRESS")
        ]
        if ready and not service.steady:
            self.region.say(service, "has reached a steady state.")
        service.steady = ready

    def _drain(self, service: Service) -> None:
        if not service.deployments:
            return
        self._stop(
            service,
            [task for task in service.tasks.values() if task.alive],
            f"Scaling activity initiated by (deployment {service.primary.id})",
        )
        if not service.tasks and service.status == "DRAINING":
            service.status = "INACTIVE"
            service.deployments.clear()


def _task_settings(service: Service) -> Wire:
    return {"enableExecuteCommand": service.settings.get("enableExecuteCommand", False)}
