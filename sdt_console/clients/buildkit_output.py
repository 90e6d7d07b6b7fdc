"""What BuildKit says while it builds: steps that start, finish or fail side by side."""

from __future__ import annotations

import base64
import re
from typing import Any

from sdt_console.clients.build_log import TAIL, BuildLog
from sdt_console.clients.buildkit_trace import Log, Status, TraceError, Vertex, decode
from sdt_console.clients.engine_output import CORRECT
from sdt_console.clients.stoppable import Progress
from sdt_console.errors import BuildError
from sdt_console.text import size

_STEP = re.compile(r"\[(?!internal\])[^\]]*\d+/\d+\] ")
_WRAPPING = re.compile(r"(failed to solve( with frontend [\w.]+)?|failed to create LLB definition): ")
_FRONTEND = "resolve image config for "


class BuildKitOutput:
    """Steps that start, finish or fail side by side, each with output of its own."""

    def __init__(self, log: BuildLog, progress: Progress) -> None:
        self.image_id = ""
        self._log, self._progress = log, progress
        self._vertices: dict[str, Vertex] = {}
        self._numbers: dict[str, int] = {}
        self._done: set[str] = set()
        self._pending: dict[str, str] = {}
        self._output: dict[str, list[str]] = {}

    def take(self, event: dict[str, Any]) -> None:
        if event.get("id") == "moby.image.id":
            self.image_id = event["aux"]["ID"]
        elif event.get("id") == "moby.buildkit.trace":
            try:
                trace = decode(base64.b64decode(event["aux"]))
            except TraceError as error:  # it tells only how far the build is
                self._log.write(f"a message of BuildKit that cannot be read: {error}", tail=False)
                return
            for vertex in trace.vertices:  # all of them are known before one is told of: they are counted
                self._vertices[vertex.digest] = vertex
            for vertex in trace.vertices:
                self._vertex(vertex)
            for status in trace.statuses:
                self._status(status)
            for log in trace.logs:
                self._output_of(log)
        elif "stream" in event:
            self._log.write(str(event["stream"]).rstrip(), tail=False)

    def _vertex(self, vertex: Vertex) -> None:
        if not vertex.started or vertex.digest in self._done:
            return
        name = " ".join(vertex.name.split())
        if vertex.digest not in self._numbers:
            self._numbers[vertex.digest] = len(self._numbers) + 1
            self._write(vertex.digest, name)
        if not vertex.completed:
            self._tell(name)
            return
        self._flush(vertex.digest)
        if vertex.error:
            self._write(vertex.digest, f"ERROR: {vertex.error}")
            return
        self._done.add(vertex.digest)
        if vertex.cached:
            self._write(vertex.digest, "CACHED")
        else:
            self._write(vertex.digest, f"DONE {vertex.completed - vertex.started:.1f}s")
        self._tell(f"{name}: cached" if vertex.cached else name)

    def _status(self, status: Status) -> None:
        vertex = self._vertices.get(status.vertex)
        if vertex is None or status.completed:
            return
        part = status.id[:19] if status.id.startswith("sha256:") else status.id
        words = [" ".join(vertex.name.split()) + ":", status.name, part]
        if status.total:
            words.append(f"{size(status.current)} of {size(status.total)}")
        self._tell(" ".join(word for word in words if word))

    def _output_of(self, log: Log) -> None:
        text = self._pending.get(log.vertex, "") + log.data.decode(errors="replace")
        *lines, self._pending[log.vertex] = text.split("\n")
        for line in lines:
            self._line(log.vertex, line)

    def _line(self, digest: str, line: str) -> None:
        line = line.rstrip()
        self._write(digest, line)
        if line.strip():
            kept = self._output.setdefault(digest, [])
            kept.append(line)
            self._log.tail.append(line)
            del kept[:-TAIL]
            self._tell(line.strip())

    def _flush(self, digest: str) -> None:
        if rest := self._pending.pop(digest, ""):
            self._line(digest, rest)

    def _write(self, digest: str, line: str) -> None:
        self._log.write(f"#{self._numbers.get(digest, 0)} {line}", tail=False)

    def _tell(self, note: str) -> None:
        steps = {digest for digest, vertex in self._vertices.items() if _STEP.match(vertex.name)}
        self._progress(note, len(steps & self._done), len(steps))

    def failed(self, what: str, error: str) -> BuildError:
        for digest in list(self._pending):
            self._flush(digest)
        error = _WRAPPING.sub("", error.strip())
        self._log.write(f"ERROR: {error}", tail=False)
        culprit = next((vertex for vertex in self._vertices.values() if vertex.error), None)
        lines = list(self._log.tail) if culprit is None else self._output.get(culprit.digest, [])
        cause = [error]
        if culprit is not None and not culprit.name.startswith(_FRONTEND):
            cause.append(" ".join(culprit.name.split()))
        return BuildError(what, "\n".join([*cause, *lines]), _next(error, culprit), self._log.evidence())


def _next(error: str, culprit: Vertex | None) -> str:
    if culprit is not None and culprit.name.startswith(_FRONTEND):
        image = culprit.name.removeprefix(_FRONTEND).removeprefix("docker-image://")
        return (
            f"let the Docker Engine reach the registry of {image}, or take the line `# syntax=` out of the "
            "Dockerfile: the Engine can read one by itself; DOCKER_BUILDKIT=0 builds without BuildKit"
        )
    if "no active session" in error:
        return (
            "take `--mount=type=secret` and `type=ssh` out of the Dockerfile: they are not passed on here; "
            "or build and push this image with docker buildx and deploy it by its tag"
        )
    return CORRECT
