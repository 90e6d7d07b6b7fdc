"""The filter patterns of CloudWatch Logs, as its documentation describes them.

Supported: words, ``"quoted phrases"``, ``-not``, ``?any ?of``, ``%regular expressions%``, and the JSON form
``{ $.level = "ERROR" && ($.status >= 500 || $.message = "*timed out*") }``. The space-delimited form
``[ip, user, …]`` is refused.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable
from typing import Any

Matcher = Callable[[str], bool]

_TERM = re.compile(r'\s*([-?]?)(?:"((?:[^"\\]|\\.)*)"|%((?:[^%\\]|\\.)*)%|([^\s"]+))')
_PLAIN = re.compile(r"[\w.:/*@$+=,;!#&'~^\\|<>()\[\]{}?-]+")
_TOKEN = re.compile(
    r"\s*(?:(?P<op>&&|\|\||<=|>=|!=|=|<|>|\(|\))|(?P<selector>\$[^\s=!<>()&|]*)"
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)"|%(?P<regex>(?:[^%\\]|\\.)*)%|(?P<word>[^\s=!<>()&|"]+))'
)


class InvalidPatternError(ValueError):
    """The pattern cannot be understood."""


def compile_pattern(text: str) -> Matcher:
    """What decides whether a message matches.

    :raises InvalidPatternError: it is not in the language.
    """
    text = text.strip()
    if not text:
        return lambda message: True
    if text.startswith("["):
        raise InvalidPatternError("space-delimited patterns are not supported by the sandbox")
    if text.startswith("{"):
        if not text.endswith("}"):
            raise InvalidPatternError("Invalid filter pattern: unbalanced braces")
        return _Json(text[1:-1]).matcher()
    return _terms(text)


def _terms(text: str) -> Matcher:
    required: list[Matcher] = []
    excluded: list[Matcher] = []
    optional: list[Matcher] = []
    position = 0
    while text[position:].strip():
        found = _TERM.match(text, position)
        if found is None:
            raise InvalidPatternError("Invalid character(s) in term")
        position = found.end()
        sign, quoted, regex, word = found.groups()
        if word is not None and not _PLAIN.fullmatch(word):
            raise InvalidPatternError(f"Invalid character(s) in term '{word}'")
        where = {"": required, "-": excluded, "?": optional}[sign]
        where.append(
            _regex(regex) if regex is not None else _contains(_unescape(quoted) if word is None else word)
        )

    def matches(message: str) -> bool:
        if any(match(message) for match in excluded) or not all(match(message) for match in required):
            return False
        # As AWS documents it, ``?`` terms count only where there are no others.
        return bool(required) or not optional or any(match(message) for match in optional)

    return matches


def _contains(part: str) -> Matcher:
    return lambda message: part in message


def _regex(text: str) -> Matcher:
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise InvalidPatternError(f"Invalid regular expression: {error}") from None
    return lambda message: compiled.search(message) is not None


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


Node = Callable[[Any], bool]


class _Json:
    """A recursive-descent parser of the part between the braces."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            if found is None:
                raise InvalidPatternError("Invalid JSON filter pattern")
            position = found.end()
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind]))
        self._at = 0

    def matcher(self) -> Matcher:
        node = self._any()
        if self._at < len(self._tokens):
            raise InvalidPatternError("Invalid JSON filter pattern")

        def matches(message: str) -> bool:
            if not message.lstrip().startswith(("{", "[")):
                return False
            try:
                return node(json.loads(message))
            except ValueError:
                return False

        return matches

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _any(self) -> Node:
        nodes = [self._all()]
        while self._peek() == ("op", "||"):
            self._next()
            nodes.append(self._all())
        return lambda value: any(node(value) for node in nodes)

    def _all(self) -> Node:
        nodes = [self._one()]
        while self._peek() == ("op", "&&"):
            self._next()
            nodes.append(self._one())
        return lambda value: all(node(value) for node in nodes)

    def _one(self) -> Node:
        kind, text = self._next()
        if (kind, text) == ("op", "("):
            node = self._any()
            if self._next() != ("op", ")"):
                raise InvalidPatternError("Invalid JSON filter pattern: missing )")
            return node
        if kind != "selector":
            raise InvalidPatternError("Invalid JSON filter pattern: a condition begins with $.")
        return self._condition(text)

    def _condition(self, selector: str) -> Node:
        kind, operator = self._next()
        if kind == "word":
            return self._word(selector, operator.upper())
        if kind != "op" or operator in ("(", ")", "&&", "||"):
            raise InvalidPatternError("Invalid JSON filter pattern: no operator")
        kind, operand = self._next()
        if kind not in ("quoted", "word", "regex"):
            raise InvalidPatternError("Invalid JSON filter pattern: no value")
        test = _comparison(operator, kind, _unescape(operand) if kind == "quoted" else operand)
        return lambda value: any(test(item) for item in _select(value, selector))

    def _word(self, selector: str, word: str) -> Node:
        if word == "EXISTS":
            return lambda value: bool(_select(value, selector))
        if word == "NOT" and self._next()[1].upper() == "EXISTS":
            return lambda value: not _select(value, selector)
        if word == "IS":
            wanted = {"TRUE": True, "FALSE": False, "NULL": None}
            name = self._next()[1].upper()
            if name in wanted:
                return lambda value: any(item is wanted[name] for item in _select(value, selector))
        raise InvalidPatternError(f"Invalid JSON filter pattern: {word}")


def _select(value: Any, selector: str) -> list[Any]:
    found = [value]
    for name, index in re.findall(r"\.([\w@-]+|\*)|\[(\d+|\*)\]", selector):
        step: list[Any] = []
        for item in found:
            if name and isinstance(item, dict):
                step += list(item.values()) if name == "*" else [item[name]] if name in item else []
            elif index and isinstance(item, list):
                step += item if index == "*" else item[int(index) : int(index) + 1]
        found = step
    return found


def _comparison(operator: str, kind: str, operand: str) -> Callable[[Any], bool]:
    if kind == "regex":
        match = _regex(operand)
        return lambda item: match(str(item)) == (operator == "=")
    number = _number(operand) if kind == "word" else None
    if operator in ("=", "!="):
        if number is not None:
            return lambda item: (_number(item) == number) == (operator == "=")
        return lambda item: (
            (isinstance(item, str) and fnmatch.fnmatchcase(item, operand.replace("[", "[[]")))
            == (operator == "=")
        )
    if number is None:
        raise InvalidPatternError(f"Invalid JSON filter pattern: {operator} needs a number")
    tests: dict[str, Callable[[float], bool]] = {
        "<": lambda n: n < number,
        ">": lambda n: n > number,
        "<=": lambda n: n <= number,
        ">=": lambda n: n >= number,
    }

    def compare(item: Any) -> bool:
        value = _number(item)
        return value is not None and tests[operator](value)

    return compare


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
