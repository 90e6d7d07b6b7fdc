"""One walk over the repository: where the files are that tell something about services."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sdt_console.catalog.files import GENERATED, UnreadableError, read_text, walk
from sdt_console.catalog.init.dockerfile import Dockerfile, parse
from sdt_console.catalog.rules_patterns import leaves_repository
from sdt_console.text import visible

_DOCKERFILE_LIMIT = 256 << 10
_ASIDE = frozenset(
    {
        "test",
        "tests",
        "testing",
        "testdata",
        "test-data",
        "it",
        "e2e",
        "integration-test",
        "integration-tests",
    }
    | {"example", "examples", "sample", "samples", "fixture", "fixtures", "doc", "docs", "ci", "dev", "devel"}
    | {"benchmark", "benchmarks", "bench", "mock", "mocks", "playground", "hack"}
)
"""Folders whose Dockerfiles and compose files are not for what runs in production."""
ASIDE_WORDS = frozenset(
    {"dev", "devel", "develop", "development", "local", "test", "tests", "testing", "ci", "debug", "e2e"}
    | {"integration", "lint", "example", "sample", "base", "builder", "devcontainer", "docs", "bench"}
    | {
        "template",
        "tpl",
        "tmpl",
        "j2",
        "jinja",
        "in",
        "bak",
        "orig",
        "old",
        "dockerignore",
        "md",
        "txt",
        "swp",
    }
)
_VARIANTS = frozenset(
    {"prod", "production", "release", "alpine", "debian", "slim", "ubuntu", "arm64", "amd64", "x86", "jvm"}
    | {
        "native",
        "micro",
        "multi",
        "multistage",
        "runtime",
        "layered",
        "distroless",
        "ubi",
        "linux",
        "gpu",
        "cpu",
    }
    | {"legacy", "jar", "windows", "cuda", "fast", "deploy", "ecs", "fargate", "aws"}
)
_COMPOSE = re.compile(r"^(?:docker-)?compose(?:[.-].*)?\.ya?ml$", re.IGNORECASE)


@dataclass
class Tree:
    """The folders of a repository and the names of all their files, read once.

    :param files: folder → names of its files; the top is ``.``.
    :param folders: folder → names of its subfolders.
    :param yaml_left: characters of YAML that will still be read, since reading it is slow.
    """

    repo: Path
    files: dict[str, list[str]] = field(default_factory=dict)
    folders: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    yaml_left: int = 4 << 20

    def has(self, path: str) -> bool:
        """Whether ``path`` is a file or a folder that was seen."""
        folder, _, name = path.rpartition("/")
        return path in self.files or name in self.files.get(folder or ".", ())

    def read(self, path: str, limit: int = 1 << 20) -> str:
        """Text of a file; empty, with a remark, if it cannot or must not be read."""
        try:
            return read_text(self.repo, path, limit)
        except UnreadableError as error:
            self.remark(f"{visible(path)} is skipped: {error.cause}")
            return ""

    def remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)

    def named(self, *names: str) -> Iterator[str]:
        """Paths of the files that are called one of ``names``."""
        for folder, files in self.files.items():
            yield from (join(folder, name) for name in files if name in names)

    def below(self, folder: str) -> Iterator[str]:
        """Folders below ``folder``, itself first."""
        pending = [folder]
        while pending:
            here = pending.pop()
            if here in self.files:
                yield here
                pending.extend(join(here, name) for name in reversed(self.folders.get(here, ())))


def scan(repo: Path) -> Tree:
    """Walk ``repo``; folders whose names no catalog could hold are left out, with a remark."""
    tree = Tree(repo)
    for folder, folders, files in walk(repo):
        if folder != "." and unnameable(folder):
            if (posixpath.dirname(folder) or ".") in tree.files:
                tree.remark(f"{visible(folder)} is skipped: its name cannot be written in a catalog")
            continue
        tree.files[folder] = [name for name in files if not unnameable(name)]
        tree.folders[folder] = folders
    return tree


def join(folder: str, name: str) -> str:
    """``folder/name``, ``.`` and ``..`` resolved; starts with ``..`` if that leads out."""
    return posixpath.normpath(posixpath.join(folder, name))


def unnameable(path: str) -> bool:
    """Whether the catalog could not hold ``path``: not text, or it would read as something else."""
    text = all(c.isprintable() for c in path)
    return not text or bool(set(path) & set("{}\\")) or leaves_repository(path)


def aside(path: str) -> bool:
    """Whether a file at ``path`` is generated, or for tests, examples or development only."""
    parts = posixpath.dirname(path).lower().split("/")
    return any(
        part in _ASIDE or part in GENERATED or (part.startswith(".") and part != ".") for part in parts
    )


def compose_files(tree: Tree) -> list[str]:
    """Compose files, nearest to the root and plainest first."""
    found = [
        join(folder, name)
        for folder, names in tree.files.items()
        for name in names
        if _COMPOSE.match(name) and not aside(join(folder, name))
    ]
    return sorted(found, key=lambda path: (path.count("/"), lesser(path), len(path), path))


def lesser(path: str) -> bool:
    """Whether a compose file is, by its name, for development, tests or one machine only."""
    words = re.split(r"[.\-_]", posixpath.basename(path).lower())
    return any(word in ASIDE_WORDS or word in ("override", "dev1", "debugging") for word in words[:-1])


@dataclass(frozen=True)
class DockerfileAt:
    """A Dockerfile that may be of a service.

    :param path: from the repository root.
    :param word: what its name adds: ``worker`` for ``Dockerfile.worker``; empty for ``Dockerfile``.
    """

    path: str
    word: str
    content: Dockerfile

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path) or "."


def dockerfiles(tree: Tree) -> list[DockerfileAt]:
    """Dockerfiles for production: one per folder, or one per word where their names tell services apart."""
    found: list[DockerfileAt] = []
    for folder, names in tree.files.items():
        here: dict[str, str] = {}
        for name in sorted(names, key=lambda n: (len(n), n)):
            word = docker_word(name)
            if word is None or aside(join(folder, name)):
                continue
            words = set(re.split(r"[.\-_]", word))
            if not words & ASIDE_WORDS:
                here.setdefault("" if words <= _VARIANTS | {""} else word, name)
        for word in [""] if "" in here else sorted(here):
            path = join(folder, here[word])
            content = parse(tree.read(path, _DOCKERFILE_LIMIT))
            if content.stages:
                found.append(DockerfileAt(path, word, content))
    return found


def docker_word(name: str) -> str | None:
    """What a file name adds to ``Dockerfile``, in lower case; ``None`` if it is no Dockerfile's name."""
    low = name.lower()
    if low in ("dockerfile", "containerfile"):
        return ""
    for kind in ("dockerfile", "containerfile"):
        if low.startswith(kind) and low[len(kind)] in ".-_":
            return low[len(kind) + 1 :]
        if low.endswith(f".{kind}"):
            return low[: -len(kind) - 1]
    return None
