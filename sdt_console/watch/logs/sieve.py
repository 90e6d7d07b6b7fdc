"""Which lines are wanted: by expressions, and by level."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sdt_console.errors import UsageError
from sdt_console.model import LEVELS

LIMIT_S = 5.0
"""How long the expressions may take over one batch of lines, at most 10,000 of them."""


class Sieve:
    """Lets through what matches one of ``include`` (all, if there is none) and none of ``exclude``, and is at
    least as grave as ``level``.

    A line is looked at whole, with its stack trace. ``^`` and ``$`` mean the ends of its rows.

    :raises UsageError: an expression cannot be read, or may take for ever over a line; an unknown level.
    """

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = (), level: str = "") -> None:
        self._include = [compiled(text, "--include") for text in include]
        self._exclude = [compiled(text, "--exclude") for text in exclude]
        self.expressions = bool(self._include or self._exclude)
        if level and level not in LEVELS:
            raise UsageError(f"no level {level!r}", next=f"use one of {', '.join(LEVELS)}")
        self.floor = frozenset(LEVELS[LEVELS.index(level) :]) if level else frozenset()

    def matches(self, message: str) -> bool:
        return (not self._include or any(e.search(message) for e in self._include)) and not any(
            e.search(message) for e in self._exclude
        )

    def grave(self, level: str) -> bool:
        """A line of unknown level is not, whatever it says."""
        return not self.floor or level in self.floor

    @contextmanager
    def in_time(self) -> Iterator[None]:
        """Stop an expression that takes too long, where that can be done: in the main thread.

        :raises UsageError: it did.
        """
        if not self.expressions or threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:
            raise UsageError(
                "the expressions take too long",
                f"over {LIMIT_S:.0f} s for one batch of lines",
                "use fewer `.*`, or pipe into grep",
            )

        before = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def compiled(text: str, option: str) -> re.Pattern[str]:
    """The expression ``text``.

    :raises UsageError: it cannot be read, or nests repeats so that matching may take for ever.
    """
    try:
        made = re.compile(text, re.MULTILINE)
    except re.error as error:
        where = "" if error.pos is None else f" at character {error.pos + 1}"
        told = f"{error.msg}{where}"
        raise UsageError(
            f"{option} {text!r} is no regular expression", told, "quote it for the shell, and escape with \\"
        ) from None
    except (RecursionError, OverflowError) as error:
        raise UsageError(f"{option}: the expression is too large", str(error)) from None
    nested = _nested(text)
    if nested:
        raise UsageError(
            f"{option} {text!r} may take for ever",
            f"{nested} repeats what repeats already: each further character doubles the time on some lines",
            "take one of the two repeats away",
        )
    return made


def _nested(text: str) -> str:
    """An unlimited repeat whose body is nothing but repeats of its own, such as ``(a+)+`` and ``(a|b*)*``."""
    from re import _parser  # type: ignore[attr-defined]  # the only parser that agrees with the engine's

    return _search(_parser.parse(text, re.MULTILINE))


def _search(tree: Any) -> str:
    for operation, argument in tree:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            _, most, body = argument
            if int(most) > 10 and any(_elastic(path) for path in _paths(body)):
                return "a repeat"
            found = _search(body)
        elif name == "SUBPATTERN":
            found = _search(argument[-1])
        elif name == "BRANCH":
            found = next(filter(None, (_search(path) for path in argument[1])), "")
        elif name in ("ASSERT", "ASSERT_NOT"):
            found = _search(argument[1])
        else:
            found = ""
        if found:
            return found
    return ""


def _paths(tree: Any) -> list[Any]:
    """The ways through ``tree``, groups and branches taken apart."""
    items = list(tree)
    if len(items) == 1:
        name, argument = str(items[0][0]), items[0][1]
        if name == "SUBPATTERN":
            return _paths(argument[-1])
        if name == "BRANCH":
            return [path for branch in argument[1] for path in _paths(branch)]
    return [items]


def _elastic(path: Any) -> bool:
    """Whether a path has an unlimited repeat, and nothing of fixed length that would hold it apart."""
    repeats = [argument for operation, argument in path if str(operation) in ("MAX_REPEAT", "MIN_REPEAT")]
    fixed = [
        operation
        for operation, argument in path
        if str(operation) not in ("MAX_REPEAT", "MIN_REPEAT", "AT")
        or (str(operation) != "AT" and argument[0] > 0 and int(argument[1]) <= 10)
    ]
    return any(int(most) > 10 for _, most, _ in repeats) and not fixed
