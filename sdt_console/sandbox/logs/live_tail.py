"""StartLiveTail: what is written from now on, as a stream of updates, one a second."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

from sdt_console.sandbox.ecs.errors import ApiError
from sdt_console.sandbox.environment import backend

from .eventstream import message
from .pattern import InvalidPatternError, Matcher, compile_pattern

TARGET = "Logs_20140328.StartLiveTail"
MOST_GROUPS = 10
MOST_EVENTS = 500
"""Events in one update; of more, a sample is sent."""
SESSION = 3 * 3600
"""Updates in a session: three hours of them."""

Wire = dict[str, Any]


class LiveTail:
    """One session; iterate :meth:`updates`.

    :param lock: held while the log groups are read.
    :param stopped: set when the sandbox stops.
    :param interval: seconds on the machine's clock between two updates.
    :raises ApiError: groups or a pattern that cannot be.
    """

    def __init__(
        self,
        account: str,
        region: str,
        request: Wire,
        *,
        lock: threading.RLock,
        stopped: threading.Event,
        interval: float,
    ) -> None:
        self._lock, self._stopped, self._interval = lock, stopped, interval
        self._names = tuple(request.get("logStreamNames") or ())
        self._prefixes = tuple(request.get("logStreamNamePrefixes") or ())
        if self._names and self._prefixes:
            raise _invalid("LogStreamNames and LogStreamNamePrefixes are mutually exclusive.")
        identifiers = request.get("logGroupIdentifiers") or []
        if not 1 <= len(identifiers) <= MOST_GROUPS:
            raise _invalid(f"The number of log groups must be between 1 and {MOST_GROUPS}.")
        try:
            self._matches: Matcher = compile_pattern(request.get("logEventFilterPattern") or "")
        except InvalidPatternError as error:
            raise _invalid(f"Invalid filter pattern: {error}") from None
        self._start = {
            "requestId": str(uuid.uuid4()),
            "sessionId": str(uuid.uuid4()),
            "logGroupIdentifiers": identifiers,
            "logStreamNames": list(self._names),
            "logStreamNamePrefixes": list(self._prefixes),
            "logEventFilterPattern": request.get("logEventFilterPattern") or "",
        }
        groups = backend("logs", account, region).groups
        self._groups = {identifier: _find(groups, identifier) for identifier in identifiers}
        self._last = max((e.event_id for e in self._events()), default=-1)

    def updates(self) -> Iterator[bytes]:
        """The encoded stream, until the session or the sandbox ends."""
        yield message("initial-response", {})
        yield message("sessionStart", self._start)
        for _ in range(SESSION):
            if self._stopped.wait(self._interval):
                return
            with self._lock:
                found = self._fresh()
            sampled = found[:: len(found) // MOST_EVENTS + 1]
            metadata = {"sampled": len(sampled) < len(found)}
            yield message("sessionUpdate", {"sessionMetadata": metadata, "sessionResults": sampled})

    def _events(self) -> Iterator[Any]:
        for group in self._groups.values():
            for stream in group.streams.values():
                yield from stream.events[-1:]

    def _fresh(self) -> list[Wire]:
        found: list[tuple[int, Wire]] = []
        newest = self._last
        for identifier, group in self._groups.items():
            for name, stream in group.streams.items():
                if (self._names and name not in self._names) or not name.startswith(self._prefixes or ""):
                    continue
                for event in reversed(stream.events):
                    if event.event_id <= self._last:
                        break
                    newest = max(newest, event.event_id)
                    if self._matches(event.message):
                        found.append((event.event_id, _result(identifier, name, event)))
        self._last = newest
        return [result for _, result in sorted(found, key=lambda item: item[0])]


def _result(identifier: str, stream: str, event: Any) -> Wire:
    return {
        "logGroupIdentifier": identifier,
        "logStreamName": stream,
        "message": event.message,
        "timestamp": event.timestamp,
        "ingestionTime": event.ingestion_time,
    }


def _find(groups: Any, identifier: str) -> Any:
    if not identifier.startswith("arn:"):
        raise _invalid("Log groups must be given by their ARN.")
    name = identifier.split(":")[6]
    if name not in groups:
        raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
    return groups[name]


def _invalid(text: str) -> ApiError:
    return ApiError("InvalidParameterException", text)
