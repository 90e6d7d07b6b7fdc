"""Carrying out a Dockerfile without an Engine: every instruction that runs nothing.

``FROM scratch`` and earlier stages, ``ARG ENV LABEL WORKDIR COPY ADD EXPOSE USER ENTRYPOINT CMD HEALTHCHECK
STOPSIGNAL VOLUME SHELL`` give the image that a Docker Engine would make of them. Everything else is refused
with its line.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sdt_console.clients import operands
from sdt_console.clients.context import Context
from sdt_console.clients.copying import CopyError, Source, Tree, copy
from sdt_console.clients.docker_words import split
from sdt_console.clients.dockerfile import Dockerfile, DockerfileError, Instruction
from sdt_console.clients.healthcheck import healthcheck
from sdt_console.clients.oci import Entry, ImageConfig, Layer

_PREDEFINED = frozenset(
    name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (proxy, proxy.lower())
)  # fmt: skip
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What Docker sets where a base image has no ``PATH``."""

_URL = re.compile(r"(?:https?|git|ssh)://|git@")
_COPY_FLAGS = {"chown", "chmod", "from", "link"}


class NeedsEngineError(DockerfileError):
    """An instruction that only a Docker Engine can carry out."""

    def __init__(self, line: int, thing: str) -> None:
        super().__init__(line, f"{thing} needs a Docker Engine")


@dataclass
class Stage:
    """One stage as it is built; ``tree`` is its file system, ``layers`` what was added step by step."""

    tree: Tree = field(default_factory=Tree)
    config: ImageConfig = field(default_factory=ImageConfig)
    layers: list[Layer] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    args: dict[str, str] = field(default_factory=dict)
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    has_own_command: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """What ``$NAME`` means: build arguments, and over them the environment."""
        return self.args | dict(entry.partition("=")[::2] for entry in self.config.env)


@dataclass(frozen=True)
class _Part:
    """The instructions from one ``FROM`` to the next."""

    head: Instruction
    base: str
    name: str
    body: tuple[Instruction, ...]


class Assembler:
    """Builds the last stage of a Dockerfile, and of the others those that it needs.

    :param add_layer: makes a layer of entries, such as ``OciLayout.add_layer``.
    :param note: called with ``(text, done, total)`` before each instruction; may raise to stop the build.
    """

    def __init__(
        self,
        dockerfile: Dockerfile,
        context: Context,
        build_args: Mapping[str, str],
        platform: str,
        add_layer: Callable[[list[Entry]], Layer],
        note: Callable[[str, int, int], None],
    ) -> None:
        self._escape = dockerfile.escape
        self._context = context
        self._given = dict(build_args)
        self._add_layer = add_layer
        self._note = note
        self._global = _platform_args(platform)
        self._parts = self._divide(dockerfile.instructions)
        self._total = sum(1 + len(part.body) for part in self._parts)
        self._done = 0
        self._built: dict[int, Stage] = {}

    def build(self) -> Stage:
        """:raises DockerfileError: an instruction is wrong, or needs an Engine."""
        return self._stage(len(self._parts) - 1)

    def _divide(self, instructions: tuple[Instruction, ...]) -> list[_Part]:
        parts: list[_Part] = []
        bodies: list[list[Instruction]] = []
        for step in instructions:
            if step.name == "FROM":
                words = step.text.split()
                if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
                    raise DockerfileError(step.line, "FROM takes an image, or an image AS a name")
                base = self._expand(step, words[0], self._global)
                if not base:
                    raise DockerfileError(step.line, f"FROM {words[0]}: the name is empty")
                bodies.append([])
                parts.append(_Part(step, base, words[2].lower() if len(words) == 3 else "", ()))
            elif bodies:
                bodies[-1].append(step)
            else:
                self._argument(step, self._global, self._global)
        return [replace(part, body=tuple(body)) for part, body in zip(parts, bodies, strict=True)]

    def _number(self, name: str, before: int) -> int | None:
        """Which stage before number ``before`` a name or number means."""
        for number in reversed(range(before)):
            if name.lower() == self._parts[number].name or name == str(number):
                return number
        return None

    def _stage(self, number: int) -> Stage:
        if number in self._built:
            return self._built[number]
        part = self._parts[number]
        earlier = None if part.base.isdecimal() else self._number(part.base, number)
        if earlier is not None:
            base = self._stage(earlier)
            stage = Stage(Tree(base.tree.walk()), base.config, list(base.layers), list(base.steps))
            stage.shell = base.shell
        elif part.base == "scratch":
            stage = Stage(config=ImageConfig(env=(_PATH,)))
        else:
            raise NeedsEngineError(part.head.line, f"FROM {part.base}")
        for step in (part.head, *part.body):
            self._note(f"{step.name} {step.text}", self._done, self._total)
            if step is not part.head:
                self._carry_out(step, stage, number)
            self._done += 1
        self._built[number] = stage
        return stage

    def _carry_out(self, step: Instruction, stage: Stage, number: int) -> None:
        config = stage.config
        match step.name:
            case "ARG":
                self._argument(step, stage.args, stage.variables)
            case "ENV":
                stage.config = replace(
                    config, env=_set(config.env, operands.named(step, stage.variables, self._escape))
                )
            case "LABEL":
                stage.config = replace(
                    config, labels={**config.labels, **operands.named(step, stage.variables, self._escape)}
                )
            case "WORKDIR":
                path = posixpath.join(
                    config.working_dir or "/", self._expand(step, step.text, stage.variables)
                )
                stage.config = replace(config, working_dir=_clean(path))
                self._change(step, stage, lambda: stage.tree.folder(stage.config.working_dir.strip("/")))
            case "COPY" | "ADD":
                self._copy(step, stage, number)
            case "EXPOSE":
                stage.config = replace(
                    config,
                    ports=tuple(
                        dict.fromkeys((*config.ports, *operands.ports(step, stage.variables, self._escape)))
                    ),
                )
            case "VOLUME":
                paths = operands.listed(step, stage.variables, self._escape)
                if not all(paths):
                    raise DockerfileError(step.line, "VOLUME: a path is empty")
                stage.config = replace(config, volumes=tuple(dict.fromkeys((*config.volumes, *paths))))
            case "USER":
                stage.config = replace(config, user=self._expand(step, step.text, stage.variables))
            case "STOPSIGNAL":
                stage.config = replace(config, stop_signal=self._expand(step, step.text, stage.variables))
            case "SHELL":
                if step.words is None:
                    raise DockerfileError(step.line, "SHELL takes a JSON list of strings")
                stage.shell = step.words
            case "CMD":
                stage.has_own_command = True
                stage.config = replace(config, cmd=operands.command(step, stage.shell))
            case "ENTRYPOINT":
                # A command that came with the base belongs to the base's entry point.
                kept = config.cmd if stage.has_own_command else ()
                stage.config = replace(config, entrypoint=operands.command(step, stage.shell), cmd=kept)
            case "HEALTHCHECK":
                stage.config = replace(config, healthcheck=healthcheck(step))
            case _:
                raise NeedsEngineError(step.line, step.name)

    # --- files ---------------------------------------------------------------

    def _change(self, step: Instruction, stage: Stage, change: Callable[[], object]) -> None:
        """Change the stage's files, and keep what was added as a layer of its own."""
        try:
            change()
        except CopyError as error:
            raise DockerfileError(step.line, f"{step.name} {step.text}: {error}") from None
        added = stage.tree.layer()
        if added:
            stage.layers.append(self._add_layer(added))
            stage.steps.append(f"{step.name} {step.text}")

    def _copy(self, step: Instruction, stage: Stage, number: int) -> None:
        if unknown := sorted(set(step.flags) - _COPY_FLAGS):
            raise NeedsEngineError(step.line, f"{step.name} --{unknown[0]}")
        if len(step.sources) < 2:
            raise DockerfileError(step.line, f"{step.name} needs a source and a destination")
        if any(word.startswith("<<") for word in step.sources):
            raise NeedsEngineError(step.line, f"{step.name} with a here-document")
        *sources, target = (self._expand(step, word, stage.variables) for word in step.sources)
        source: Source = self._context
        if name := step.flags.get("from"):
            earlier = self._number(name, number)
            if earlier is None:
                raise NeedsEngineError(step.line, f"{step.name} --from={name}")
            source = self._stage(earlier).tree
        elif step.name == "ADD":
            self._refuse_what_add_unpacks(step, sources)
        if target in (".", "") or target.endswith(("/.", "/..")):
            target += "/"
        target = posixpath.join("/", stage.config.working_dir, target)
        target = _clean(target) + ("/" if target.endswith("/") else "")
        owner = self._owner(step, stage)
        mode = self._mode(step, stage)
        self._change(step, stage, lambda: copy(source, sources, target, stage.tree, owner=owner, mode=mode))

    def _refuse_what_add_unpacks(self, step: Instruction, sources: list[str]) -> None:
        for source in sources:
            if _URL.match(source):
                raise NeedsEngineError(step.line, "ADD of a URL")
            entry = self._context.get(posixpath.normpath("/" + source).lstrip("/"))
            if entry is not None and entry.kind == "file" and tarfile.is_tarfile(str(entry.content)):
                raise NeedsEngineError(step.line, f"ADD of an archive ({source}), to be unpacked,")

    def _owner(self, step: Instruction, stage: Stage) -> tuple[int, int] | None:
        chown = self._expand(step, step.flags.get("chown", ""), stage.variables)
        if not chown:
            return None
        user, _, group = chown.partition(":")
        group = group or user
        if not (user.isdecimal() and group.isdecimal()):
            raise NeedsEngineError(step.line, f"--chown={chown} (a name instead of numbers)")
        return int(user), int(group)

    def _mode(self, step: Instruction, stage: Stage) -> int | None:
        chmod = self._expand(step, step.flags.get("chmod", ""), stage.variables)
        if chmod and not re.fullmatch(r"[0-7]{1,4}", chmod):
            raise NeedsEngineError(step.line, f"--chmod={chmod} (not an octal number)")
        return int(chmod, 8) if chmod else None

    # --- words ---------------------------------------------------------------

    def _expand(self, step: Instruction, word: str, variables: Mapping[str, str]) -> str:
        return operands.expanded(step, word, variables, self._escape)

    def _argument(self, step: Instruction, into: dict[str, str], variables: Mapping[str, str]) -> None:
        for word in split(step.text, self._escape):
            name, equals, default = word.partition("=")
            known = dict(variables) | into
            if name in self._given:
                into[name] = self._given[name]
            elif equals:
                into[name] = self._expand(step, default, known)
            elif name in self._global and into is not self._global:
                into[name] = self._global[name]

    def unused(self) -> list[str]:
        """Build arguments that no ``ARG`` asks for."""
        declared = set(self._global) | {name for stage in self._built.values() for name in stage.args}
        return sorted(set(self._given) - declared - _PREDEFINED - {"SOURCE_DATE_EPOCH"})


def _clean(path: str) -> str:
    """An absolute path in its shortest form; Python would keep two slashes at its beginning."""
    return "/" + posixpath.normpath(path).lstrip("/")


def _platform_args(platform: str) -> dict[str, str]:
    system, architecture, variant = [*platform.split("/"), "", ""][:3]
    values = {"PLATFORM": platform, "OS": system, "ARCH": architecture, "VARIANT": variant}
    return {f"{side}{key}": value for side in ("TARGET", "BUILD") for key, value in values.items()}


def _set(env: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    """The environment with ``values``: a name keeps its place."""
    merged: dict[str, Any] = dict(entry.partition("=")[::2] for entry in env) | dict(values)
    return tuple(f"{name}={value}" for name, value in merged.items())
