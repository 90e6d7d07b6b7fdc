"""What is in a log: events as CloudWatch tells them, and lines as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
"""The levels that lines have, the least grave first; a line whose level nobody can tell has an empty one."""


class LogEvent(NamedTuple):
    """One event; a tuple, for there may be 50,000 of them. Untrusted text.

    ``at`` and ``ingested`` are milliseconds since the epoch; ``id`` is empty where the API tells none, as
    Live Tail does.
    """

    at: int
    ingested: int
    stream: str
    message: str
    id: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """What one event says, with the lines of its stack trace, if those came as events of their own.

    :param at: milliseconds since the epoch.
    :param text: the first row to show; of a JSON line its message, then its other fields as ``name=value``.
    :param rest: the rows below it, as of a stack trace.
    :param message: as it was written, rows joined with ``\\n``. Untrusted text, as all of it.
    :param level: one of :data:`LEVELS`, or empty.
    :param fields: of a JSON or logfmt line.
    :param events: of how many events it was put together.
    :param continued: it looks like the end of something whose beginning came earlier.
    """

    at: int
    service: str
    group: str
    stream: str
    text: str
    rest: tuple[str, ...]
    message: str
    level: str
    id: str
    ingested: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    events: int = 1
    continued: bool = False

    @property
    def task(self) -> str:
        """Id of the ECS task that wrote it, where the stream is named as the awslogs driver does."""
        return self.stream.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class LogNotice:
    """Something to know of the lines that come: what is missing, and why.

    :param kind: ``dropped``, ``sampled``, ``late``, ``unread``, ``polling`` or ``again``.
    :param service: whose lines; empty for all.
    :param count: of lines, where it can be told.
    """

    kind: str
    text: str
    service: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Lines that came together, in order, after what is to be known of them."""

    lines: tuple[LogLine, ...] = ()
    notices: tuple[LogNotice, ...] = ()


@dataclass(frozen=True)
class LogGroup:
    """A log group as ``DescribeLogGroups`` tells it.

    :param retention_days: ``None`` if its events are kept for ever.
    :param created: milliseconds since the epoch.
    """

    name: str
    arn: str
    retention_days: int | None
    stored_bytes: int = 0
    created: int = 0


@dataclass(frozen=True)
class LiveUpdate:
    """What came with one update of a Live Tail session.

    :param events: log group → events.
    :param sampled: there were more than the update could hold.
    """

    events: Mapping[str, tuple[LogEvent, ...]]
    sampled: bool = False


@dataclass(frozen=True)
class ExportTask:
    """An export of a log group to S3; ``start`` and ``end`` in milliseconds since the epoch.

    :param status: ``PENDING``, ``RUNNING``, ``COMPLETED``, ``FAILED``, ``CANCELLED`` or ``PENDING_CANCEL``.
    """

    id: str
    group: str
    status: str
    start: int
    end: int
    bucket: str
    prefix: str = ""
    message: str = ""
