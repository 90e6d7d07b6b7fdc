"""Progress at a pace that can be recorded."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from sdt_console.clients import stoppable
from sdt_console.clients.stoppable import Paced

Note = tuple[str, int, int]


def test_thousands_of_notes_become_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stoppable, "EVERY_S", 0.05)
    told: list[tuple[float, Note]] = []
    given, begin = 0, time.monotonic()
    with Paced(lambda *note: told.append((time.monotonic(), note))) as progress:
        while time.monotonic() < begin + 0.4:
            given += 1
            progress("pushing", given, 0)
    assert given > 500
    assert told[0][1] == ("pushing", 1, 0)
    assert told[-1][1] == ("pushing", given, 0)
    assert 2 < len(told) <= 2 + 0.4 / 0.05
    times = [at for at, _ in told[:-1]]  # the last one does not wait
    assert all(later - earlier >= 0.04 for earlier, later in pairwise(times))


def test_the_note_before_a_silence_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stoppable, "EVERY_S", 0.05)
    came = threading.Event()
    with Paced(lambda note, *_: came.set() if note == "RUN long" else None) as progress:
        progress("COPY a", 0, 2)
        progress("COPY b", 0, 2)
        progress("RUN long", 1, 2)
        assert not came.is_set()
        assert came.wait(5)  # though nothing follows


def test_nothing_is_told_twice_or_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stoppable, "EVERY_S", 0.05)
    told: list[str] = []
    with Paced(lambda note, *_: told.append(note)) as progress:
        progress("a", 0, 0)
        progress("b", 0, 0)
        progress("a", 0, 0)
    threading.Event().wait(0.1)  # longer than the pace: a timer that was left behind would have struck
    assert told == ["a"]


def test_a_failure_tells_the_last_note_first() -> None:
    told: list[str] = []

    def fail() -> None:
        with Paced(lambda note, *_: told.append(note)) as progress:
            progress("a", 0, 0)
            progress("b", 0, 0)
            raise ValueError("broke")

    with pytest.raises(ValueError, match="broke"):
        fail()
    assert told == ["a", "b"]
