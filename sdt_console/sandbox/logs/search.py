"""FilterLogEvents: every stream of a group in the order of time, in pages of 1 MB or 10,000 events."""

from __future__ import annotations

import base64
import binascii
import heapq
from collections.abc import Iterable
from typing import Any

from sdt_console.sandbox.ecs.errors import ApiError
from sdt_console.sandbox.environment import backend

from .pattern import InvalidPatternError, compile_pattern

Wire = dict[str, Any]
PAGE_EVENTS = 10_000
PAGE_BYTES = 1_048_576
EVENT_OVERHEAD = 26
"""Bytes that CloudWatch Logs adds to each event when it counts."""


def filter_log_events(account: str, region: str, request: Wire) -> Wire:
    """Answer one call; the lock must be held.

    :raises ApiError: no such group, or a request that cannot be.
    """
    group = _group(account, region, request)
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
    if names and prefix:
        raise _invalid("LogStreamNamePrefix and LogStreamNames are mutually exclusive.")
    limit = request.get("limit", PAGE_EVENTS)
    if not 1 <= limit <= PAGE_EVENTS:
        raise _invalid(f"limit must be between 1 and {PAGE_EVENTS}")
    try:
        matches = compile_pattern(request.get("filterPattern", ""))
    except InvalidPatternError as error:
        raise _invalid(f"Invalid filter pattern: {error}") from None
    streams = [
        stream
        for name, stream in group.streams.items()
        if (not names or name in names) and name.startswith(prefix or "")
    ]
    start, end = request.get("startTime", 0), request.get("endTime", float("inf"))
    after = _position(request.get("nextToken"))
    last = after
    found: list[Wire] = []
    size = 0
    for key, stream, event in heapq.merge(*(_events(s, start, end, after) for s in streams), key=_order):
        if not matches(event.message):
            continue
        size += len(event.message.encode()) + EVENT_OVERHEAD
        if len(found) == limit or (found and size > PAGE_BYTES):
            return {"events": found, "searchedLogStreams": [], "nextToken": _token(last)}
        last = key
        found.append(event.to_filter_dict() | {"logStreamName": stream})
    return {"events": found, "searchedLogStreams": []}


Key = tuple[int, int]
Found = tuple[Key, str, Any]


def _order(found: Found) -> Key:
    return found[0]


def _events(stream: Any, start: float, end: float, after: Key) -> Iterable[Found]:
    first = max(start, after[0])
    kept = [
        ((event.timestamp, event.event_id), stream.log_stream_name, event)
        for event in stream.events
        if first <= event.timestamp <= end and (event.timestamp, event.event_id) > after
    ]
    return sorted(kept, key=_order)


def _group(account: str, region: str, request: Wire) -> Any:
    name = request.get("logGroupName") or request.get("logGroupIdentifier", "")
    if name.startswith("arn:"):
        _, _, _, region, account, _, name, *_ = name.split(":")
    groups = backend("logs", account, region).groups
    if name not in groups:
        raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
    return groups[name]


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)


def _token(key: Key) -> str:
    return base64.urlsafe_b64encode(f"{key[0]}:{key[1]}".encode()).decode()


def _position(token: str | None) -> Key:
    if not token:
        return (-1, -1)
    try:
        moment, _, number = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        return int(moment), int(number)
    except (ValueError, binascii.Error):
        raise _invalid("The specified nextToken is invalid.") from None
