"""Poms with Maven's inheritance and ``${…}`` applied, as far as the repository alone can tell."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from sdt_console.catalog.files import is_file, is_folder
from sdt_console.catalog.pom import Pom, read_pom, text

_PLACEHOLDER = re.compile(r"\$\{([^${}]+)\}")
_LONGEST = 4096  # characters: properties that multiply each other end here


class Model:
    """The poms of one repository, each read once.

    :ivar reactor: poms by path: the root's, and those of its modules, theirs, and so on.
    """

    def __init__(self, repo: Path) -> None:
        self._repo = repo
        self._poms: dict[str, Pom] = {}
        self._parents: dict[str, list[Pom]] = {}
        self.reactor: dict[str, Pom] = {}

    def adopt(self, reactor: dict[str, Pom]) -> None:
        """Let these poms be the reactor: parents are looked for among them too."""
        self.reactor = reactor
        self._parents.clear()

    def pom(self, path: str) -> Pom:
        """The pom at ``path`` from the repository root.

        :raises CatalogError: as :func:`~sdt_console.catalog.pom.read_pom`.
        """
        if path not in self._poms:
            self._poms[path] = read_pom(self._repo, path)
        return self._poms[path]

    def lineage(self, pom: Pom) -> list[Pom]:
        """``pom``, its parent, the parent's parent and so on, as far as they are in the repository."""
        if pom.path not in self._parents:
            line = [pom]
            while (parent := self._parent(line[-1])) is not None and parent not in line:
                line.append(parent)
            self._parents[pom.path] = line
        return self._parents[pom.path]

    def _parent(self, pom: Pom) -> Pom | None:
        wanted = pom.parent
        if wanted is None:
            return None
        if wanted.relative_path != "":
            near = posixpath.normpath(posixpath.join(pom.folder, wanted.relative_path or "../pom.xml"))
            path = f"{near}/pom.xml" if is_folder(self._repo, near) else near
            if not path.startswith("../") and is_file(self._repo, path):
                found = self.pom(posixpath.normpath(path))
                if found.artifact == wanted.artifact:
                    return found
        same = (p for p in self.reactor.values() if p.artifact == wanted.artifact and p is not pom)
        return next((p for p in same if p.group in ("", wanted.group)), None)

    def resolve(self, value: str, pom: Pom) -> str:
        """``value`` with the ``${…}`` it can resolve for ``pom`` replaced; the others stay.

        ``${basedir}`` and what is below it come from the repository root.
        """
        if "${" not in value:
            return value
        line = self.lineage(pom)
        for _ in range(20):
            replaced = _PLACEHOLDER.sub(lambda m: self._short(m[1].strip(), line) or m[0], value)
            if replaced == value or len(replaced) > _LONGEST:
                break
            value = replaced
        return value

    def coordinates(self, pom: Pom) -> tuple[str, str, str]:
        """Group, artifact and version of ``pom``, inherited where it does not say."""
        line = self.lineage(pom)
        return _group(line), self.resolve(pom.artifact, pom), self.resolve(_version(line), pom)

    def _short(self, name: str, line: list[Pom]) -> str:
        value = self._property(name, line) or ""
        return value if len(value) <= _LONGEST else ""

    def _property(self, name: str, line: list[Pom]) -> str | None:
        for pom in line:
            if name in pom.properties:
                return pom.properties[name]
        pom = line[0]
        short = name.removeprefix("project.").removeprefix("pom.")
        match short:
            case "groupId":
                return _group(line)
            case "version":
                return _version(line)
            case "artifactId" | "packaging":
                return pom.artifact if short == "artifactId" else pom.packaging
            case "basedir":
                return pom.folder
            case "build.directory":
                return f"{pom.folder}/target"
            case "build.finalName":
                return text(pom.tree, "build/finalName") or f"{pom.artifact}-{_version(line)}"
            case "parent.groupId" | "parent.artifactId" | "parent.version" if pom.parent is not None:
                kind = short.removeprefix("parent.")
                return {"groupId": pom.parent.group, "version": pom.parent.version}.get(
                    kind, pom.parent.artifact
                )
        return None


def _group(line: list[Pom]) -> str:
    last = line[-1].parent
    return next((p.group for p in line if p.group), last.group if last else "")


def _version(line: list[Pom]) -> str:
    last = line[-1].parent
    return next((p.version for p in line if p.version), last.version if last else "")
