"""What BuildKit tells while it builds: the messages that the Engine passes on, read from their wire format.

An Engine sends each one as ``moby.buildkit.trace``, base64 of a ``StatusResponse`` in protobuf's encoding.
Source: ``api/services/control/control.proto`` of moby/buildkit for the numbers of the fields, and the
protobuf encoding guide; fields that nobody here needs are skipped, as are those that are not known yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class TraceError(ValueError):
    """The bytes are no message of that kind."""


@dataclass(frozen=True)
class Vertex:
    """One step as it is now; it is sent again whenever it changes.

    :param digest: which one it is.
    :param name: what it does, such as ``[2/3] COPY a /b``.
    :param started: seconds since the epoch; 0 before.
    :param completed: seconds since the epoch; 0 before.
    """

    digest: str
    name: str = ""
    cached: bool = False
    started: float = 0.0
    completed: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Status:
    """How far a part of a step is, such as a layer that is pulled.

    :param total: 0 if it is not known.
    :param completed: seconds since the epoch; 0 before.
    """

    id: str
    vertex: str
    name: str = ""
    current: int = 0
    total: int = 0
    completed: float = 0.0


@dataclass(frozen=True)
class Log:
    """Output of a step, cut anywhere.

    :param stream: 1 standard output, 2 standard error.
    """

    vertex: str
    stream: int
    data: bytes


@dataclass(frozen=True)
class Trace:
    vertices: tuple[Vertex, ...] = ()
    statuses: tuple[Status, ...] = ()
    logs: tuple[Log, ...] = ()


def decode(data: bytes) -> Trace:
    """One ``StatusResponse``.

    :raises TraceError: it is none.
    """
    vertices, statuses, logs = [], [], []
    for field, value in _fields(data):
        if field == 1:
            vertices.append(_vertex(_raw(value)))
        elif field == 2:
            statuses.append(_status(_raw(value)))
        elif field == 3:
            logs.append(_log(_raw(value)))
    return Trace(tuple(vertices), tuple(statuses), tuple(logs))


def _vertex(data: bytes) -> Vertex:
    fields = dict(_fields(data))
    return Vertex(
        digest=_text(fields.get(1)),
        name=_text(fields.get(3)),
        cached=bool(_number(fields.get(4))),
        started=_time(fields.get(5)),
        completed=_time(fields.get(6)),
        error=_text(fields.get(7)),
    )


def _status(data: bytes) -> Status:
    fields = dict(_fields(data))
    return Status(
        id=_text(fields.get(1)),
        vertex=_text(fields.get(2)),
        name=_text(fields.get(3)),
        current=_number(fields.get(4)),
        total=_number(fields.get(5)),
        completed=_time(fields.get(8)),
    )


def _log(data: bytes) -> Log:
    fields = dict(_fields(data))
    return Log(_text(fields.get(1)), _number(fields.get(3)), _raw(fields.get(4, b"")))


def _time(value: int | bytes | None) -> float:
    """Seconds of a ``google.protobuf.Timestamp``."""
    fields = dict(_fields(_raw(value or b"")))
    return _number(fields.get(1)) + _number(fields.get(2)) / 1e9


def _raw(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise TraceError("a number where bytes belong")
    return value


def _text(value: int | bytes | None) -> str:
    return _raw(value or b"").decode(errors="replace")


def _number(value: int | bytes | None) -> int:
    """A signed 64-bit number."""
    if isinstance(value, bytes):
        raise TraceError("bytes where a number belongs")
    value = value or 0
    return value - (1 << 64) if value >> 63 else value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field; a nested message is bytes, a fixed-size value is left out."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield field, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise TraceError(f"wire type {kind}")
        if at + size > len(data):
            raise TraceError("it ends too early")
        if kind == _BYTES:
            yield field, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise TraceError("it ends too early")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
    raise TraceError("a number of more than 64 bits")
