"""Where the catalog and the Maven reactor disagree, found before Maven would."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from sdt_console.catalog.files import GENERATED, is_file, is_folder, walk
from sdt_console.catalog.maven import Module, Reactor, read_reactor
from sdt_console.catalog.model import Catalog, Service, Shared
from sdt_console.catalog.problem import Problem
from sdt_console.errors import CatalogError
from sdt_console.text import visible

_SHOWN = 5


def compare(catalog: Catalog, repo: Path) -> list[Problem]:
    """What a person should correct in ``catalog`` or in the poms of ``repo``, the catalog's order.

    An ``error`` lets a build fail or a change go unnoticed; a ``remark`` only costs time. Pending services
    and parts without a pom are not compared; a repository without a ``pom.xml`` at its root has no problems.
    """
    try:
        reactor = read_reactor(repo)
        if reactor is None:
            return []
        problems = [Problem(fault.pom, fault.value, fault.message) for fault in reactor.faults]
        _ = reactor.build_order
    except CatalogError as error:
        return [Problem("pom.xml", None, ": ".join(filter(None, (error.what, error.cause))))]
    view = _View(catalog, repo, reactor)
    parts: list[Service | Shared] = [*catalog.shared, *catalog.active]
    for part in parts:
        problems.extend(view.path(part))
    for part in parts:
        problems.extend(view.uses(part))
    problems.extend(view.order())
    problems.extend(view.strays())
    return problems


class _View:
    """Catalog and reactor side by side."""

    def __init__(self, catalog: Catalog, repo: Path, reactor: Reactor) -> None:
        self.catalog = catalog
        self.repo = repo
        self.reactor = reactor
        self.shared = {shared.name: shared for shared in catalog.shared}
        self.shared_at = {_folder(shared.path): shared.name for shared in catalog.shared}
        self.service_at = {_folder(service.path): service.name for service in catalog.services}

    def path(self, part: Service | Shared) -> Iterator[Problem]:
        folder = _folder(part.path)
        if folder in self.reactor.by_path:
            return
        key = f"{_key(part)}.path"
        if not is_folder(self.repo, folder):
            yield Problem(key, part.path, f"there is no such folder; {self._nearest(folder)}")
        elif is_file(self.repo, f"{folder}/pom.xml"):
            yield Problem(key, part.path, f"not a module of the Maven reactor; {self._nearest(folder)}")

    def _nearest(self, folder: str) -> str:
        """The modules that exist, as text, the ones most like ``folder`` first."""

        def likeness(path: str) -> float:
            names = SequenceMatcher(None, posixpath.basename(folder), posixpath.basename(path)).ratio()
            return names + SequenceMatcher(None, folder, path).ratio()

        paths = sorted((m.path for m in self.reactor.modules if m.path != "."), key=likeness, reverse=True)
        shown = ", ".join(visible(path) for path in paths[:_SHOWN])
        if not paths:
            return "the reactor has no modules"
        return f"modules: {shown}" + (f", … ({len(paths)} in all)" if len(paths) > _SHOWN else "")

    def uses(self, part: Service | Shared) -> Iterator[Problem]:
        """Where ``uses`` and ``build_after`` are not what the module is built with."""
        module = self.reactor.by_path.get(_folder(part.path))
        if module is None:
            return
        key = _key(part)
        said = self._uses(part.uses)
        earlier = self._built_before(part) if isinstance(part, Service) else set()
        for needed in self._needed(module):
            pom = f"{visible(module.pom)} depends on {visible(needed.artifact)}"
            shared, service = self.shared_at.get(needed.path), self.service_at.get(needed.path)
            if shared is not None and shared not in said:
                yield Problem(f"{key}.uses", list(part.uses), f"{pom}; add {shared}")
            elif shared is None and service is not None and service not in earlier:
                if isinstance(part, Service):
                    yield Problem(f"{key}.build_after", list(part.build_after), f"{pom}; add {service}")
                else:
                    yield Problem(
                        key, None, f"{pom}, which is the service {service}: make it a shared module"
                    )
            elif shared is None and service is None:
                where = visible(needed.path)
                yield Problem(f"{key}.uses", list(part.uses), f"{pom}; add a shared module with path {where}")
        built_with = self.reactor.closure(module.path)
        for index, name in enumerate(part.uses):
            used = self.shared.get(name)
            if used and _folder(used.path) in self.reactor.by_path and _folder(used.path) not in built_with:
                message = (
                    f"{visible(module.pom)} does not depend on it: its changes build {part.name} in vain"
                )
                yield Problem(f"{key}.uses[{index}]", name, message, "remark")

    def _needed(self, module: Module) -> list[Module]:
        """What ``module`` is built with; through modules that only bundle others, as far as known ones."""
        found: dict[str, Module] = {}
        pending = list(module.uses)
        while pending:
            path = pending.pop(0)
            if path in found or path == module.path:
                continue
            found[path] = self.reactor.by_path[path]
            if path not in self.shared_at and path not in self.service_at:
                pending.extend(found[path].uses)
        return [m for m in found.values() if m.packaging != "pom" or m.path in self.shared_at]

    def _uses(self, names: tuple[str, ...]) -> set[str]:
        found: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name not in found:
                found.add(name)
                pending.extend(self.shared[name].uses if name in self.shared else ())
        return found

    def _built_before(self, service: Service) -> set[str]:
        found: set[str] = set()
        pending = list(service.build_after)
        while pending:
            name = pending.pop()
            if name not in found:
                found.add(name)
                pending.extend(self.catalog.by_name[name].build_after if name in self.catalog.by_name else ())
        return found

    def order(self) -> Iterator[Problem]:
        """Shared modules that the catalog builds before what they need."""
        place = {name: index for index, name in enumerate(self.shared)}
        for shared in self.catalog.shared:
            if _folder(shared.path) not in self.reactor.by_path:
                continue
            below = self.reactor.closure(_folder(shared.path))
            late = [self.shared_at[p] for p in below if p in self.shared_at]
            for name in sorted((n for n in late if place[n] > place[shared.name]), key=place.__getitem__):
                message = f"it is built before {name}, which it depends on: put it after {name}"
                yield Problem(f"shared.{shared.name}", None, message)

    def strays(self) -> Iterator[Problem]:
        """Folders with a pom that no ``<modules>`` names; of a tree of them only the top."""
        reported: list[str] = []
        skip = GENERATED | {"test", "tests", "it", "main", "resources"}
        for folder, _, files in walk(self.repo, skip):
            below = any(folder.startswith(f"{top}/") for top in reported)
            if "pom.xml" not in files or below or folder in self.reactor.by_path:
                continue
            reported.append(folder)
            if folder not in self.shared_at and folder not in self.service_at:
                message = "no <modules> names this folder: Maven does not build it"
                yield Problem(visible(f"{folder}/pom.xml"), None, message, "remark")


def _key(part: Service | Shared) -> str:
    return f"{'services' if isinstance(part, Service) else 'shared'}.{part.name}"


def _folder(path: str) -> str:
    return posixpath.normpath(path)
