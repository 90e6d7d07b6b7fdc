"""Where tasks run for real, if they do: what the scheduler's core asks of it, and what it is told.

Nothing here blocks. Whatever takes time is done elsewhere, and its end is told by calling back with the lock
held, at whatever moment the timeline then stands. Without a runtime every task is simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sdt_console.sandbox.application import Answer

    from .model import Task, Wire

LEAST_INTERVAL = 1.0
"""Seconds between two checks of a process that is healthy, however fast the sandbox."""

Done = Callable[[str | None], None]
"""Called with why it failed, in AWS's words, or with ``None``."""


class TaskProcess(Protocol):
    """The running part of one task: its containers, or those of them that are run."""

    def start(self, done: Done, ended: Callable[[], None]) -> None:
        """Create and start the containers.

        :param ended: called once after they all have exited; exit codes and reasons are then in the
            task's containers. Not called if the start failed.
        """

    def signal(self, name: str) -> None:
        """Send ``SIGTERM`` or ``SIGKILL`` to every container."""

    def remove(self) -> None:
        """Remove the containers, whatever they do."""

    def probe(self, port: int, path: str, done: Callable[[int | None], None]) -> None:
        """Ask over HTTP; the status, or ``None`` without an answer."""

    def check(self, container: str, check: Wire, done: Callable[[bool], None]) -> None:
        """Run the command of a container's health check; whether it passed."""

    def request(self, port: int, method: str, path: str, headers: Wire, body: bytes) -> Answer | None:
        """Pass a request on; the one call that blocks, so the lock must not be held."""


class TaskRuntime(Protocol):
    """Runs tasks."""

    def pull(self, task: Task, done: Done) -> None:
        """Fetch the images of a task. If it is to be run, its ``process`` is set before ``done``."""
