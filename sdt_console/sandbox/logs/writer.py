"""Puts what tasks say into the log groups of their task definitions."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from sdt_console.sandbox.ecs.model import Task
from sdt_console.sandbox.environment import backend
from sdt_console.sandbox.timeline import Timeline

from .lines import Voice
from .plain import PlainVoice

HISTORY = 3 * 3600.0
"""Seconds of everyday lines that are there at the start."""
HISTORY_STEP = 45.0
STREAM_LIMIT = 20_000
"""Events kept in one stream; older ones go, for a sandbox may run for days."""
TICK = 1.0
MOST_PER_TICK = 12


class LogWriter:
    """Writes for every task; the lock must be held.

    :param tasks: every task of every region, asked at each tick.
    """

    def __init__(self, timeline: Timeline, tasks: Callable[[], Iterable[Task]], seed: int = 0) -> None:
        self._timeline = timeline
        self._tasks = tasks
        self._random = random.Random(seed)

    def note(self, task: Task, what: str) -> None:
        """What a task lives through: ``started``, ``ready``, ``crashed``, ``out-of-memory``, ``stopping``."""
        now = self._timeline.now
        for container in task.definition.containers:
            voice = self._voice(container)
            if what == "ready":
                ports = [mapping["containerPort"] for mapping in container.get("portMappings", [])]
                texts = voice.ready(now, ports[0] if ports else 0, self._timeline.pace.start_up)
            else:
                texts = {
                    "started": voice.starting,
                    "crashed": voice.crashed,
                    "out-of-memory": voice.out_of_memory,
                    "stopping": voice.stopping,
                }[what](now)
            self._write(task, container, [(now, text) for text in texts])

    def begin(self) -> None:
        """Write some hours of history, and go on as time goes by."""
        start = self._timeline.now
        for task in self._running():
            first = max(start - HISTORY, task.ready_at)
            moments = int((start - first) / HISTORY_STEP)
            container = task.definition.containers[0]
            voice = self._voice(container)
            spoken: list[tuple[float, str]] = []
            for number in range(moments):
                at = first + HISTORY_STEP * (number + self._random.random())
                spoken += [(at, text) for text in voice.everyday(at)]
            self._write(task, container, spoken)
        self._timeline.at(start + TICK, self._tick)

    def _tick(self) -> None:
        running = self._running()
        count = min(len(running), MOST_PER_TICK, max(1, len(running) // 8))
        for task in self._random.sample(running, count) if running else ():
            container, now = task.definition.containers[0], self._timeline.now
            texts = self._voice(container).everyday(now)
            self._write(task, container, [(now, text) for text in texts])
        self._timeline.at(self._timeline.now + TICK, self._tick)

    def _running(self) -> list[Task]:
        """The simulated ones; what runs for real speaks for itself."""
        now = self._timeline.now
        running = (task for task in self._tasks() if task.status == "RUNNING" and task.process is None)
        return [task for task in running if task.ready_at <= now]

    def _voice(self, container: dict[str, Any]) -> Voice | PlainVoice:
        name = str(container["name"])
        if not any(variable["name"].startswith("SPRING") for variable in container.get("environment", [])):
            return PlainVoice(name, self._random)
        # A third of the services log JSON; which ones does not change from run to run.
        return Voice(name, structured=zlib.crc32(name.encode()) % 3 == 0, source=self._random)

    def copy(self, task: Task, container: dict[str, Any], lines: list[str]) -> None:
        """Write what a container has said, now."""
        self._write(task, container, [(self._timeline.now, line) for line in lines])

    def _write(self, task: Task, container: dict[str, Any], spoken: list[tuple[float, str]]) -> None:
        configuration = container.get("logConfiguration", {})
        options = configuration.get("options", {})
        group_name, prefix = options.get("awslogs-group"), options.get("awslogs-stream-prefix")
        if configuration.get("logDriver") != "awslogs" or not group_name or not spoken:
            return
        _, _, _, region, account, *_ = task.arn.split(":")
        groups = backend("logs", account, options.get("awslogs-region", region)).groups
        if group_name not in groups:
            if options.get("awslogs-create-group") != "true":
                return
            backend("logs", account, options.get("awslogs-region", region)).create_log_group(group_name, {})
        group = groups[group_name]
        name = f"{prefix}/{container['name']}/{task.id}" if prefix else task.id
        if name not in group.streams:
            group.create_log_stream(name)
        stream = group.streams[name]
        stream.put_log_events([{"timestamp": int(at * 1000), "message": text} for at, text in spoken])
        if len(stream.events) > STREAM_LIMIT:
            del stream.events[: STREAM_LIMIT // 10]
