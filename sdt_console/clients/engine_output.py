"""What an Engine's builder says while it builds, turned into a log, progress and, at last, a failure."""

from __future__ import annotations

import re
from typing import Any, Protocol

from sdt_console.clients.build_log import BuildLog
from sdt_console.clients.stoppable import Progress
from sdt_console.errors import BuildError

CORRECT = "correct what the output names, then run again"

_BOOKKEEPING = re.compile(r"\s*--->|Removing intermediate container |Successfully (built|tagged) ")


class Output(Protocol):
    """The messages of one build, taken as they come."""

    image_id: str
    """Of the image that was built; empty until it is known."""

    def take(self, event: dict[str, Any]) -> None: ...

    def failed(self, what: str, error: str) -> BuildError:
        """What ``error``, the Engine's last word, comes from, with the last lines of the output."""


class ClassicOutput:
    """``Step 3/7 : COPY a b``, and whatever the steps print."""

    def __init__(self, log: BuildLog, progress: Progress) -> None:
        self.image_id = ""
        self._log, self._progress = log, progress
        self._pending = ""

    def take(self, event: dict[str, Any]) -> None:
        self._pending += event.get("stream", "")
        *lines, self._pending = self._pending.split("\n")
        for line in lines:
            self._line(line)
        self.image_id = (event.get("aux") or {}).get("ID", self.image_id)

    def _line(self, line: str) -> None:
        idle = not line.strip() or _BOOKKEEPING.match(line) is not None
        self._log.write(line.rstrip(), tail=not idle)
        if idle:
            return
        step, _, instruction = line.strip().partition(" : ")
        done, slash, total = step.removeprefix("Step ").partition("/")
        if slash and step.startswith("Step ") and done.isdecimal() and total.isdecimal():
            self._progress(instruction, int(done) - 1, int(total))
        else:
            self._progress(line.strip(), 0, 0)

    def failed(self, what: str, error: str) -> BuildError:
        if self._pending.strip():
            self._line(self._pending)
        lines = [line for line in self._log.tail if line.strip() != error.strip()]
        self._log.write(error.strip(), tail=False)
        cure = CORRECT
        if "requires BuildKit" in error:
            cure = "build with BuildKit: unset DOCKER_BUILDKIT, or take the option out of the Dockerfile"
        return BuildError(what, "\n".join([error.strip(), *lines]), cure, self._log.evidence())
