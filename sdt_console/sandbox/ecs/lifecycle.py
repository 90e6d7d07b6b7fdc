"""The life of one task, from PROVISIONING to STOPPED."""

from __future__ import annotations

from collections.abc import Callable

from sdt_console.sandbox.clock import Pace

from .model import STOPPED_TASKS_KEPT, Task
from .region import Region
from .runtime import TaskProcess
from .targets import Targets

STOP_TIMEOUT = 30.0
"""Seconds from SIGTERM to SIGKILL for a container definition without ``stopTimeout``."""
LEAST_PATIENCE = 2.0
"""Seconds that a real process gets in any case."""

Hook = Callable[[Task], None]


class Lifecycle:
    """Leads tasks through their states; what a state means for a service is the scheduler's business.

    :param on_running: the task reached RUNNING.
    :param on_failed: the task is going to stop, and nobody asked for it.
    :param on_stopped: the task reached STOPPED.
    """

    def __init__(self, region: Region, targets: Targets) -> None:
        self.region = region
        self.targets = targets
        self.on_running: Hook = lambda task: None
        self.on_failed: Hook = lambda task: None
        self.on_stopped: Hook = lambda task: None

    @property
    def _pace(self) -> Pace:
        return self.region.timeline.pace

    def _later(self, seconds: float, task: Task, expected: str, step: Hook) -> None:
        """Take ``step`` after a while, unless the task has left the state it is in now."""

        def act() -> None:
            if task.status == expected:
                step(task)

        self.region.timeline.after(seconds, act)

    def _enter(self, task: Task, status: str) -> None:
        task.status = status
        task.version += 1

    # --- up -----------------------------------------------------------------------------------------

    def begin(self, task: Task) -> None:
        """A new task: its network interface is being attached."""
        self._later(self._pace.provisioning, task, "PROVISIONING", self._pending)

    def _pending(self, task: Task) -> None:
        self._enter(task, "PENDING")
        task.connected_at = task.pull_started_at = self.region.now
        error = self._start_error(task)
        if error is not None:
            self._later(self._pace.pull_failure, task, "PENDING", lambda t: self._cannot_start(t, error))
        elif self.region.runtime is not None:
            self.region.runtime.pull(task, lambda error: self._fetched(task, error))
        else:
            self._later(self._pace.pull, task, "PENDING", self._pulled)

    def _fetched(self, task: Task, error: str | None) -> None:
        """The runtime has its images, or leaves the task to be simulated."""
        if task.status != "PENDING":
            return
        if error is not None:
            self._cannot_start(task, error)
        elif task.process is None:
            self._later(self._pace.pull, task, "PENDING", self._pulled)
        else:
            self._pulled(task)

    def _start_error(self, task: Task) -> str | None:
        if "secret-missing" in task.faults:
            secret = (
                _first_secret(task)
                or f"arn:aws:secretsmanager:{self.region.identity.region}:"
                f"{self.region.identity.account}:secret:{task.definition.family}"
            )
            return (
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
                "retrieval failed: unable to retrieve secret from asm: service call has been retried 1 "
                "time(s): "
                f"failed to fetch secret {secret} from secrets manager: ResourceNotFoundException: "
                "Secrets Manager can't find the specified secret."
            )
        error = self.region.surroundings.initialisation_error(task.definition)
        if error is not None:
            return error
        for container in task.containers:
            reference = (
                f"{container.image.partition('@')[0]}@{container.digest}"
                if container.digest
                else container.image
            )
            if "image-missing" in task.faults or self.region.surroundings.digest(reference) is None:
                return (
                    "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
                    f"failed to resolve ref {reference}: {reference}: not found"
                )
        return None

    def _cannot_start(self, task: Task, reason: str) -> None:
        task.pull_stopped_at = self.region.now
        for container in task.containers:
            container.status = "STOPPED"
            if reason.startswith("Cannot"):
                container.reason = reason
        self._stop(task, "TaskFailedToStart", reason, "DEPROVISIONING")
        self.on_failed(task)

    def _pulled(self, task: Task) -> None:
        task.pull_stopped_at = self.region.now
        for container in task.containers:
            container.digest = container.digest or self.region.surroundings.digest(container.image) or ""
        self._enter(task, "ACTIVATING")
        if task.process is None:
            self._later(self._pace.activating, task, "ACTIVATING", self._running)
        else:
            task.process.start(lambda error: self._launched(task, error), lambda: self._ended(task))

    def _launched(self, task: Task, error: str | None) -> None:
        """The containers run, or cannot."""
        if error is None and task.status == "ACTIVATING":
            self._running(task)
        elif error is not None and task.status == "STOPPING":
            self._exited(task)
        elif error is not None and task.status == "ACTIVATING":
            self._cannot_start(task, error)

    def _running(self, task: Task) -> None:
        now = self.region.now
        self._enter(task, "RUNNING")
        task.started_at = now
        for container in task.containers:
            container.status = "RUNNING"
            made_up = f"{task.id}-{self.region.identity.random.randrange(10**9, 10**10)}"
            container.runtime_id = container.runtime_id or made_up
        slow = "slow-start" in task.faults
        start_up = self._pace.slow_start_up if slow else self._pace.start_up
        task.ready_at = now + (self._pace.seconds(start_up) if task.process is None else 0.0)
        self.region.surroundings.note(task, "started")
        if "crash-loop" in task.faults:
            self._later(self._pace.crash, task, "RUNNING", lambda t: self.crash(t, 1))
        elif "out-of-memory" in task.faults:
            self._later(self._pace.crash, task, "RUNNING", self._out_of_memory)
        else:
            self._later(start_up, task, "RUNNING", self._ready)
        self.on_running(task)

    def _ready(self, task: Task) -> None:
        self.region.surroundings.note(task, "ready")

    # --- down ---------------------------------------------------------------------------------------

    def crash(self, task: Task, exit_code: int, reason: str = "") -> None:
        """An essential container has exited by itself."""
        self.region.surroundings.note(task, "out-of-memory" if exit_code == 137 else "crashed")
        for container in task.containers:
            container.exit_code = exit_code if container.essential else 143
            container.status = "STOPPED"
            container.reason = reason if container.essential else ""
        self._stop(task, "EssentialContainerExited", "Essential container in task exited", "DEPROVISIONING")
        self.on_failed(task)

    def _ended(self, task: Task) -> None:
        """What ran in it has exited; with which codes, its containers know."""
        if task.desired == "STOPPED":
            self._exited(task)
            return
        killed = any(container.reason.startswith("OutOfMemory") for container in task.containers)
        self.region.surroundings.note(task, "out-of-memory" if killed else "crashed")
        self._leave_exit_codes(task)
        self._stop(task, "EssentialContainerExited", "Essential container in task exited", "DEPROVISIONING")
        self.on_failed(task)

    def _out_of_memory(self, task: Task) -> None:
        self.crash(task, 137, "OutOfMemoryError: Container killed due to memory usage")

    def stop(self, task: Task, code: str, reason: str) -> None:
        """Stop a task in an orderly way: drain, SIGTERM, detach.

        :param code: a ``TaskStopCode`` of the API.
        """
        if task.desired == "STOPPED":
            return
        if task.status in ("PROVISIONING", "PENDING"):
            for container in task.containers:
                container.status = "STOPPED"
            self._stop(task, code, reason, "DEPROVISIONING")
        elif task.targets:
            self._stop(task, code, reason, "DEACTIVATING")
        else:
            self._stop(task, code, reason, "STOPPING")

    def _stop(self, task: Task, code: str, reason: str, status: str) -> None:
        now = self.region.now
        task.desired = "STOPPED"
        task.stop_code, task.stopped_reason, task.stopping_at = code, reason, now
        task.healthy = False
        drain = self.targets.deregister(task)
        self._enter(task, status)
        if status == "DEACTIVATING":
            self._later(drain, task, status, self._stopping)
        elif status == "STOPPING":
            self._terminate(task)
        else:
            self._deprovision(task)

    def _stopping(self, task: Task) -> None:
        self._enter(task, "STOPPING")
        self._terminate(task)

    def _terminate(self, task: Task) -> None:
        self.region.surroundings.note(task, "stopping")
        if task.process is None:
            self._later(self._pace.stopping, task, "STOPPING", self._exited)
            return
        process = task.process
        process.signal("SIGTERM")
        patience = max(float(c.get("stopTimeout", STOP_TIMEOUT)) for c in task.definition.containers)
        # A process does not exit the faster for the sandbox's speed.
        wait = max(self._pace.seconds(patience), min(patience, LEAST_PATIENCE))
        self.region.timeline.at(self.region.now + wait, lambda: self._kill(task, process))

    def _kill(self, task: Task, process: TaskProcess) -> None:
        if task.status == "STOPPING":
            process.signal("SIGKILL")

    def _exited(self, task: Task) -> None:
        self._leave_exit_codes(task)
        self._enter(task, "DEPROVISIONING")
        self._deprovision(task)

    def _leave_exit_codes(self, task: Task) -> None:
        for container in task.containers:
            container.status = "STOPPED"
            if container.exit_code is None and not container.reason:
                container.exit_code = 143

    def _deprovision(self, task: Task) -> None:
        if task.process is not None:
            task.process.remove()
        task.execution_stopped_at = self.region.now
        self._later(self._pace.deprovisioning, task, "DEPROVISIONING", self._stopped)

    def _stopped(self, task: Task) -> None:
        self._enter(task, "STOPPED")
        task.stopped_at = self.region.now
        self.region.timeline.at(self.region.now + STOPPED_TASKS_KEPT, lambda: self._forget(task))
        self.on_stopped(task)

    def _forget(self, task: Task) -> None:
        task.cluster.tasks.pop(task.id, None)
        self.region.tags.pop(task.arn, None)


def _first_secret(task: Task) -> str:
    for container in task.definition.containers:
        for secret in container.get("secrets", []):
            return str(secret["valueFrom"])
    return ""
