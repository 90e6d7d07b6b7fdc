"""The words of a Dockerfile: quotes, escapes and variables, as Docker's own small shell reads them.

Source: the Dockerfile reference, "Environment replacement". Known modifiers are ``:-``, ``-``, ``:+``, ``+``,
``:?`` and ``?``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")


class WordError(ValueError):
    """A quote, brace or modifier that cannot be read; the message says which."""


def expand(word: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """``word`` with variables replaced and quotes removed; what is not set is empty.

    :raises WordError: an open quote or brace, or a modifier that is not known.
    """
    reader = _Reader(word, variables, escape)
    return reader.until("")


class _Reader:
    def __init__(self, text: str, variables: Mapping[str, str], escape: str) -> None:
        self.text, self.at, self.variables, self.escape = text, 0, variables, escape

    def next(self) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        return char

    def until(self, stop: str) -> str:
        """What comes before ``stop`` (``""``: the end), read and expanded; ``stop`` is taken."""
        out: list[str] = []
        while self.at < len(self.text):
            char = self.next()
            if char == stop:
                return "".join(out)
            if char == "'":
                out.append(self._single())
            elif char == '"':
                out.append(self._double())
            elif char == "$":
                out.append(self._dollar())
            elif char == self.escape:
                out.append(self.next())
            else:
                out.append(char)
        if stop:
            raise WordError(f"{self.text}: missing {stop}")
        return "".join(out)

    def _single(self) -> str:
        end = self.text.find("'", self.at)
        if end < 0:
            raise WordError(f"{self.text}: missing closing single quote")
        quoted, self.at = self.text[self.at : end], end + 1
        return quoted

    def _double(self) -> str:
        out: list[str] = []
        while self.at < len(self.text):
            char = self.next()
            if char == '"':
                return "".join(out)
            if char == "$":
                out.append(self._dollar())
            elif char == self.escape:
                follows = self.next()
                out.append(follows if follows in ('"', "$", self.escape) else char + follows)
            else:
                out.append(char)
        raise WordError(f"{self.text}: missing closing double quote")

    def _dollar(self) -> str:
        braces = self.text.startswith("{", self.at)
        found = _NAME.match(self.text, self.at + braces)
        if found is None:
            if braces:
                raise WordError(f"{self.text}: bad substitution")
            return "$"
        name, self.at = found[0], found.end()
        if not braces:
            return self.variables.get(name, "")
        return self._braced(name)

    def _braced(self, name: str) -> str:
        modifier = self.next()
        if modifier == "}":
            return self.variables.get(name, "")
        empty_counts = modifier == ":"
        if empty_counts:
            modifier = self.next()
        if modifier not in ("-", "+", "?"):
            raise WordError(f"{self.text}: modifier {modifier or 'missing'!r} is not supported")
        word = self.until("}")
        value = self.variables.get(name)
        is_set = bool(value) if empty_counts else value is not None
        if modifier == "+":
            return word if is_set else ""
        if is_set:
            return value or ""
        if modifier == "?":
            raise WordError(f"{name}: {word or 'is not set'}")
        return word


def split(text: str, escape: str = "\\") -> list[str]:
    """``text`` cut at white space outside quotes; quotes and escapes stay for ``expand``."""
    words, current, quote, at = [], "", "", 0
    while at < len(text):
        char = text[at]
        if char == escape and quote != "'" and at + 1 < len(text):
            current += text[at : at + 2]
            at += 2
            continue
        if char.isspace() and not quote:
            if current:
                words.append(current)
            current = ""
        else:
            if char == quote:
                quote = ""
            elif not quote and char in "'\"":
                quote = char
            current += char
        at += 1
    return [*words, current] if current else words


def pairs(text: str, escape: str = "\\") -> list[tuple[str, str]]:
    """``NAME=value …`` or the old form ``NAME value``; names and values still to be expanded.

    :raises WordError: a word without ``=``, or a name without a value.
    """
    words = split(text, escape)
    if not words:
        raise WordError("needs a name and a value")
    if "=" not in words[0]:
        name = words[0]
        value = text.strip()[len(name) :].strip()
        if not value:
            raise WordError(f"{name} must have a value")
        return [(name, value)]
    found = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise WordError(f"{word!r} is not NAME=value")
        if not name:
            raise WordError(f"{word!r} has no name")
        found.append((name, value))
    return found
