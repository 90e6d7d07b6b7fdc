"""Where in the file a key stands. ``tomllib`` does not tell; a person wants the line."""

from __future__ import annotations

import re
from collections import defaultdict

Key = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGN = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_MULTILINE = ('"""', "'''")


class Lines:
    """The lines on which the tables and keys of one TOML text begin, read leniently."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Key, int] = {}
        counts: dict[Key, int] = defaultdict(int)
        table: Key = ()
        closing = ""
        for number, line in enumerate(text.split("\n"), start=1):
            if closing:
                closing = "" if closing in line else closing
                continue
            if header := _HEADER.match(line):
                table = self._table(header[2], header[1] == "[[", counts)
                self._lines.setdefault(table, number)
            elif assign := _ASSIGN.match(line):
                key = table + tuple(_parts(assign[1]))
                self._lines.setdefault(key, number)
                closing = next((q for q in _MULTILINE if line.count(q) % 2), "")

    @staticmethod
    def _table(name: str, repeated: bool, counts: dict[Key, int]) -> Key:
        key: Key = ()
        parts = _parts(name)
        for depth, part in enumerate(parts):
            key = (*key, part)
            last = depth == len(parts) - 1
            if last and repeated:
                counts[key] += 1
            if counts[key]:
                key = (*key, counts[key] - 1)
        return key

    def find(self, key: Key) -> int | None:
        """Line of ``key``, or of the nearest table around it; ``None`` if nothing of it is there."""
        while key:
            if key in self._lines:
                return self._lines[key]
            key = key[:-1]
        return None


def _parts(name: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(name)]
