"""What a line says, which lines belong together, which are wanted, and when."""

from __future__ import annotations

import json
import re

import pytest

from sdt_console.errors import UsageError
from sdt_console.model import LogEvent
from sdt_console.watch.logs.backlog import Backlog
from sdt_console.watch.logs.moments import moment_of
from sdt_console.watch.logs.sieve import Sieve
from sdt_console.watch.logs.understand import level_of, understand
from sdt_console.watch.logs.window import Window, continues
from tests.virtual_time import run

SPRING = "2026-11-23T03:12:41.123Z {} 1 --- [user-service,,] [main] o.s.b.SpringApplication : Run failed"


@pytest.mark.parametrize(
    ("row", "level"),
    [
        (SPRING.format("ERROR"), "error"),
        (SPRING.format(" INFO"), "info"),
        ("2026-11-23 03:12:41,123 [main] WARN  c.z.h.p.ProxyLeakTask - slow", "warn"),
        ("03:12:41.123 [main] DEBUG org.example.App -- hello", "debug"),
        ("\x1b[32m INFO\x1b[0m \x1b[36muser-service\x1b[0m coloured", "info"),
        ('time=2026-11-23T03:12:41Z level=warning msg="disk is full" free=3', "warn"),
        ("1:M 23 Nov 2026 03:12:41.123 # Fatal: can't open /data", "warn"),
        ("2026/11/23 03:12:41 [error] 29#29: *1 upstream timed out", "error"),
        ("2026-11-23 03:12:41.123 [warning] <0.213.0> memory alarm", "warn"),
        ("E1123 03:12:41.123456       1 reflector.go:138] failed to list", "error"),
        ("2026-11-23 03:12:41 UTC [42] FATAL:  password authentication failed", "fatal"),
        ("2026-11-23 03:12:41 UTC [42] LOG:  checkpoint starting", "info"),
        ("WARNING:root:careful", "warn"),
        ("Nov 23, 2026 3:12:41 AM org.apache.catalina.core.StandardService SEVERE: failed", "error"),
        ("Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space", "error"),
        ("panic: runtime error: index out of range", "fatal"),
        ("java.lang.IllegalStateException: no", "error"),
        ("GET /users 200 12 ms", ""),
        ("x" * 200 + " ERROR", ""),
        ("the INFORMATION desk", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_levels(row: str, level: str) -> None:
    assert level_of(row) == level


@pytest.mark.parametrize(
    ("fields", "level", "text"),
    [
        (
            {"@timestamp": "2026", "level": "ERROR", "message": "it broke", "traceId": "7"},
            "error", "it broke  traceId=7",
        ),
        ({"time": 1, "level": 50, "msg": "pino", "pid": 1}, "error", "pino  pid=1"),
        ({"t": {"$date": "2026"}, "s": "W", "c": "NETWORK", "msg": "slow"}, "warn", "slow  c=NETWORK"),
        ({"severity": "NOTICE", "message": "m", "n": [1, 2]}, "info", "m  n=[1,2]"),
        ({"log": {"level": "warn"}, "message": "ecs"}, "warn", 'ecs  log={"level":"warn"}'),
        ({"a": "b c"}, "", 'a="b c"'),
    ],
)  # fmt: skip
def test_json_is_folded_to_its_message(fields: dict[str, object], level: str, text: str) -> None:
    read = understand(json.dumps(fields))
    assert (read.level, read.text, read.fields) == (level, text, fields)


def test_a_trace_in_a_json_field_comes_as_rows() -> None:
    trace = "java.lang.X: no\n\tat a.b(C.java:1)\n"
    read = understand(json.dumps({"level": "error", "message": "broke", "stack_trace": trace}))
    assert read.text == "broke"
    assert read.rest == ("java.lang.X: no", "\tat a.b(C.java:1)")


@pytest.mark.parametrize("row", ["{not json}", "[1]", "{", '{"a":' * 3000 + "1" + "}" * 3000])
def test_what_only_looks_like_json_stays_as_it_is(row: str) -> None:
    assert understand(row).text == row


TRACE = [
    "org.springframework.dao.QueryTimeoutException: Timeout",
    "\tat io.user.Repository.findById(Repository.java:88)",
    "    at Object.<anonymous> (/app/index.js:1:7)",
    "Caused by: java.net.SocketTimeoutException: Read timed out",
    "\t... 23 common frames omitted",
    "Traceback (most recent call last):",
    '  File "app.py", line 1, in <module>',
    "ValueError: no",
    "}",
    "",
]


@pytest.mark.parametrize("row", TRACE)
def test_what_goes_on(row: str) -> None:
    assert continues(row)


@pytest.mark.parametrize(
    "row",
    [SPRING.format("ERROR"), " INFO 2026-11-23 03:12:41 main : hello", "GET /", '{"a": 1}', "[gc] Pause"],
)
def test_what_begins(row: str) -> None:
    assert not continues(row)


def event(at: int, text: str, stream: str = "s", number: int = 0) -> LogEvent:
    return LogEvent(at, at, stream, text, f"{stream}{at}{text}{number}")


def test_a_trace_stays_whole_among_the_lines_of_others() -> None:
    window = Window()
    head = event(1000, "ERROR broke")
    window.add(0, [head, *(event(1001 + n, row) for n, row in enumerate(TRACE))], 5000)
    window.add(1, [event(1000 + n, f"INFO other {n}", "t") for n in range(8)], 5000)
    released = window.release(1003)  # the rest of the trace has come, but is not due yet
    mine = next(group for group in released if group.head == head)
    assert [e.message for e in mine.tail] == TRACE
    assert [g.head.at for g in released] == sorted(g.head.at for g in released)
    assert all(g.head.stream == "t" and not g.tail for g in window.release(9999))


def test_lines_that_are_far_apart_are_two() -> None:
    window = Window()
    window.add(0, [event(1000, "ERROR broke"), event(9000, "\tat a.b(C.java)")], 10_000)
    assert len(window.release(10_000)) == 2


def test_a_line_from_the_future_is_told_when_it_comes() -> None:
    window = Window()
    window.add(0, [event(10_000_000, "INFO clock is wrong"), event(1000, "INFO a")], 2000)
    assert [g.head.message for g in window.release(2000)] == ["INFO a", "INFO clock is wrong"]


NOON = 1_795_435_200.0  # 2026-11-23T12:00:00Z


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("10m", 600), ("2h", 7200), ("1d12h", 129_600), ("90s", 90), ("1.5h", 5400), ("now", 0),
        ("03:00", 9 * 3600), ("13:00", 23 * 3600), ("11:59:30Z", 30), ("2026-11-23", 43_200),
        ("2026-11-23T11:00", 3600), ("2026-11-23T11:00:00Z", 3600), ("2026-11-23 13:00+02:00", 3600),
        ("1795435100", 100), ("1795435100000", 100),
    ],
)  # fmt: skip
def test_moments(text: str, ago: int) -> None:
    assert moment_of(text, NOON, utc=True) == (NOON - ago) * 1000


@pytest.mark.parametrize("text", ["", "10", "soon", "25:00", "2026-13-01", "10 minutes", "-5m"])
def test_what_is_no_time_says_what_would_be(text: str) -> None:
    with pytest.raises(UsageError, match="is no time") as error:
        moment_of(text, NOON)
    assert "10m" in error.value.next


def test_expressions_pick_whole_lines_by_any_row() -> None:
    sieve = Sieve(["timeout", "^Caused"], ["actuator"])
    assert sieve.matches("ERROR\nCaused by: x")
    assert sieve.matches("a timeout")
    assert not sieve.matches("timeout of /actuator/health")
    assert not sieve.matches("nothing")


@pytest.mark.parametrize(
    ("expression", "told"),
    [("a(b", "character 2"), ("[z-a]", "character 2"), ("*", "character 1"), ("(?P<x", "character")],
)
def test_a_bad_expression_is_told_with_its_place(expression: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        Sieve([expression])
    assert told in error.value.cause
    assert error.value.exit_code == 2


@pytest.mark.parametrize("expression", ["(a+)+", "(a*)*b", "(.*)*", "((a|b*))+", "(?:x+|y)+$", "(a?b*)+"])
def test_repeats_in_repeats_are_refused(expression: str) -> None:
    with pytest.raises(UsageError, match="may take for ever"):
        Sieve([], [expression])


@pytest.mark.parametrize(
    "expression", [r"(\d+\.)+", r".*foo.*bar", r"(ab)+", r"(?:GET|POST) /\S+", r"(a+){2}", r"^\s+at"]
)
def test_ordinary_expressions_are_not(expression: str) -> None:
    Sieve([expression])


def test_an_expression_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdt_console.watch.logs.sieve.LIMIT_S", 0.05)
    sieve = Sieve([r"(\w+\w)+!"])
    with pytest.raises(UsageError, match="too long"), sieve.in_time():
        sieve.matches("a" * 60)
    assert re.match("a", "a")


def test_a_backlog_drops_the_oldest_and_says_how_many() -> None:
    from sdt_console.model import LogBatch, LogLine

    def line(number: int) -> LogLine:
        return LogLine(number, "s", "g", "t", f"{number}", (), f"{number}", "", "", number)

    async def work() -> None:
        backlog = Backlog(100)
        for first in range(0, 1000, 50):
            backlog.put(LogBatch(tuple(line(n) for n in range(first, first + 50))))
        batch = await backlog.take(60)
        assert batch is not None
        assert [n.text for n in batch.notices] == ["900 lines dropped"]
        assert [n.count for n in batch.notices] == [900]
        assert [int(found.text) for found in batch.lines] == list(range(900, 960))
        batch = await backlog.take()
        assert batch is not None
        assert not batch.notices
        assert len(batch.lines) == 40

    run(work())
