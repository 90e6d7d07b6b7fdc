"""One ``pom.xml`` as it is written, before Maven's inheritance and interpolation.

A pom is untrusted: document type definitions, entities and external references are refused.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sdt_console.catalog.files import read_bytes
from sdt_console.errors import CatalogError
from sdt_console.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLUGINS = "org.apache.maven.plugins"


@dataclass(frozen=True)
class Reference:
    """Another project as a pom names it; texts may hold ``${…}``.

    :param relative_path: where a ``<parent>`` says its pom is; ``None`` if it says nothing.
    """

    group: str
    artifact: str
    version: str = ""
    relative_path: str | None = None


@dataclass(frozen=True)
class Pom:
    """A parsed ``pom.xml``; texts are as written and may hold ``${…}``.

    :param path: the file, from the repository root.
    :param modules: ``<module>`` texts in their order, those of profiles last.
    :param dependencies: ``<dependencies>``, those of profiles included.
    :param imports: bills of materials that ``<dependencyManagement>`` imports.
    :param plugins: build plugins and what those depend on.
    """

    path: str
    group: str
    artifact: str
    version: str
    packaging: str
    parent: Reference | None
    modules: tuple[str, ...]
    properties: Mapping[str, str]
    dependencies: tuple[Reference, ...]
    imports: tuple[Reference, ...]
    plugins: tuple[Reference, ...]
    tree: Element = field(repr=False, compare=False)

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path) or "."


def read_pom(repo: Path, path: str) -> Pom:
    """Parse the pom at ``path``, which is relative to ``repo``.

    :raises CatalogError: it cannot be read, is larger than 1 MiB, is not XML or not a Maven project, or
        declares entities or a document type.
    """
    content = read_bytes(repo, path)
    name = visible(path)
    try:
        tree = fromstring(content, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        raise CatalogError(
            f"{name} is not read",
            "it declares a document type or entities, which a pom needs not and an attack does",
            "remove the <!DOCTYPE …> from it",
        ) from error
    except ParseError as error:
        raise CatalogError(f"{name} is not well-formed XML", str(error), "correct it") from error
    except (ValueError, LookupError) as error:
        raise CatalogError(f"{name} cannot be decoded", visible(str(error)), "save it as UTF-8") from error
    for element in tree.iter():
        element.tag = local(element)
    if tree.tag != "project":
        raise CatalogError(
            f"{name} is not a Maven project", f"its root element is <{visible(tree.tag)[:80]}>"
        )
    return _pom(path, tree)


def local(element: Element) -> str:
    """Tag without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def text(element: Element, path: str) -> str:
    """Text of the first element at ``path`` below ``element``, trimmed; empty if there is none."""
    return (element.findtext(path) or "").strip()


def _pom(path: str, tree: Element) -> Pom:
    parts = [tree, *tree.findall("profiles/profile")]
    parent = tree.find("parent")
    properties = tree.find("properties")
    return Pom(
        path=path,
        group=text(tree, "groupId"),
        artifact=text(tree, "artifactId"),
        version=text(tree, "version"),
        packaging=text(tree, "packaging") or "jar",
        parent=None if parent is None else _parent(parent),
        modules=tuple(m for part in parts for m in _texts(part, "modules/module", "subprojects/subproject")),
        properties=MappingProxyType(
            {} if properties is None else {local(p): (p.text or "").strip() for p in properties}
        ),
        dependencies=tuple(r for part in parts for r in _references(part, "dependencies/dependency")),
        imports=tuple(
            _reference(d)
            for part in parts
            for d in part.findall("dependencyManagement/dependencies/dependency")
            if text(d, "scope") == "import"
        ),
        plugins=tuple(
            reference
            for part in parts
            for plugin in part.findall("build/plugins/plugin")
            for reference in (
                _reference(plugin, _PLUGINS),
                *_references(plugin, "dependencies/dependency"),
            )
        ),
        tree=tree,
    )


def _texts(part: Element, *paths: str) -> Iterator[str]:
    for path in paths:
        yield from ((found.text or "").strip() for found in part.findall(path) if (found.text or "").strip())


def _references(part: Element, path: str) -> Iterator[Reference]:
    return (_reference(found) for found in part.findall(path))


def _reference(element: Element, group: str = "") -> Reference:
    return Reference(text(element, "groupId") or group, text(element, "artifactId"), text(element, "version"))


def _parent(element: Element) -> Reference:
    where = element.find("relativePath")
    written = None if where is None else (where.text or "").strip()
    return Reference(text(element, "groupId"), text(element, "artifactId"), text(element, "version"), written)
