"""What goes wrong with a rollout under way: its stopped tasks, their log, the service's events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdt_console.errors import CloudError
from sdt_console.model import EcsService
from sdt_console.pipeline.context import Context
from sdt_console.pipeline.diagnose import Diagnosis, diagnose

_LOOK_EVERY_S = 15.0  # without a sign
_LOOK_AGAIN_S = 5.0  # once a task of ours has stopped
_REPEATS = 3  # so many failed tasks in a row are no accident; the circuit breaker's least threshold, too
_EVENTS = 3
_LOG_LINES = 10


@dataclass(frozen=True)
class Told:
    """What was found: the runbook's cause and cure, and the lines they were read from."""

    cause: str = ""
    next: str = ""
    evidence: tuple[str, ...] = ()


class Symptoms:
    """The stopped tasks of one deployment, looked at as seldom as will do.

    :param deployment: id of the deployment whose tasks count.
    :param container: name of the service's own container.
    """

    def __init__(self, ctx: Context, name: str, deployment: str, container: str) -> None:
        self._ctx = ctx
        self._name = name
        self._deployment = deployment
        self._container = container
        self._looked_at = ctx.clock.now()
        self._signs: tuple[object, ...] = ()
        self._any_stopped = False
        self._stopped: list[tuple[Mapping[str, Any], Diagnosis]] = []

    async def hopeless(self, service: EcsService | None, *, done: bool) -> bool:
        """Whether a fatal cause was seen, or the same failure again and again.

        Looks when the service shows a sign: another failed task, other counts of our deployment (a task that
        reaches RUNNING and then crashes is not counted as failed), a new event. Now and then besides, and
        once when the rollout is done.
        """
        signs = _signs(service, self._deployment)
        now = self._ctx.clock.now()
        patience = _LOOK_AGAIN_S if self._any_stopped else _LOOK_EVERY_S
        if signs == self._signs and now - self._looked_at < patience and not done:
            return False
        self._signs = signs
        self._looked_at = now
        await self._look()
        return any(d.fatal for _, d in self._stopped) or len(self._stopped) >= _REPEATS

    async def told(self, service: EcsService | None, log_group: str, log_prefix: str) -> Told:
        """The likeliest cause, with the stopped task's words, its last log lines and the service's events."""
        await self._look()
        events = [str(e.get("message", "")) for e in service.events[:_EVENTS]] if service else []
        if not self._stopped:
            stuck = next((e for e in events if "unable to" in e), "")
            cure = "see capacity, quotas and the subnets' free addresses" if "place a task" in stuck else ""
            return Told(stuck, cure, tuple(e for e in events if e != stuck))
        fatal = [pair for pair in self._stopped if pair[1].fatal]
        often = Counter(d.kind for _, d in fatal or self._stopped).most_common(1)[0][0]
        task, diagnosis = next(pair for pair in fatal or self._stopped if pair[1].kind == often)
        times = sum(d.kind == often for _, d in self._stopped)
        cause = diagnosis.cause + (f", {times} times" if times > 1 else "")
        log = await self._log(task, log_group, log_prefix)
        return Told(cause, diagnosis.next, (*_words(task), *log, *events))

    async def _look(self) -> None:
        ecs_name = self._ctx.service_name(self._name)
        tasks = await self._ctx.ecs.tasks(self._ctx.plan.cluster, ecs_name, stopped=True)
        ours = [task for task in tasks if task.get("startedBy") == self._deployment]
        self._any_stopped = bool(ours)
        pairs = [(task, diagnose(task, self._container)) for task in ours]
        self._stopped = [(task, found) for task, found in pairs if found is not None]

    async def _log(self, task: Mapping[str, Any], group: str, prefix: str) -> Sequence[str]:
        """Last lines of the stopped task; none where it never logged, or the log may not be read."""
        if not group or not prefix:
            return ()
        stream = f"{prefix}/{self._container}/{str(task.get('taskArn', '')).rpartition('/')[2]}"
        try:
            return await self._ctx.logs.last_lines(group, stream, _LOG_LINES)
        except CloudError:
            return ()


def _signs(service: EcsService | None, deployment: str) -> tuple[object, ...]:
    """What of a service changes when something happens to a task of ``deployment``."""
    if service is None:
        return ()
    ours = next((d for d in service.deployments if d.get("id") == deployment), {})
    counts = (ours.get(key) for key in ("failedTasks", "runningCount", "pendingCount"))
    return (*counts, *(event.get("id") for event in service.events[:1]))


def _words(task: Mapping[str, Any]) -> list[str]:
    """Why one task stopped: its reason, what its containers add to that, and their exit codes."""
    words = [str(task.get("stoppedReason") or "stopped")]
    for container in task.get("containers", ()):
        reason = str(container.get("reason") or "")
        if reason and reason not in words[0]:
            words.append(reason)
        if container.get("exitCode") not in (None, 0):
            words.append(f"{container.get('name')} exited with {container['exitCode']}")
    return words
