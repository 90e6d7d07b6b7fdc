"""One task as containers: from the Engine's words to the task's state."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sdt_console.sandbox.application import Answer
from sdt_console.sandbox.ecs.model import Container, Task, Wire
from sdt_console.sandbox.ecs.runtime import Done

from .engine import Engine, EngineError, Exit
from .settings import container_settings, health_command, host_settings, tcp_ports

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
_CHECKER = {"User-Agent": "ELB-HealthChecker/2.0"}
ANSWER_SECONDS = 5.0
"""How long a container may take to answer a health check."""
REQUEST_SECONDS = 60.0
"""The same for a request through the load balancer, as ALB's idle time-out."""


class Crew(Protocol):
    """Who works for a process: threads, and the way back to the scheduler."""

    engine: Engine
    label: str

    def later(self, work: Callable[[], None], *, slow: bool = False) -> None:
        """Do it on a thread of a pool; ``slow`` is what waits for pulls and starts."""

    def follow(self, work: Callable[[], None]) -> None:
        """Do it on a thread of its own, for as long as a container lives."""

    def tell(self, news: Callable[[], None]) -> None:
        """Run ``news`` with the lock held, unless the sandbox has stopped."""

    def write(self, task: Task, definition: Wire, lines: list[str]) -> None:
        """Put lines into the container's log; the lock must be held."""


@dataclass(frozen=True)
class Part:
    """A container that is run.

    :param image: ``127.0.0.1:PORT/repository@digest``.
    :param secrets: variable → value.
    """

    container: Container
    definition: Wire
    image: str
    secrets: Mapping[str, str]


class DockerProcess:
    """Implements :class:`~sdt_console.sandbox.ecs.runtime.TaskProcess`."""

    def __init__(self, crew: Crew, task: Task, parts: list[Part]) -> None:
        self._crew = crew
        self._task = task
        self._parts = parts
        self._guard = threading.Lock()
        self._ids: dict[str, str] = {}
        """Container name → id in the Engine, as soon as it is created."""
        self._ports: dict[int, int] = {}
        self._down: set[str] = set()
        self._asked = ""
        """The last signal that was asked for."""
        self._started = False
        self._removed = False

    # --- up -----------------------------------------------------------------------------------------

    def start(self, done: Done, ended: Callable[[], None]) -> None:
        self._crew.later(lambda: self._start(done, ended), slow=True)

    def _start(self, done: Done, ended: Callable[[], None]) -> None:
        problem = "CannotCreateContainerError"
        try:
            ports = tcp_ports([part.definition for part in self._parts])
            for part in self._parts:
                problem = "CannotCreateContainerError"
                container = self._create(part, ports)
                problem = "CannotStartContainerError"
                self._crew.engine.start(container)
            found = self._crew.engine.ports(self._ids[self._parts[0].container.name])
        except EngineError as error:
            reason = f"{problem}: {error}"  # the name is gone when this is told
            self._crew.tell(lambda: done(reason))
            return
        self._crew.tell(lambda: self._running(found, done))
        for part in self._parts:
            self._crew.follow(lambda part=part: self._follow(part, ended))  # type: ignore[misc]
        with self._guard:
            self._started = True
            asked = self._asked
        if asked:
            self.signal(asked)

    def _create(self, part: Part, ports: list[int]) -> str:
        first = self._ids.get(self._parts[0].container.name, "")
        own = [] if first else ports
        made = self._crew.engine.create(
            container_settings(self._task, part.definition, part.image, part.secrets, own, self._crew.label),
            host_settings(self._task, part.definition, own, first),
        )
        with self._guard:
            self._ids[part.container.name] = made
            removed = self._removed
        if removed:  # it was given up meanwhile
            self._crew.engine.remove(made)
        return made

    def _running(self, ports: dict[int, int], done: Done) -> None:
        self._ports = ports
        for part in self._parts:
            part.container.runtime_id = self._ids[part.container.name]
        done(None)

    # --- down ---------------------------------------------------------------------------------------

    def _follow(self, part: Part, ended: Callable[[], None]) -> None:
        """Copy what it writes, and tell how it ended."""
        engine, container = self._crew.engine, self._ids[part.container.name]
        try:
            for lines in engine.lines(container):
                self._crew.tell(lambda lines=lines: self._write(part, lines))  # type: ignore[misc]
            left = engine.wait(container)
        except EngineError:  # the Engine has gone, or somebody removed the container
            left = Exit(None)
        self._crew.tell(lambda: self._exited(part, left, ended))

    def _write(self, part: Part, lines: list[str]) -> None:
        self._crew.write(self._task, part.definition, lines)

    def _exited(self, part: Part, left: Exit, ended: Callable[[], None]) -> None:
        part.container.status = "STOPPED"
        part.container.exit_code = left.code
        if left.out_of_memory:
            part.container.reason = OUT_OF_MEMORY
        elif left.code is None:
            part.container.reason = "DockerStateError: the container is gone"
        self._down.add(part.container.name)
        essential = any(p.container.essential and p.container.name in self._down for p in self._parts)
        if len(self._down) < len(self._parts):
            if part.container.essential:
                self._crew.later(self._end_others, slow=True)
        elif essential or self._asked:
            ended()

    def _end_others(self) -> None:
        """Without its essential container a task ends."""
        for name, container in self._ids.items():
            if name not in self._down:
                with contextlib.suppress(EngineError):
                    self._crew.engine.stop(container)

    def signal(self, name: str) -> None:
        with self._guard:
            self._asked = name
            if not self._started:
                return
        self._crew.later(lambda: self._signal(name))

    def _signal(self, name: str) -> None:
        for container, identity in list(self._ids.items()):
            if container not in self._down:
                with contextlib.suppress(EngineError):  # it has exited by itself meanwhile
                    wanted = self._crew.engine.stop_signal(identity) if name == "SIGTERM" else name
                    self._crew.engine.signal(identity, wanted)

    def remove(self) -> None:
        with self._guard:
            self._removed = True
        self._crew.later(self._remove)

    def _remove(self) -> None:
        # The last first: the others use the first one's network.
        for container in reversed(list(self._ids.values())):
            self._crew.engine.remove(container)

    # --- asking -------------------------------------------------------------------------------------

    def probe(self, port: int, path: str, done: Callable[[int | None], None]) -> None:
        def work() -> None:
            answer = self._ask(port, "GET", path, _CHECKER, b"", ANSWER_SECONDS)
            self._crew.tell(lambda: done(None if answer is None else answer.status))

        self._crew.later(work)

    def check(self, container: str, check: Wire, done: Callable[[bool], None]) -> None:
        identity = self._ids.get(container)

        def work() -> None:
            try:
                passed = self._crew.engine.execute(str(identity), health_command(check)) == 0
            except EngineError:
                passed = False
            self._crew.tell(lambda: done(passed))

        if identity is None:  # a container that is not run
            done(True)
        else:
            self._crew.later(work)

    def request(self, port: int, method: str, path: str, headers: Wire, body: bytes) -> Answer | None:
        return self._ask(port, method, path, headers, body, REQUEST_SECONDS)

    def _ask(
        self, port: int, method: str, path: str, headers: dict[str, Any], body: bytes, seconds: float
    ) -> Answer | None:
        published = self._ports.get(port)
        if published is None:
            return None
        connection = http.client.HTTPConnection("127.0.0.1", published, timeout=seconds)
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            kind = response.headers.get("Content-Type", "application/octet-stream")
            return Answer(response.status, response.read(), kind)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
