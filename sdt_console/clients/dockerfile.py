"""Reading a Dockerfile into its instructions.

Everything that Docker's own grammar has is read; which of it can be carried out is not decided here.
Source: the Dockerfile reference (parser directives, comments, line continuation, exec and shell form).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

INSTRUCTIONS = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
     "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)  # fmt: skip
_WITH_FLAGS = frozenset({"ADD", "COPY", "FROM", "HEALTHCHECK", "RUN"})
_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")
_FLAG = re.compile(r"--([a-z-]+)(?:=(\"[^\"]*\"|\S*))?(?:\s+|$)")


class DockerfileError(ValueError):
    """What is wrong; ``line`` counts from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


@dataclass(frozen=True)
class Instruction:
    """One instruction, continued lines joined.

    :param line: number of its first line, from 1.
    :param name: in capitals.
    :param flags: ``--name=value`` before the rest; a flag without a value has an empty one.
    :param text: what follows the name and the flags.
    :param words: the strings of the exec form (a JSON list); ``None`` in the shell form.
    """

    line: int
    name: str
    text: str
    flags: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The operands of either form, cut at white space in the shell form."""
        return self.words if self.words is not None else tuple(self.text.split())


@dataclass(frozen=True)
class Dockerfile:
    """:param escape: the character that continues a line and escapes others."""

    instructions: tuple[Instruction, ...]
    escape: str = "\\"


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile.

    :raises DockerfileError: an unknown instruction, or none at all, or one that cannot stand where it does.
    """
    lines = re.split(r"\r?\n", text.removeprefix("\ufeff"))
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise DockerfileError(number, "a NUL character")
    escape = _directives(lines).get("escape", "\\")
    if escape not in ("\\", "`"):
        raise DockerfileError(1, f"escape={escape}: must be \\ or `")
    instructions = tuple(_instruction(number, joined) for number, joined in _join(lines, escape))
    before_from = [i for i in instructions if i.name != "ARG"][:1]
    if not before_from:
        raise DockerfileError(len(lines), "no FROM")
    if before_from[0].name != "FROM":
        raise DockerfileError(before_from[0].line, f"{before_from[0].name} before FROM")
    return Dockerfile(instructions, escape)


def _directives(lines: list[str]) -> dict[str, str]:
    """Parser directives: comments of the form ``# key=value`` before anything else."""
    found: dict[str, str] = {}
    for line in lines:
        matched = _DIRECTIVE.match(line)
        if matched is None or matched[1].lower() in found:
            break
        found[matched[1].lower()] = matched[2]
    return found


def _join(lines: list[str], escape: str) -> list[tuple[int, str]]:
    """Instructions with their first line's number; comments and blank lines are left out, also inside."""
    continued = re.compile(re.escape(escape) + r"[ \t]*$")
    found: list[tuple[int, str]] = []
    start, current = 0, ""
    for number, line in enumerate(lines, 1):
        stripped = line.lstrip()
        if not stripped or stripped.startswith("#"):
            continue
        if not start:
            start, line = number, stripped
        cut = continued.search(line)
        current += line[: cut.start()] if cut else line
        if not cut:
            found.append((start, current))
            start, current = 0, ""
    if start:
        found.append((start, current))
    return found


def _instruction(line: int, text: str) -> Instruction:
    name, *more = text.split(maxsplit=1)
    name, rest = name.upper(), more[0].strip() if more else ""
    if name not in INSTRUCTIONS:
        raise DockerfileError(line, f"unknown instruction: {name}")
    if not rest:
        raise DockerfileError(line, f"{name} needs at least one argument")
    flags: dict[str, str] = {}
    while name in _WITH_FLAGS and (matched := _FLAG.match(rest)):
        flags[matched[1]] = (matched[2] or "").strip('"')
        rest = rest[matched.end() :]
    return Instruction(line, name, rest, flags, exec_form(rest))


def exec_form(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON list; ``None`` for anything else, which Docker then takes as the shell form."""
    if not text.startswith("["):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(value)
    return None
