"""What a line says of itself: its level, and the fields of JSON and logfmt."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_SHOWN = 120
"""Characters in which a level is looked for: further on, the word is part of the message."""

_WORDS = {
    "TRACE": "trace", "FINEST": "trace", "FINER": "trace", "VERBOSE": "trace",
    "DEBUG": "debug", "FINE": "debug", "CONFIG": "debug",
    "INFO": "info", "INFORMATION": "info", "NOTICE": "info", "LOG": "info",
    "WARN": "warn", "WARNING": "warn",
    "ERROR": "error", "ERR": "error", "SEVERE": "error",
    "FATAL": "fatal", "CRITICAL": "fatal", "CRIT": "fatal", "ALERT": "fatal", "EMERG": "fatal",
    "PANIC": "fatal", "EMERGENCY": "fatal", "DPANIC": "fatal",
}  # fmt: skip
_LETTERS = {"T": "trace", "D": "debug", "V": "trace", "I": "info", "W": "warn", "E": "error", "F": "fatal"}
_REDIS = {".": "trace", "-": "debug", "*": "info", "#": "warn"}
_UPPER = re.compile(
    r"\b(?:TRACE|FINEST|FINER|DEBUG|FINE|INFO|NOTICE|WARN(?:ING)?|ERROR|SEVERE|FATAL|CRITICAL)\b"
)
_MARKED = re.compile(
    r"\[(trace|debug|info|notice|warn|warning|error|err|crit|critical|alert|emerg|fatal)\]"  # nginx, RabbitMQ
    r"|\b(?:level|lvl|severity)=\"?([A-Za-z]+)"  # logfmt
    r"|^(trace|debug|info|warn|warning|error|fatal|critical|panic)\s*[:|]",  # npm, Go
    re.IGNORECASE,
)
_GLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d")
_REDIS_LINE = re.compile(r"\d+:[MSXC] \d{1,2} \w{3} \d{4} [\d:.]+ ([.\-*#]) ")
_POSTGRES = re.compile(r"\b(LOG|FATAL|PANIC|STATEMENT|DETAIL|HINT):  ")
_BARE_TRACE = re.compile(
    r"Exception in thread|Traceback \(most recent|panic: |fatal error: |Uncaught |"
    r"(?:[\w$]+\.)+[\w$]*(?:Exception|Error)\b(?::|$)"
)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_PAIR = re.compile(r'([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')

_MESSAGE = ("message", "msg", "log", "short_message", "event", "text")
_LEVEL = ("level", "severity", "log.level", "lvl", "levelname", "@level", "loglevel", "log_level", "s")
_TIME = frozenset(
    {"@timestamp", "timestamp", "time", "ts", "t", "datetime", "asctime", "eventTime", "@version", "instant"}
)
_TRACE = ("stack_trace", "stacktrace", "exception", "error.stack_trace", "exc_info", "stack", "trace")


class Reading(NamedTuple):
    """What a line says.

    :param text: its message; for JSON with the other fields behind it.
    :param rest: rows of a stack trace that a field holds.
    """

    level: str
    text: str
    rest: tuple[str, ...]
    fields: Mapping[str, Any]


_NO_FIELDS: Mapping[str, Any] = {}


def understand(row: str) -> Reading:
    """Read the first row of a line, as Spring Boot, logback, JSON, logfmt or a server's own layout has it."""
    if row[:1] == "{" and row.rstrip()[-1:] == "}":
        found = _json(row)
        if found is not None:
            return found
    if "=" in row and " msg=" in f" {row}":
        return Reading(level_of(row), row, (), {k: _unquoted(v) for k, v in _PAIR.findall(row)})
    return Reading(level_of(row), row, (), _NO_FIELDS)


def level_of(row: str) -> str:
    """One of ``LEVELS``, or empty; JSON is not looked into."""
    head = row[:_SHOWN]
    if "\x1b" in head:
        head = _COLOUR.sub("", head)
    if found := _UPPER.search(head):
        return _WORDS[found[0]]
    if found := _MARKED.search(head):
        return _WORDS.get((found[1] or found[2] or found[3]).upper(), "")
    if found := _GLOG.match(head):
        return _LETTERS[found[1]]
    if found := _REDIS_LINE.match(head):
        return _REDIS[found[1]]
    if found := _POSTGRES.search(head):
        return _WORDS.get(found[1], "info")
    return "error" if _BARE_TRACE.match(head) else ""


def _json(row: str) -> Reading | None:
    try:
        fields = json.loads(row)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    used = set()
    message: Any = ""
    for name in _MESSAGE:
        if isinstance(fields.get(name), str | dict):
            message = fields[name]
            used.add(name)
            break
    level = ""
    for name in _LEVEL:
        level = _level(_dig(fields, name))
        if level:
            used.add(name)
            break
    if isinstance(message, dict):
        message = json.dumps(message, ensure_ascii=False)
    rest: tuple[str, ...] = ()
    for name in _TRACE:
        value = _dig(fields, name)
        if isinstance(value, str) and "\n" in value:
            rest = tuple(value.rstrip("\n").split("\n"))
            used.add(name)
            break
    first, *more = str(message).rstrip("\n").split("\n")
    pairs = [
        f"{name}={_value(value)}" for name, value in fields.items() if name not in used and name not in _TIME
    ]
    text = "  ".join(part for part in (first, " ".join(pairs)) if part)
    return Reading(level, text or row, (*more, *rest), fields)


def _dig(fields: Mapping[str, Any], name: str) -> Any:
    """``log.level`` may be written flat, or one in the other."""
    if name in fields or "." not in name:
        return fields.get(name)
    outer, _, inner = name.partition(".")
    nested = fields.get(outer)
    return nested.get(inner) if isinstance(nested, dict) else None


def _level(value: Any) -> str:
    if isinstance(value, str):
        word = value.strip().upper()
        return _WORDS.get(word) or (_LETTERS.get(word[:1], "") if len(word) <= 2 else "")  # D1 is MongoDB's
    if isinstance(value, int) and not isinstance(value, bool) and 10 <= value < 70:  # pino and bunyan
        return ("trace", "debug", "info", "warn", "error", "fatal")[value // 10 - 1]
    return ""


def _value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if not value or re.search(r"[\s\"=]", value) else value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value[1:-1]
