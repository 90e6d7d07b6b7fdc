"""``sdt replay``: a recorded run as JSON lines, in a terminal, and its pauses."""

from __future__ import annotations

import asyncio
import math
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdt_console import events as ev
from sdt_console.model import Failure, Outcome
from sdt_console.reports.replay import SHOW_SECONDS, Playback
from sdt_console.runs.journal import Journal
from tests.catalogs import OURS
from tests.cli.test_readme import make_docs
from tests.command import Sdt

FAILURE = Failure("task-service did not come up", "exit 1 \x1b]0;x\x07", (), "read its log")
BODIES: list[tuple[float, ev.Body]] = [
    (0, ev.RunStarted("dev", "b" * 40, "h" * 40, "[/x] \x1b[2J a title", "ada")),
    (1, ev.Planned({"waves": [["task-service"]], "builds": ["task-service"], "before": {}})),
    (2, ev.StageStarted("deploy")),
    (3, ev.StepStarted("deploy", "task-service")),
    (60, ev.StepProgressed("deploy", "task-service", "rolling out 0/1", 0, 1)),
    (90, ev.StepFinished("deploy", "task-service", Outcome.FAILED, failure=FAILURE)),
    (91, ev.StageFinished("deploy", Outcome.FAILED, failure=FAILURE)),
    (92, ev.RunFinished(Outcome.FAILED, 4, FAILURE)),
]
EVENTS = [ev.Event("5eed0001", seq, 1000.0 + at, body) for seq, (at, body) in enumerate(BODIES)]


@pytest.fixture
def journal() -> Iterator[Journal]:
    """A run that failed, and one that was cut off."""
    made = Journal(Path(os.environ["SDT_STATE"]) / "journal.sqlite3")
    for event in EVENTS:
        made.append(event)
    for event in EVENTS[:5]:
        made.append(ev.Event("c07off02", event.seq, event.at, event.body))
    yield made
    made.close()


@pytest.mark.parametrize("option", [(), ("--events",), ("--json",), ("--no-wait",), ("--speed", "0.001")])
def test_a_pipe_gets_the_events_at_once(sdt: Sdt, journal: Journal, option: tuple[str, ...]) -> None:
    told = sdt("replay", "5eed", *option)
    assert (told.status, told.err) == (0, "")
    assert [ev.decode(line) for line in told.out.splitlines()] == EVENTS


def test_from_the_middle(sdt: Sdt, journal: Journal) -> None:
    assert [ev.decode(line).seq for line in sdt("replay", "5eed", "--from", "5").out.splitlines()] == [
        5,
        6,
        7,
    ]
    beyond = sdt("replay", "5eed", "--from", "8")
    assert beyond.status == 2
    assert "events 0 to 7" in beyond.err


def test_a_run_that_never_finished_says_how_to_go_on(sdt: Sdt, journal: Journal) -> None:
    told = sdt("replay", "c07")
    assert told.status == 0
    assert len(told.out.splitlines()) == 5
    assert "run c07off02 has not finished" in told.err
    assert "`sdt resume c07off02`" in told.err


def test_an_unknown_run_is_told(sdt: Sdt) -> None:
    told = sdt("replay", "7f3a")
    assert told.status == 2
    assert "no run '7f3a'" in told.err


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def played(speed: float | None, first: int = 0, events: list[ev.Event] = EVENTS) -> tuple[Time, list[float]]:
    """The clock, and when each event was told."""
    time = Time()
    told: list[float] = []
    playback = Playback(events, speed=speed, clock=time.now, sleep=time.sleep)

    def tell(event: ev.Event) -> None:
        told.append(time.at)
        assert playback.now() == event.at

    asyncio.run(playback.play(tell, first))
    return time, told


def test_pauses_are_divided_by_the_speed() -> None:
    assert played(1)[1] == [at for at, _ in BODIES]
    assert played(10)[1] == pytest.approx([at / 10 for at, _ in BODIES])
    assert played(1, first=4)[1] == [0.0, 30.0, 31.0, 32.0]
    assert played(math.inf)[0].slept == []


def test_a_long_run_takes_fifteen_seconds_and_a_short_one_its_own_time() -> None:
    day = [ev.Event("r", e.seq, e.at + (86_400 if e.seq > 4 else 0), e.body) for e in EVENTS]
    for events in (EVENTS, day):
        _, told = played(None, events=events)
        assert told[-1] == pytest.approx(SHOW_SECONDS)
        # no pause is the whole of it, and the order of long and short ones stays
        assert told[3] < 2
    assert played(None, events=EVENTS[5:])[1] == [0.0, 1.0, 2.0]


def test_between_two_events_the_recorded_clock_goes_on() -> None:
    time = Time()
    playback = Playback(EVENTS[3:5], speed=10, clock=time.now, sleep=time.sleep)
    seen: list[float] = []

    async def look(seconds: float) -> None:
        for _ in range(3):
            time.at += seconds / 2
            seen.append(playback.now() - 1000)

    playback._sleep = look
    asyncio.run(playback.play(lambda event: None))
    assert seen == pytest.approx([31.5, 60, 60])


def in_terminal(*arguments: str, **environment: str) -> str:
    """What ``sdt`` writes to a terminal of 80 × 24."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    given = {**os.environ, "TERM": "xterm-256color", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "sdt_console", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=OURS.parent,
        env=given,
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(master)
    assert process.wait(timeout=30) == 0
    return shown.decode()


@pytest.mark.parametrize(
    ("arguments", "environment", "live"),
    [
        (("--speed", "200"), {}, True),
        (("--speed", "200", "--from", "4"), {}, True),
        (("--no-wait",), {"NO_COLOR": "1"}, False),
        (("--no-wait",), {"TERM": "dumb"}, False),
        (("--no-wait", "--ci"), {}, False),
    ],
)
def test_a_terminal_gets_the_report_that_the_run_had(
    journal: Journal, arguments: tuple[str, ...], environment: dict[str, str], live: bool
) -> None:
    shown = in_terminal("replay", "5eed", *arguments, **environment)
    assert ("\x1b[?25l" in shown) == live
    assert shown.count("\x1b[?25h") == shown.count("\x1b[?25l")
    assert "\x1b]0;" not in shown
    assert "\x1b[2J" not in shown
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert "✖ failed" in text
    assert "next  read its log" in text
    assert "run 5eed0001" in text  # also where it begins in the middle
    assert ("0:00.0  run       5eed0001" in text) == ("--from" not in arguments)
    assert "[/x] \\x1b[2J a title" in text
    assert "◐" not in make_docs().settled(shown)  # the picture is gone when the run is over
