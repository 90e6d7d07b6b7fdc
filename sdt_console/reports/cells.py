"""Columns of plain text in a terminal, without loading a library for it: lines of words with a style each."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

Span = tuple[str, str]
"""Text and its style: a colour, ``dim``, ``bold``, or several with a space between; empty for none."""

Line = list[Span]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    :param least: it may be cut to this many cells.
    :param drop: columns go in the order of this when there is no room; 0 never.
    """

    title: str
    right: bool = False
    least: int = 0
    drop: int = 0


def width(text: str) -> int:
    """Cells that ``text``, which is visible text, takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def fitted(text: str, room: int, *, right: bool = False) -> str:
    """``text`` in exactly ``room`` cells; what is cut is shown as an ellipsis."""
    if width(text) > room:
        kept = ""
        for char in text:
            if width(kept + char) > room - 1:
                break
            kept += char
        text = kept + "…" if room > 0 else ""
    space = " " * (room - width(text))
    return space + text if right else text + space


def rows(columns: Sequence[Column], cells: Sequence[Sequence[Span]], room: int) -> tuple[Line, list[Line]]:
    """The line of titles and a line for each row, none wider than ``room``."""
    widths = [
        max(width(column.title), *(width(row[i][0]) for row in cells), 0) for i, column in enumerate(columns)
    ]
    shown = [i for i, most in enumerate(widths) if any(row[i][0] for row in cells) or not columns[i].drop]

    def over() -> int:
        return sum(widths[i] for i in shown) + 2 * (len(shown) - 1) - room

    for i in sorted(shown, key=lambda i: columns[i].drop, reverse=True):
        if over() > 0 and columns[i].drop:
            spare = widths[i] - max(columns[i].least, width(columns[i].title))
            if columns[i].least and spare >= over():
                widths[i] -= over()
            else:
                shown.remove(i)
    for i in sorted(shown, key=lambda i: widths[i], reverse=True):
        if over() > 0:
            widths[i] = max(widths[i] - over(), columns[i].least or 4)

    def line(row: Sequence[Span]) -> Line:
        made: Line = []
        for i in shown:
            last = i == shown[-1] and not columns[i].right
            text = fitted(row[i][0], widths[i], right=columns[i].right)
            made += [(text.rstrip() if last else text, row[i][1]), ("  ", "")]
        return made[:-1]

    return line([(column.title, "dim") for column in columns]), [line(row) for row in cells]


def plain(line: Line) -> str:
    """Without styles."""
    return "".join(text for text, _ in line).rstrip()


def folded(text: str, room: int) -> list[str]:
    """``text`` broken at spaces into lines of at most ``room`` cells; a longer word is broken, too."""
    lines, line = [], ""
    for word in text.split(" "):
        while width(word) > room:
            if line:
                lines.append(line)
                line = ""
            lines.append(word[:room])
            word = word[room:]
        if line and width(line) + 1 + width(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line or not lines else lines
