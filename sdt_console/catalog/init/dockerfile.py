"""What a Dockerfile says: its stages, arguments, ports and what it copies. Nothing of it is run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_VARIABLE = re.compile(
    r"\$(?:\{(?P<name>[A-Za-z_]\w*)(?::?(?P<kind>[-+])(?P<other>[^{}]*))?\}|(?P<plain>[A-Za-z_]\w*))"
)
_HEREDOC = re.compile(r"<<-?[\"']?([A-Za-z_]\w*)[\"']?")
_FLAG = re.compile(r"^--[\w-]+(?:=\S*)?\s+")
_PAIR = re.compile(r"""([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"|'[^']*'|(?:[^\s"'\\]|\\.)*)""")
_PORT = re.compile(r"^(\d{1,5})(?:-\d{1,5})?(?:/(tcp|udp))?$", re.IGNORECASE)
_LONGEST = 4096


@dataclass
class Stage:
    """From one ``FROM`` to the next.

    :param base: image or name of an earlier stage, variables replaced.
    :param env: ``ENV`` and ``ARG`` values in force at its end, those of its base stage included.
    :param exposes: ``EXPOSE`` texts with variables as they are.
    :param copies: sources of ``COPY`` and ``ADD`` out of the build context.
    """

    base: str
    name: str = ""
    parent: Stage | None = None
    env: dict[str, str] = field(default_factory=dict)
    exposes: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)


@dataclass
class Dockerfile:
    """A parsed Dockerfile.

    :param arguments: ``ARG`` name → default, ``None`` without one; the first default of a name counts.
    """

    stages: list[Stage]
    arguments: dict[str, str | None]
    text: str = field(repr=False, default="")

    @property
    def base(self) -> str:
        """Image that the last stage comes from in the end."""
        stage = self.stages[-1] if self.stages else None
        while stage is not None and stage.parent is not None:
            stage = stage.parent
        return stage.base if stage else ""

    @property
    def env(self) -> Mapping[str, str]:
        return self.stages[-1].env if self.stages else {}

    @property
    def copies(self) -> list[str]:
        return [source for stage in self.stages for source in stage.copies]

    @property
    def runs(self) -> list[str]:
        return [run for stage in self.stages for run in stage.runs]

    def ports(self, build_args: Mapping[str, str] | None = None) -> list[int]:
        """TCP ports that the last stage exposes, in order, as far as their variables are known."""
        found: list[int] = []
        stage = self.stages[-1] if self.stages else None
        env = dict(self.env) | dict(build_args or {})
        while stage is not None:
            own = [port_number(expand(text, env)) for text in stage.exposes]
            found.extend(port for port in own if port is not None)
            stage = stage.parent
        return list(dict.fromkeys(found))


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile leniently: an instruction that is not understood is passed over."""
    result = Dockerfile([], {}, text)
    by_name: dict[str, Stage] = {}
    outside: dict[str, str] = {}
    for word, rest in _instructions(text):
        stage = result.stages[-1] if result.stages else None
        env = stage.env if stage else outside
        match word:
            case "FROM":
                parts = _without_flags(expand(rest, outside)).split()
                if not parts:
                    continue
                parent = by_name.get(parts[0].lower())
                stage = Stage(parts[0], parent=parent, env=dict(parent.env) if parent else {})
                if len(parts) >= 3 and parts[1].lower() == "as":
                    stage.name = parts[2]
                    by_name[parts[2].lower()] = stage
                by_name[str(len(result.stages))] = stage
                result.stages.append(stage)
            case "ARG":
                for name, default in _arguments(rest):
                    if result.arguments.get(name) is None:
                        result.arguments[name] = default
                    value = outside.get(name) if stage and default is None else default
                    if value is not None:
                        env[name] = expand(value, env)
            case "ENV" if stage is not None:
                for name, value in _pairs(rest):
                    env[name] = expand(value, env)
            case "EXPOSE" if stage is not None:
                stage.exposes.extend(rest.split())
            case "COPY" | "ADD" if stage is not None:
                stage.copies.extend(_sources(rest))
            case "RUN" if stage is not None:
                stage.runs.append(rest)
    return result


def port_number(text: str) -> int | None:
    """``8080``, ``8080/tcp`` or the first of ``8080-8090`` as a number; ``None`` for anything else."""
    found = _PORT.match(text.strip())
    if found is None or (found[2] or "tcp").lower() == "udp":
        return None
    number = int(found[1])
    return number if 1 <= number <= 65535 else None


def expand(text: str, values: Mapping[str, str]) -> str:
    """``text`` with ``$NAME``, ``${NAME}`` and ``${NAME:-default}`` replaced as far as ``values`` knows."""

    def value(found: re.Match[str]) -> str:
        name = found["name"] or found["plain"]
        known = values.get(name)
        if known and len(known) > _LONGEST:
            return found[0]
        if found["kind"] == "+":
            return (found["other"] or "") if known else ""
        if known:
            return known
        return found["other"] if found["kind"] == "-" else found[0]

    if len(text) > _LONGEST:
        return text
    for _ in range(5):  # a default may hold a variable itself
        replaced = _VARIABLE.sub(value, text)
        if replaced == text or len(replaced) > _LONGEST:
            return text
        text = replaced
    return text


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Instruction and the rest of its (joined) line; comments and here-documents left out."""
    escape = "`" if re.match(r"\s*#\s*escape\s*=\s*`", text, re.IGNORECASE) else "\\"
    lines = iter(text.splitlines())
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = [line.strip()]
        while parts[-1].endswith(escape):
            following = next(lines, None)
            while following is not None and (following.lstrip().startswith("#") or not following.strip()):
                following = next(lines, None)
            parts[-1] = parts[-1][:-1].rstrip()
            parts.append((following or "").strip())
        joined = " ".join(parts)
        word, _, rest = joined.partition(" ")
        if word.upper() in ("RUN", "COPY", "ADD"):
            for end in _HEREDOC.findall(rest):
                for following in lines:
                    if following.strip() == end:
                        break
        yield word.upper(), rest.strip()


def _without_flags(rest: str) -> str:
    while found := _FLAG.match(rest):
        rest = rest[found.end() :]
    return rest


def _arguments(rest: str) -> Iterator[tuple[str, str | None]]:
    pairs = dict(_PAIR.findall(rest))
    for name, value in pairs.items():
        yield name, _unquote(value)
    for word in _PAIR.sub(" ", rest).split():
        if re.fullmatch(r"[A-Za-z_]\w*", word):
            yield word, None


def _pairs(rest: str) -> Iterator[tuple[str, str]]:
    found = _PAIR.findall(rest)
    if found and re.match(r"[A-Za-z_]\w*=", rest):
        yield from ((name, _unquote(value)) for name, value in found)
    else:  # the old form: ENV NAME value
        name, _, value = rest.partition(" ")
        if re.fullmatch(r"[A-Za-z_]\w*", name):
            yield name, value.strip()


def _unquote(value: str) -> str:
    return value[1:-1] if len(value) >= 2 and value[0] in "\"'" and value[-1] == value[0] else value


def _sources(rest: str) -> list[str]:
    if re.search(r"--from=", rest):
        return []
    rest = _without_flags(rest)
    words = re.findall(r'"([^"]*)"', rest) if rest.startswith("[") else rest.split()
    return [w for w in words[:-1] if "://" not in w and not w.startswith(("<<", "git@"))]
