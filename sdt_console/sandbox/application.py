"""What runs in a task: a Spring Boot application, as far as HTTP can tell."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .ecs.model import Task


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    body: bytes
    content_type: str = "application/json"


class Application:
    """Answers for every running task."""

    def answer(self, task: Task, path: str, now: float) -> Answer | None:
        """The response to a GET; ``None`` if nothing listens (not started yet, stopped)."""
        if task.status not in ("RUNNING", "DEACTIVATING") or now < task.ready_at:
            return None
        bare = path.partition("?")[0].rstrip("/")
        if bare.startswith("/api/"):
            bare = "/" + bare.removeprefix("/api/").partition("/")[2]
        if bare in ("/actuator/health", "/actuator/health/liveness", "/actuator/health/readiness"):
            return _health(task, detailed=bare == "/actuator/health")
        if bare in ("", "/"):
            name = task.service.name if task.service else task.group
            return _json(200, {"service": name, "task": task.id, "revision": task.definition.revision})
        return _json(404, {"status": 404, "error": "Not Found", "path": path})

    def probe(self, task: Task, path: str, now: float) -> int | None:
        """Status of a health check; ``None`` if the connection is refused."""
        answer = self.answer(task, path, now)
        return None if answer is None else answer.status


def _health(task: Task, *, detailed: bool) -> Answer:
    if task.faults & {"unhealthy", "breaker-rollback"}:
        cause = {"components": {"db": {"status": "DOWN"}}} if detailed else {}
        return _json(503, {"status": "DOWN"} | cause)
    return _json(200, {"status": "UP"} | ({"groups": ["liveness", "readiness"]} if detailed else {}))


def _json(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body, separators=(",", ":")).encode())
