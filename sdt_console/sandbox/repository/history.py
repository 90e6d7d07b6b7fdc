"""The story of the generated repository: who merged what, and when.

A months-long history in the shape GitHub leaves behind: pull requests merged with a merge commit or squashed,
now and then a commit straight to the branch. The last commit merges one pull request that changes exactly one
service and a document, while the branch has moved on in between, so that only a comparison with the first
parent finds the right change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sdt_console.catalog.model import Catalog, Service, Shared
from sdt_console.sandbox.repository import root
from sdt_console.sandbox.repository.images import image_files
from sdt_console.sandbox.repository.modules import Files, Stage, noun, nouns, service_files, shared_files

AWKWARD_TITLE = (
    "Fix \"quotes\", 'apostrophes', `backticks` & $(subshells): ${{ github.token }} "
    "<script>alert(1)</script> \x1b[31mred\x1b[0m [/api] *bold* ::error::no \N{ROCKET}"
)
"""A title that breaks what pastes it into a shell, JSON, markup, a terminal or a workflow."""

FEATURES = {
    "recent": "List recent {}",
    "count": "Count {}",
    "archived": "List archived {}",
    "export": "Export {}",
    "history": "Show the history of {}",
}
"""Endpoint → title of the pull request that brings it."""

Changes = Mapping[str, str | None]
Module = Service | Shared


@dataclass(frozen=True)
class Chapter:
    """What reaches ``main`` in one go.

    :param title: the pull request's title, or the subject of a commit without one.
    :param branch: the pull request's branch; empty for a commit straight to ``main``.
    :param steps: subject and changes of each commit.
    :param squash: one commit instead of a merge commit.
    :param behind: how many earlier chapters the branch has not seen.
    """

    title: str
    branch: str
    steps: tuple[tuple[str, Changes], ...]
    squash: bool = False
    behind: int = 0


class _Teller:
    """Keeps the tree of ``main`` while the story is told, and renders only the modules that move."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.chapters: list[Chapter] = []
        self.stages: dict[str, Stage] = {}
        self.docs: Files = root.fixed_files(catalog)
        self.spring_boot = "3.3.4"
        self._images = image_files(catalog)
        self._rendered: dict[str, Files] = {}
        self._steps: list[tuple[str, Changes]] = []

    def set(self, module: Module, stage: Stage) -> None:
        self.stages[module.name] = stage

    def grow(self, module: Module, feature: str) -> None:
        stage = self.stages[module.name]
        self.set(module, replace(stage, features=(*stage.features, feature)))

    def commit(self, subject: str, *moved: Module) -> None:
        """Adds a step to the chapter: the root files and those of the modules that ``moved``."""
        changes: dict[str, str | None] = {}
        rendered = {"": self._root()} | {module.name: self._render(module) for module in moved}
        for name, new in rendered.items():
            old = self._rendered.get(name, {})
            changes |= {path: None for path in old if path not in new}
            changes |= {path: text for path, text in new.items() if old.get(path) != text}
            self._rendered[name] = new
        self._steps.append((subject, changes))

    def land(self, title: str, branch: str = "", squash: bool = False, behind: int = 0) -> None:
        """Ends the chapter: its steps reach ``main``."""
        self.chapters.append(Chapter(title, branch, tuple(self._steps), squash, behind))
        self._steps = []

    def _root(self) -> Files:
        shared = [module for module in self.catalog.shared if module.name in self.stages]
        services = [service for service in self.catalog.active if service.name in self.stages]
        pom = root.reactor(self.catalog, [*shared, *services], self.spring_boot)
        return self.docs | {"pom.xml": pom, "README.md": root.readme(self.catalog, services)}

    def _render(self, module: Module) -> Files:
        stage = self.stages[module.name]
        if isinstance(module, Shared):
            return shared_files(self.catalog, module, stage)
        return service_files(self.catalog, module, stage) | self._images[module.name]


def story(catalog: Catalog) -> list[Chapter]:
    """All chapters, oldest first. Pending services are in none of them."""
    teller = _Teller(catalog)
    teller.commit("Start the repository")
    teller.land("Start the repository")
    for shared in catalog.shared:
        teller.set(shared, Stage(("normalise",)))
        teller.commit(f"{shared.name}: first helper", shared)
        teller.land(f"Add {shared.name}", f"feature/{shared.name}", squash=True)
    _add_services(teller)
    services = _last_wave(catalog)
    for number, (service, feature) in enumerate(zip(services, [*FEATURES, *FEATURES], strict=False)):
        _feature(teller, service, feature, squash=number % 3 == 1)
        if number == 2:
            _maintenance(teller, services[0])
    _shared_change(teller)
    if services:
        _awkward(teller, services[-1])
    _final(teller, services)
    return teller.chapters


def _last_wave(catalog: Catalog) -> list[Service]:
    last = max((service.priority for service in catalog.active), default=0)
    return [service for service in catalog.active if service.priority == last]


def changed_at_head(catalog: Catalog) -> Service | None:
    """The one service that the last commit changes: the second of the last wave, if there are two."""
    candidates = _last_wave(catalog)[:2]
    return candidates[-1] if candidates else None


def _add_services(teller: _Teller) -> None:
    services = teller.catalog.active
    size = max(1, len(services) // 24)  # a large catalog must not make a long history
    for start in range(0, len(services), size):
        chunk = services[start : start + size]
        first = chunk[0].name
        for service in chunk:
            teller.set(service, Stage())
        teller.commit(f"{first}: application, settings and image", *chunk)
        for service in chunk:
            teller.grow(service, "list")
        teller.commit(f"{first}: first endpoint", *chunk)
        title = f"Add {first}" if len(chunk) == 1 else f"Add {first} and {len(chunk) - 1} more services"
        teller.land(title, f"feature/{first}", squash=start // size % 3 == 2)


def _feature(teller: _Teller, service: Service, feature: str, squash: bool) -> None:
    teller.grow(service, feature)
    teller.commit(f"{service.name}: {feature} endpoint", service)
    title = FEATURES[feature].format(nouns(service.name))
    teller.land(title, f"feature/{noun(service.name)}-{feature}", squash)


def _maintenance(teller: _Teller, service: Service) -> None:
    """A document, a rename, and an upgrade of the root build file."""
    teller.docs["docs/releases.md"] = "# Releases\n\nA release is a merge from one branch to the next.\n"
    teller.commit("docs: say what a release is")
    teller.land("docs: say what a release is")
    teller.set(service, replace(teller.stages[service.name], web=True))
    teller.commit(f"{service.name}: move the controller to its own package", service)
    teller.land(f"Tidy the packages of {service.name}", f"chore/{service.name}-packages")
    teller.spring_boot = "3.3.5"
    teller.commit("Bump spring-boot from 3.3.4 to 3.3.5")
    teller.land("Bump spring-boot from 3.3.4 to 3.3.5", "dependabot/maven/spring-boot-3.3.5")


def _shared_change(teller: _Teller) -> None:
    for shared in teller.catalog.shared[:1]:
        teller.grow(shared, "correlate")
        teller.commit(f"{shared.name}: carry the correlation id", shared)
        teller.land("Carry the correlation id through every service", "feature/correlation-id")


def _awkward(teller: _Teller, service: Service) -> None:
    teller.grow(service, "escape")
    teller.commit(f"{service.name}: escape what people type", service)
    teller.land(AWKWARD_TITLE, "fix/escaping")


def _final(teller: _Teller, services: list[Service]) -> None:
    """The merge at the head.

    Its branch has not seen what reached ``main`` since it began: a change of another service, if there is
    one, and a document.
    """
    head = changed_at_head(teller.catalog)
    others = services[2:3]
    for other in others:
        teller.grow(other, "summary")
        teller.commit(f"{other.name}: summary endpoint", other)
        teller.land(f"Summarise {nouns(other.name)}", f"feature/{noun(other.name)}-summary", squash=True)
    teller.docs["docs/on-call.md"] = "# On call\n\nRoll back first, then ask why.\n"
    teller.commit("docs: what to do on call")
    teller.land("docs: what to do on call")
    if head is None:
        teller.docs["docs/services.md"] = "# Services\n\nNone is written yet.\n"
        teller.commit("docs: there is no service yet")
        teller.land("Say that there is no service yet", "docs/services", behind=1)
        return
    what = nouns(head.name)
    teller.grow(head, "overdue")
    teller.commit(f"{head.name}: overdue endpoint", head)
    url = f"`GET /api/{head.name}/overdue`"
    teller.docs[f"docs/{head.name}.md"] = f"# {head.name}\n\n{url} lists overdue {what}.\n"
    teller.commit(f"docs: overdue {what}")
    teller.land(f"List overdue {what}", f"feature/overdue-{what}", behind=1 + len(others))
