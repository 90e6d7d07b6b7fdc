"""A run in the terminal: text from outside stays text, nothing is cut, and the cause comes first."""

from __future__ import annotations

import io
import re

from rich.console import Console

from sdt_console.events import (
    Body,
    Event,
    Noted,
    Planned,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
    StepFinished,
    StepProgressed,
)
from sdt_console.model import Failure, Outcome, RunState
from sdt_console.reports.terminal import TerminalReport, seconds, summary
from sdt_console.runs.fold import fold

HOSTILE = "[/api] [red]x[/red] \x1b]0;title\x07 \x9b31m \u202e `${{ x }}` ::error::\nnext"
SHOWN = "[/api] [red]x[/red] \\x1b]0;title\\x07 \\x9b31m \\u202e `${{ x }}` ::error::\\nnext"
FAILURE = Failure(f"it failed {HOSTILE}", HOSTILE, (HOSTILE, "a" * 300), "do this")


def events() -> list[Event]:
    bodies: list[Body] = [
        RunStarted("dev", "b" * 40, "h" * 40, HOSTILE),
        Planned({"builds": ["a-service"], "waves": [["a-service"]], "before": {"a-service": "arn:x:1"}}),
        StageStarted("deploy"),
        StepProgressed("deploy", "a-service", HOSTILE),
        StepFinished("deploy", "a-service", Outcome.FAILED, failure=FAILURE),
        StageFinished("deploy", Outcome.FAILED, failure=FAILURE),
        Noted(HOSTILE, "warning"),
        RunFinished(Outcome.ROLLED_BACK, 4, FAILURE),
    ]
    return [Event("run1", seq, 100.0 + seq, body) for seq, body in enumerate(bodies)]


def told(*, colour: bool) -> str:
    stream = io.StringIO()
    report = TerminalReport(stream, colour=colour)
    for event in events():
        report(event)
    return stream.getvalue()


def test_hostile_text_is_shown_not_obeyed() -> None:
    text = told(colour=False)
    assert text.count(SHOWN) >= 4
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    coloured = re.sub(r"\x1b\[[0-9;]*m", "", told(colour=True))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", coloured)


def test_a_pipe_gets_one_line_for_each_thing_that_happens() -> None:
    lines = told(colour=False).splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("  0:00.0  run       run1  dev  bbbbbbbbbbbb → hhhhhhhhhhhh  [/api]")
    assert lines[1].startswith("  0:03.0  deploy    a-service  [/api]")
    assert lines[2].startswith("  0:04.0  deploy    a-service  ✖ failed it failed")


def shown(state: RunState, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), markup=False, highlight=False)
    with console.capture() as captured:
        console.print(summary(state))
    return captured.get()


def test_the_report_tells_the_cause_first_and_cuts_nothing_of_it() -> None:
    for width in (60, 80, 200):
        text = shown(fold(events()), width)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        assert lines[0].startswith("↩ rolled-back  run run1  dev  7.0 s  exit 4")
        assert lines[1].startswith("what  it failed")
        assert text.count("a") >= 300
        assert text.index("  why ") < text.index("  next ") < text.index("STAGE") < text.index("SERVICE")
        assert "\x1b" not in text
        assert max(map(len, text.splitlines())) <= width


def test_durations_as_a_person_reads_them() -> None:
    assert [seconds(s) for s in (None, 0.04, 59.9, 60.0, 754.0)] == ["…", "0.0 s", "59.9 s", "1:00", "12:34"]
