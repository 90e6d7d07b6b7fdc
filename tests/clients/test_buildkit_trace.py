"""BuildKit's messages, as an Engine sent them for a build that failed (``buildkit_trace.jsonl``)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdt_console.clients.build_log import BuildLog
from sdt_console.clients.buildkit_output import BuildKitOutput
from sdt_console.clients.buildkit_trace import Log, Status, Trace, TraceError, Vertex, decode

RECORDED = [
    json.loads(line) for line in Path(__file__).with_name("buildkit_trace.jsonl").read_text().splitlines()
]
STEP = "sha256:f3011ff94177dc7e644956b4411656af7938c9284e23e60bd430c4553c9721ae"


def traces() -> list[Trace]:
    return [decode(base64.b64decode(e["aux"])) for e in RECORDED if e.get("id") == "moby.buildkit.trace"]


def test_the_steps_of_a_recorded_build() -> None:
    last = {vertex.digest: vertex for trace in traces() for vertex in trace.vertices}
    assert [(vertex.name, vertex.cached, vertex.error[-12:]) for vertex in last.values()] == [
        ("[internal] load remote build context", True, ""),
        ("copy /context /", True, ""),
        ("[internal] load metadata for localhost:5000/base:1", False, ""),
        ("[1/3] FROM localhost:5000/base:1", True, ""),
        ("[2/3] COPY a /a", True, ""),
        ("[3/3] RUN echo out; echo err >&2; printf half; exit 3", False, "exit code: 3"),
    ]
    assert last[STEP].completed - last[STEP].started == pytest.approx(0.635, abs=0.001)
    assert last[STEP].started == pytest.approx(1795414587.857, abs=0.001)


def test_the_output_of_a_recorded_build() -> None:
    logs = [log for trace in traces() for log in trace.logs]
    assert logs == [Log(STEP, 1, b"out\n"), Log(STEP, 2, b"err\n"), Log(STEP, 1, b"half")]


def test_a_recorded_build_told(tmp_path: Path) -> None:
    notes: list[tuple[str, int, int]] = []
    with BuildLog(tmp_path, "user-service") as log:
        output = BuildKitOutput(log, lambda *note: notes.append(note))
        for event in RECORDED:
            output.take(event)
        error = output.failed("cannot build user-service", RECORDED[-1]["error"])
    step = "[3/3] RUN echo out; echo err >&2; printf half; exit 3"
    assert notes == [
        ("[internal] load remote build context", 0, 0),
        ("[internal] load remote build context", 0, 0),
        ("copy /context /: cached", 0, 0),
        ("[internal] load metadata for localhost:5000/base:1", 0, 0),
        ("[1/3] FROM localhost:5000/base:1", 1, 3),
        ("[2/3] COPY a /a: cached", 2, 3),
        (step, 2, 3),
        ("out", 2, 3),
        ("err", 2, 3),
        ("half", 2, 3),
    ]
    assert error.cause.splitlines()[1:] == [step, "out", "err", "half"]
    kept = (tmp_path / "user-service.log").read_text()
    assert "#5 CACHED\n#6 " in kept
    assert kept.endswith("exit code: 3\n")


# --- the wire format ---------------------------------------------------------


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def message(*fields: tuple[int, int | bytes]) -> bytes:
    """A message of varints and length-delimited fields."""
    return b"".join(
        varint(number << 3) + varint(value & (1 << 64) - 1)
        if isinstance(value, int)
        else varint(number << 3 | 2) + varint(len(value)) + value
        for number, value in fields
    )


@given(st.text(), st.text(), st.booleans(), st.integers(1, 1 << 40), st.integers(0, 999_999_999), st.binary())
def test_whatever_is_written_is_read(
    digest: str, name: str, cached: bool, at: int, nanos: int, data: bytes
) -> None:
    time = message((1, at), (2, nanos))
    vertex = message((1, digest.encode()), (2, b"input"), (3, name.encode()), (4, int(cached)), (5, time))
    status = message((1, b"sha256:1"), (2, digest.encode()), (4, at), (5, at + 1), (8, time))
    log = message((1, digest.encode()), (2, time), (3, 2), (4, data))
    read = decode(message((1, vertex), (2, status), (3, log), (4, b"a warning"), (99, 7)))
    assert read == Trace(
        (Vertex(digest, name, cached, at + nanos / 1e9),),
        (Status("sha256:1", digest, "", at, at + 1, at + nanos / 1e9),),
        (Log(digest, 2, data),),
    )


def test_fields_of_a_fixed_size_are_skipped() -> None:
    fixed = varint(20 << 3 | 1) + b"8" * 8 + varint(21 << 3 | 5) + b"4" * 4
    assert decode(fixed + message((3, message((4, b"x"))))) == Trace(logs=(Log("", 0, b"x"),))


def test_negative_numbers() -> None:
    assert decode(message((2, message((4, -1))))).statuses[0].current == -1


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        (b"\x0a\x05ab", "it ends too early"),
        (b"\x0a", "it ends too early"),
        (b"\x0b", "wire type 3"),
        (b"\xff" * 11, "more than 64 bits"),
        (message((1, 5)), "a number where bytes belong"),
        (message((1, message((4, b"x")))), "bytes where a number belongs"),
    ],
)
def test_what_is_no_message(data: bytes, trouble: str) -> None:
    with pytest.raises(TraceError, match=trouble):
        decode(data)


@given(st.binary(max_size=64))
def test_nonsense_is_a_message_or_an_error(data: bytes) -> None:
    try:
        decode(data)
    except TraceError:
        return


def test_a_message_that_cannot_be_read_fails_no_build(tmp_path: Path) -> None:
    with BuildLog(tmp_path, "s") as log:
        output = BuildKitOutput(log, lambda *_: None)
        broken: dict[str, Any] = {"id": "moby.buildkit.trace", "aux": base64.b64encode(b"\x0b").decode()}
        for event in (broken, {"id": "moby.image.id", "aux": {"ID": "sha256:1"}}):
            output.take(event)
    assert output.image_id == "sha256:1"
    assert "wire type 3" in (tmp_path / "s.log").read_text()


def test_layers_under_way_are_told_by_their_bytes(tmp_path: Path) -> None:
    notes: list[tuple[str, int, int]] = []
    with BuildLog(None, "s") as log:
        output = BuildKitOutput(log, lambda *note: notes.append(note))
        vertex = message((1, b"v"), (3, b"[1/2] FROM h.test/base:1"), (5, message((1, 1))))
        layer = (1, b"sha256:" + b"a" * 64)
        for status in ([layer, (2, b"v"), (3, b"downloading"), (4, 5_000_000), (5, 12_000_000)],
                       [layer, (2, b"v"), (8, message((1, 2)))]):  # fmt: skip
            aux = base64.b64encode(message((1, vertex), (2, message(*status)))).decode()
            output.take({"id": "moby.buildkit.trace", "aux": aux})
    assert ("[1/2] FROM h.test/base:1: downloading sha256:aaaaaaaaaaaa 5.0 MB of 12.0 MB", 0, 1) in notes
    assert len([note for note in notes if "sha256" in note[0]]) == 1
