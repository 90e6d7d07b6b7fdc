"""Runs the tasks whose images lie in the sandbox's own registry, and cleans up after them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sdt_console.clients.engine_builder import EngineBuilder
from sdt_console.errors import UsageError
from sdt_console.sandbox.ecs.model import Container, Task, Wire
from sdt_console.sandbox.ecs.runtime import Done
from sdt_console.sandbox.environment import secret_values
from sdt_console.sandbox.references import Reference
from sdt_console.sandbox.registry import RegistryApp

from .engine import Engine, EngineError, own_label
from .process import DockerProcess, Part
from .programs import Programs

STAGED = frozenset({"crash-loop", "out-of-memory", "unhealthy", "slow-start", "breaker-rollback"})
"""Scenarios that are about what runs in the task; a container cannot be told to, so these stay simulated."""
_PULLS, _OTHERS = 4, 8


def need_engine() -> None:
    """Make sure that there is an Engine.

    :raises UsageError: there is none, or it does not answer.
    """
    trouble = EngineBuilder.available()
    if trouble is not None:
        raise UsageError("tasks cannot run as containers", trouble, "start one, or leave out --docker")


class DockerRuntime:
    """Implements :class:`~sdt_console.sandbox.ecs.runtime.TaskRuntime`, and works for its processes.

    :param lock: the one that the scheduler runs under.
    :param wake: brings the timeline to now; the lock must be held.
    :param write: puts lines into a container's log; the lock must be held.
    """

    def __init__(
        self,
        registry: RegistryApp,
        lock: threading.RLock,
        wake: Callable[[], None],
        write: Callable[[Task, Wire, list[str]], None],
    ) -> None:
        self.engine = Engine()
        self.label = own_label()
        self.write = write
        self._registry = registry
        self._lock = lock
        self._wake = wake
        self._programs = Programs(registry.images)
        self._pulls = ThreadPoolExecutor(_PULLS, "sandbox-pull")
        self._others = ThreadPoolExecutor(_OTHERS, "sandbox-containers")
        self._followers: set[threading.Thread] = set()
        self._images: set[str] = set()
        self._closed = False
        self.engine.sweep()

    # --- tasks --------------------------------------------------------------------------------------

    def pull(self, task: Task, done: Done) -> None:
        definitions = {str(d["name"]): d for d in task.definition.containers}
        wanted = [
            (container, definitions[container.name], image)
            for container in task.containers
            if not task.faults & STAGED and (image := self._own(container)) is not None
        ]
        _, _, _, region, account, *_ = task.arn.split(":")
        secrets = {c.name: secret_values(d.get("secrets", []), account, region) for c, d, _ in wanted}
        self.later(lambda: self._pull(task, wanted, secrets, done), slow=True)

    def _own(self, container: Container) -> tuple[str, str] | None:
        """Repository and digest of an image that lies in the sandbox's registry."""
        reference, images = Reference.parse(container.image), self._registry.images
        if reference.host != self._registry.host() and reference.ecr != (images.account, images.region):
            return None
        if container.digest:
            return reference.repository, container.digest
        found = images.find(reference.repository, reference.digest or reference.tag)
        return (reference.repository, str(found.image_digest)) if found is not None else None

    def _pull(
        self,
        task: Task,
        wanted: list[tuple[Container, Wire, tuple[str, str]]],
        secrets: dict[str, dict[str, str]],
        done: Done,
    ) -> None:
        parts: list[Part] = []
        try:
            for container, definition, (repository, digest) in wanted:
                if not self._programs.holds_one(repository, digest):
                    continue
                image = f"{self._registry.host()}/{repository}@{digest}"
                self._images.add(image)
                self.engine.pull(image, self._registry.issue_token()[0])
                parts.append(Part(container, definition, image, secrets[container.name]))
        except EngineError as error:
            reason = f"CannotPullContainerError: {error}"
            self.tell(lambda: done(reason))
            return
        self.tell(lambda: self._pulled(task, parts, done))

    def _pulled(self, task: Task, parts: list[Part], done: Done) -> None:
        if parts:
            task.process = DockerProcess(self, task, parts)
        done(None)

    # --- threads ------------------------------------------------------------------------------------

    def later(self, work: Callable[[], None], *, slow: bool = False) -> None:
        if self._closed:
            return
        try:
            (self._pulls if slow else self._others).submit(work).add_done_callback(_tell_defect)
        except RuntimeError:  # closed in this very moment
            return

    def follow(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            finally:
                self._followers.discard(threading.current_thread())

        thread = threading.Thread(target=run, name="sandbox-container", daemon=True)
        self._followers.add(thread)
        thread.start()

    def tell(self, news: Callable[[], None]) -> None:
        with self._lock:
            if not self._closed:
                self._wake()
                news()
                self._wake()

    def close(self) -> None:
        """Remove every container, end every thread; the lock must not be held."""
        with self._lock:
            self._closed = True
        self._pulls.shutdown(wait=True, cancel_futures=True)
        own = [c for c, label, _ in self._containers() if label == self.label]
        list(self._others.map(self.engine.remove, own))
        self._others.shutdown(wait=True)
        for thread in list(self._followers):
            thread.join(5)
        for image in self._images:
            self.engine.remove_image(image)
        self.engine.close()

    def _containers(self) -> list[tuple[str, str, str]]:
        try:
            return self.engine.containers()
        except EngineError:  # it went away before us
            return []


def _tell_defect(work: Future[Any]) -> None:
    """What nobody expected must not vanish with its thread."""
    error = None if work.cancelled() else work.exception()
    if error is not None:
        kind = type(error), error, error.__traceback__, threading.current_thread()
        threading.excepthook(threading.ExceptHookArgs(kind))
