"""The Maven reactor of a repository: its modules, what each is built with, and in which order.

Read from the ``pom.xml`` files alone: Maven is not started and nothing is fetched. Modules and dependencies
of all profiles count, whether or not the profile would be active.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sdt_console.catalog.files import is_file, is_folder
from sdt_console.catalog.pom import Pom, Reference
from sdt_console.catalog.pom_model import Model
from sdt_console.errors import CatalogError
from sdt_console.text import visible


@dataclass(frozen=True)
class Module:
    """A project of the reactor.

    :param path: its folder from the repository root, ``.`` for the root.
    :param pom: its pom file from the repository root.
    :param parent: path of its parent, if that is in the reactor.
    :param uses: paths of the modules it is built with: its own and inherited dependencies, and build plugins.
    :param imports: paths of the modules whose dependency management it imports.
    """

    path: str
    pom: str
    group: str
    artifact: str
    version: str
    packaging: str
    parent: str | None
    uses: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Something in a pom for which Maven would refuse to start."""

    pom: str
    value: str
    message: str


@dataclass(frozen=True)
class Reactor:
    """All modules in the order in which Maven takes them up: as declared, an aggregator after its modules."""

    modules: tuple[Module, ...]
    faults: tuple[Fault, ...]
    model: Model = field(repr=False, compare=False)

    @cached_property
    def by_path(self) -> dict[str, Module]:
        """Modules by folder; the first where two poms share one."""
        return {module.path: module for module in reversed(self.modules)}

    @cached_property
    def build_order(self) -> tuple[Module, ...]:
        """What a module needs comes before it; otherwise the order of declaration, as Maven does.

        :raises CatalogError: modules need each other.
        """
        order: dict[str, Module] = {}
        for start in (module.path for module in self.modules):
            trail = [start]
            pending = [iter(self._edges(start))]
            while pending:
                path = next((p for p in pending[-1] if p not in order), None)
                if path is None:
                    pending.pop()
                    done = trail.pop()
                    order.setdefault(done, self.by_path[done])
                elif path in trail:
                    cycle = " → ".join(visible(p) for p in [*trail[trail.index(path) :], path])
                    raise CatalogError("the reactor cannot be ordered", f"modules need each other: {cycle}")
                else:
                    trail.append(path)
                    pending.append(iter(self._edges(path)))
        return tuple(order.values())

    def closure(self, path: str) -> set[str]:
        """Paths of all modules that the module at ``path`` is built with, through others too."""
        found: set[str] = set()
        pending = [path]
        while pending:
            new = set(self.by_path[pending.pop()].uses) - found
            found |= new
            pending.extend(new)
        return found - {path}

    def _edges(self, path: str) -> tuple[str, ...]:
        module = self.by_path[path]
        return module.uses if module.parent is None else (*module.uses, module.parent)


def read_reactor(repo: Path, root: str = "pom.xml") -> Reactor | None:
    """The reactor of the pom ``root``, which is relative to ``repo``; ``None`` if there is no such file.

    :raises CatalogError: a pom cannot be read, is larger than 1 MiB, broken or hostile.
    """
    if not is_file(repo, root):
        return None
    model = Model(repo)
    faults: list[Fault] = []
    model.adopt(_collect(repo, model, root, faults))
    by_name: dict[tuple[str, str], tuple[str, str]] = {}
    for pom in model.reactor.values():
        group, artifact, version = model.coordinates(pom)
        if (group, artifact) in by_name:
            also = by_name[group, artifact][0] or "."
            message = f"Maven has a module {visible(f'{group}:{artifact}')} already, in {visible(also)}"
            faults.append(Fault(pom.path, artifact, message))
        else:
            by_name[group, artifact] = pom.folder, version
    folders = {pom.path: pom.folder for pom in model.reactor.values()}

    def find(references: list[Reference], pom: Pom) -> tuple[str, ...]:
        found = []
        for reference in references:
            group, artifact = model.resolve(reference.group, pom), model.resolve(reference.artifact, pom)
            folder, version = by_name.get((group, artifact), ("", ""))
            wanted = model.resolve(reference.version, pom)
            elsewhere = wanted and version and wanted != version and not set(wanted + version) & set("${[(,")
            if folder and folder != pom.folder and not elsewhere:
                found.append(folder)
        return tuple(dict.fromkeys(found))

    modules = []
    for pom in model.reactor.values():
        line = model.lineage(pom)
        group, artifact, version = model.coordinates(pom)
        modules.append(
            Module(
                path=pom.folder,
                pom=pom.path,
                group=group,
                artifact=artifact,
                version=version,
                packaging=pom.packaging,
                parent=next((folders[p.path] for p in line[1:] if p.path in folders), None),
                uses=find([*(d for p in line for d in p.dependencies), *pom.plugins], pom),
                imports=find([d for p in line for d in p.imports], pom),
            )
        )
    return Reactor(tuple(modules), tuple(faults), model)


def _collect(repo: Path, model: Model, root: str, faults: list[Fault]) -> dict[str, Pom]:
    """The root's pom and those below it by path; what Maven would not find becomes a fault."""
    found: dict[str, Pom] = {}
    opened = {root}
    trail = [(model.pom(root), iter(_modules(repo, model, model.pom(root), faults)))]
    while trail:
        pom, below = trail[-1]
        path = next(below, None)
        if path is None:
            found[pom.path] = pom
            trail.pop()
        elif path not in opened:
            opened.add(path)
            trail.append((model.pom(path), iter(_modules(repo, model, model.pom(path), faults))))
    return found


def _modules(repo: Path, model: Model, pom: Pom, faults: list[Fault]) -> list[str]:
    """Paths of the poms that ``pom`` names as its modules."""
    found = []
    for written in pom.modules:
        module = model.resolve(written, pom).replace("\\", "/")
        path = posixpath.normpath(posixpath.join(pom.folder, module))
        if path.startswith(("../", "/")) or path == "..":
            faults.append(Fault(pom.path, written, "the module is outside of the repository"))
            continue
        path = posixpath.normpath(f"{path}/pom.xml") if is_folder(repo, path) else path
        if is_file(repo, path):
            found.append(path)
        else:
            folder = visible(posixpath.dirname(path))
            where = f"no pom.xml in {folder}" if path.endswith("/pom.xml") else "no such folder"
            faults.append(Fault(pom.path, written, f"the module does not exist: {where}"))
    return found
