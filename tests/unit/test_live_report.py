"""The live report: it fits its terminal, tells what failed, shows hostile text, and leaves a clean screen."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Mapping

import click
import pytest
from rich.cells import cell_len
from rich.console import Console

from sdt_console import events as ev
from sdt_console.model import Failure, Outcome
from sdt_console.reports.live import LiveReport, live_report
from sdt_console.reports.picture import picture
from sdt_console.reports.terminal import TerminalReport
from sdt_console.reports.view import view_of

HOSTILE = "[/api] \x1b]0;x\x07 \x9b2J\u202e\nnext 漢字漢字"
SHOWN = "[/api] \\x1b]0;x\\x07 \\x9b2J\\u202e\\nnext"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
FAILURE = Failure("it did not come up", HOSTILE, (), "look")
SIZES = [(80, 24), (120, 32), (40, 10)]


def begun(*, count: int = 4, parallel: int = 4, title: str = HOSTILE) -> list[ev.Body]:
    names = [f"service-{n:03d}" for n in range(count)]
    waves = [names[at : at + parallel] for at in range(0, count, parallel)]
    return [
        ev.RunStarted("dev", "b" * 40, "h" * 40, title, "ada"),
        ev.StageStarted("detect"),
        ev.StageFinished("detect", Outcome.SUCCEEDED, "all"),
        ev.Planned({"waves": waves, "builds": names}),
        *(body for name in ("gate", "build", "push") for body in stage(name)),
        ev.StageStarted("deploy"),
    ]


def stage(name: str) -> list[ev.Body]:
    return [ev.StageStarted(name), ev.StageFinished(name, Outcome.SUCCEEDED)]


def timed(*bodies: ev.Body, at: float = 100.0) -> list[ev.Event]:
    return [ev.Event("7f3a2b1c", seq, at, body) for seq, body in enumerate(bodies)]


def drawn(
    events: list[ev.Event],
    width: int,
    height: int,
    *,
    now: float = 148.0,
    expected: Mapping[tuple[str, str], float] | None = None,
) -> list[str]:
    lines = picture(view_of(events), expected or {}, now, width, height).plain.split("\n")
    assert not any(CONTROL.search(line) for line in lines)
    return lines


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("count", [1, 4, 100])
def test_it_fits_with_every_service_under_way(width: int, height: int, count: int) -> None:
    names = [f"service-{n:03d}" for n in range(count)]
    moving = [ev.StepStarted("deploy", name) for name in names]
    moving2 = [ev.StepProgressed("deploy", name, HOSTILE, 1, 2) for name in names]
    lines = drawn(timed(*begun(count=count), *moving, *moving2), width, height)
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    shown = sum("◐ service-" in line for line in lines)
    more = re.search(r"… and (\d+) more", lines[-1])
    assert shown + (int(more[1]) if more else 0) == count
    assert shown >= 1


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_failed_is_always_in_sight(width: int, height: int) -> None:
    names = [f"service-{n:03d}" for n in range(100)]
    events = timed(
        *begun(count=100),
        *(ev.StepStarted("deploy", name) for name in names),
        ev.StepFinished("deploy", names[97], Outcome.FAILED, failure=FAILURE),
        *(ev.StepFinished("deploy", name, Outcome.SUCCEEDED) for name in names[:50]),
    )
    lines = drawn(events, width, height)
    assert any("✖ service-097" in line for line in lines)
    assert not any("service-000" in line for line in lines)
    # and while it goes back, the reason stays
    going_back = [*events, *timed(ev.StageStarted("rollback"), ev.StepStarted("rollback", names[97]))]
    assert any("✖ service-097" in line and "it did" in line for line in drawn(going_back, width, height))
    all_failed = [
        *events,
        *timed(*(ev.StepFinished("deploy", n, Outcome.FAILED, failure=FAILURE) for n in names[50:97])),
    ]
    assert re.search(r"… and \d+ more, \d+ of them failed", drawn(all_failed, width, height)[-1])


def test_hostile_text_is_shown_not_obeyed() -> None:
    events = timed(*begun(), ev.StepStarted("deploy", HOSTILE), ev.StepProgressed("deploy", HOSTILE, HOSTILE))
    lines = drawn(events, 200, 30)
    assert SHOWN in lines[0]
    assert "\\x1b]0;x" in lines[-1]


def test_stages_waves_bars_and_times() -> None:
    expected = {("deploy", ""): 400.0, ("health", ""): 20.0} | {
        ("deploy", f"service-{n:03d}"): 50.0 + n for n in range(6)
    }
    events = timed(
        *begun(count=6, parallel=2, title="Faster"),
        ev.StepStarted("deploy", "service-000"),
        ev.StepFinished("deploy", "service-000", Outcome.SUCCEEDED),
        ev.StepStarted("deploy", "service-001"),
        ev.StepProgressed("deploy", "service-001", "rolling out 1/2", 1, 2),
        ev.StepStarted("deploy", "service-002"),
    )
    lines = drawn(events, 100, 20, now=148.0, expected=expected)
    # six services one after the other take 315 s at most, whatever larger runs took
    assert lines[0].startswith("run 7f3a2b1c  dev  bbbbbbb → hhhhhhh  Faster  ")
    assert lines[0].endswith("  0:48 of ~5:35")
    assert lines[1] == "✔ detect  gate  build  push  ◐ deploy 0:48 of ~5:15  · health"
    assert lines[2] == "waves  ✔◐ │ ◐· │ ··"
    assert lines[4].startswith(" ◐ service-001               rolling out 1/2 ")
    assert "━━━━━━━━━━──────────" in lines[4]
    assert lines[4].endswith("  0:48 of ~0:51")
    # of how far it is nothing is known, but how long it took before
    assert " ╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍┄┄ " in lines[5]
    # without a history there is no figure
    assert not any("~" in line for line in drawn(events, 100, 20))


def test_pushed_bytes_and_built_layers() -> None:
    events = timed(
        *begun(),
        ev.StepStarted("push", "a"),
        ev.StepProgressed("push", "a", "c0ffee pushing", 3_100_000, 9_600_000),
        ev.StepStarted("build", "b"),
        ev.StepProgressed("build", "b", "COPY . .", 3, 8),
        ev.StepProgressed("build", "b", "a line of its output"),
    )
    text = "\n".join(drawn(events, 120, 20))
    assert "3.1 MB of 9.6 MB c0ffee pushing" in text
    assert "3/8 a line of its output" in text


def test_a_run_that_is_resumed_goes_on_and_unknown_things_do_no_harm() -> None:
    events = timed(
        *begun(),
        ev.StepStarted("deploy", "service-000"),
        ev.RunFinished(Outcome.INTERRUPTED, 130),
        ev.RunResumed("ada", "elsewhere"),
        ev.Unknown("gate-asked", {"gate": "x"}),
        ev.StageStarted("deploy"),
        ev.StageStarted("canary"),
        ev.StepStarted("canary", "service-001"),
        ev.StepProgressed("deploy", "nobody", "never began"),
    )
    lines = drawn(events, 80, 16)
    assert lines[1] == "✔ detect  gate  build  push  ◐ deploy 0:48  canary 0:48  · health"
    assert [line for line in lines if "◐ service-" in line] == [
        f" ◐ service-001           canary{' ' * 50}"[:76] + "0:48"
    ]


class Screen:
    """A terminal of a fixed size and a clock that stands still until it is moved."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        self.stream = io.StringIO()
        self.time = 100.0
        console = Console(
            file=self.stream,
            force_terminal=True,
            width=width,
            height=height,
            markup=False,
            highlight=False,
            emoji=False,
            _environ={"TERM": "xterm-256color"},
        )
        self.report = LiveReport(console, now=lambda: self.time, expected=lambda environment: {}, paced=False)

    def told(self) -> str:
        """What was written since the last time."""
        text = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        return text


def test_the_clock_goes_on_and_nothing_is_painted_twice() -> None:
    screen = Screen()
    for event in timed(*begun(), ev.StepStarted("deploy", "service-000")):
        screen.report(event)
    screen.report.paint()
    assert "0:00" in screen.told()
    screen.report.paint()
    assert screen.told() == ""
    screen.time += 0.4
    screen.report.paint()
    assert screen.told() == ""
    screen.time += 1
    screen.report.paint()
    assert "0:01" in screen.told()
    screen.report.close()


def test_lines_stand_above_and_little_things_are_left_to_the_picture() -> None:
    screen = Screen()
    for event in timed(
        *begun(),
        ev.StepStarted("deploy", "service-000"),
        ev.StepProgressed("deploy", "service-000", "rolling out 0/1", 0, 1),
        ev.Noted(HOSTILE, "warning"),
        ev.StepFinished("deploy", "service-000", Outcome.FAILED, failure=FAILURE),
    ):
        screen.report(event)
    screen.report.paint()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.told())
    assert not CONTROL.search(text.replace("\r", ""))
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if "run 7f3a2b1c" in line and "· health" in lines[i + 1])
    above = "\n".join(lines[:at])
    assert "service-000  ✖ failed it did not come up" in above
    assert "rolling out" not in above
    assert "\\x9b2J" in above
    screen.report.close()


@pytest.mark.parametrize("finished", [True, False])
def test_the_terminal_is_left_as_it_was(finished: bool) -> None:
    screen = Screen()
    with screen.report as report:
        for event in timed(*begun()):
            report(event)
        assert screen.told().count("\x1b[?25l") == 1
        if finished:
            report(timed(ev.RunFinished(Outcome.SUCCEEDED, 0))[0])
            report(timed(ev.Noted("late"))[0])
    left = screen.told()
    assert left.count("\x1b[?25h") == 1
    assert left.rstrip().endswith("\x1b[2K")  # what was below is wiped
    assert "late" not in left
    report.close()
    assert screen.told() == ""


def test_what_others_write_meanwhile_stands_above(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen.stream)
    screen.report(timed(*begun())[0])
    screen.told()
    click.echo("stopping", err=True)
    print("a warning \x1b[2J", file=sys.stderr)
    print("half a line", end="", file=sys.stderr)
    assert screen.told() == ""  # it is the painter's to draw
    screen.report.close()
    told = screen.told()
    places = [told.index(text) for text in ("stopping", "a warning \\x1b[2J", "half a line")]
    assert [*places, told.rindex("run 7f3a2b1c")] == sorted([*places, told.rindex("run 7f3a2b1c")])
    assert sys.stderr is screen.stream
    print("afterwards", file=sys.stderr)
    assert screen.told() == "afterwards\n"


def test_ctrl_c_leaves_the_cursor_shown() -> None:
    screen = Screen()
    screen.report(timed(*begun())[0])

    def interrupted() -> None:
        with screen.report:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    told = screen.told()
    assert told.rindex("\x1b[?25h") > told.rindex("\x1b[?25l")


def test_a_resumed_run_begins_with_what_is_known_and_tells_none_of_it_again() -> None:
    screen = Screen()
    before = timed(*begun(title="Faster"))
    screen.report.recall(before)
    assert screen.told() == ""
    screen.time = 160.0
    screen.report(ev.Event("7f3a2b1c", len(before), 160.0, ev.RunResumed("ada", "ci-7")))
    screen.report.paint()
    text = screen.told()
    assert "resumed by ada on ci-7" in text
    assert "Faster" in text  # in the picture's head
    assert "✔ passed" not in text
    assert "1:00" in text
    screen.report.close()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("colour", "term", "terminal", "live"),
    [
        (True, "xterm-256color", True, True),
        (True, "dumb", True, False),
        (False, "xterm-256color", True, False),  # NO_COLOR, --ci
        (True, "xterm-256color", False, False),
    ],
)
def test_only_a_real_terminal_gets_the_picture(colour: bool, term: str, terminal: bool, live: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    report = live_report(
        stream, colour=colour, now=lambda: 0.0, expected=lambda environment: {}, environ={"TERM": term}
    )
    with report:
        for event in timed(*begun(), ev.Noted("a note"), ev.RunFinished(Outcome.SUCCEEDED, 0)):
            report(event)
    assert isinstance(report, LiveReport if live else TerminalReport)
    assert ("\x1b[?25l" in stream.getvalue()) == live
    assert stream.getvalue().count("a note") == 1
