"""Maven: modules, what they are built with, and how their poms feed Docker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from xml.etree.ElementTree import Element

from sdt_console.catalog.init.builds.project import Project, telling
from sdt_console.catalog.init.scan import Tree, aside, join
from sdt_console.catalog.maven import Module, Reactor, read_reactor
from sdt_console.catalog.pom import Pom, text
from sdt_console.errors import CatalogError

_PORT_NAME = re.compile(
    r"(?:container|docker|expose[d]?|image)(?:[.\-_].*)?port$|^(?:app|application|server|service|http)[.\-_]port$",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(r"docker.*(?:file|dir)", re.IGNORECASE)
_FILE_TAGS = ("dockerfile", "dockerFile", "dockerDirectory", "dockerFileDir", "workingDirectory")
_CONTEXT_TAGS = ("contextDirectory", "contextDir")
_PROGRAM_PLUGINS = (
    "spring-boot-maven-plugin",
    "quarkus-maven-plugin",
    "jib-maven-plugin",
    "micronaut-maven-plugin",
)
_MAIN = re.compile(r"(?:Application|Main|Server)\.(?:java|kt)$")
_SPRING = re.compile(r"(?:application|bootstrap)[\w-]*\.(?:ya?ml|properties)$")
_ROOTS = 200


def read(tree: Tree) -> list[Project]:
    """Every module of every reactor in the repository; poms that cannot be read become remarks."""
    found: dict[str, Project] = {}
    roots = sorted((p for p in tree.named("pom.xml") if not aside(p)), key=lambda p: (p.count("/"), p))
    for path in roots[:_ROOTS]:
        folder = path.rpartition("/")[0] or "."
        if folder in found:
            continue
        try:
            reactor = read_reactor(tree.repo, path)
        except CatalogError as error:
            tree.remark(f"{error.what}: {error.cause}")
            continue
        for module in reactor.modules if reactor else ():
            if reactor and module.path in tree.files and module.path not in found:
                found[module.path] = _project(tree, reactor, module)
    return list(found.values())


def _project(tree: Tree, reactor: Reactor, module: Module) -> Project:
    model = reactor.model
    pom = model.reactor[module.pom]
    line = model.lineage(pom)
    governing = [p.path for p in line[1:] if p.path in model.reactor and p.path != pom.path]
    governing += [reactor.by_path[path].pom for path in module.imports]
    return Project(
        path=module.path,
        kind="java",
        name=module.artifact,
        version=module.version,
        uses=module.uses,
        program=_is_program(tree, module, pom),
        aggregate=module.packaging == "pom",
        port=_port(reactor, pom, line),
        build_files=tuple(dict.fromkeys(governing)),
        libraries=telling(" ".join(d.artifact for p in line for d in p.dependencies)),
        dockerfile=_dockerfile(tree, reactor, pom, line),
        context=_context(reactor, pom, line),
        build_args=_build_args(reactor, pom, line),
    )


def _is_program(tree: Tree, module: Module, pom: Pom) -> bool:
    if module.packaging == "pom":
        return False
    plugins = {plugin.artifact for plugin in pom.plugins}
    if module.packaging == "war" or plugins & set(_PROGRAM_PLUGINS):
        return True
    if any(_SPRING.match(name) for name in tree.files.get(join(module.path, "src/main/resources"), ())):
        return True
    sources = (f for kind in ("java", "kotlin") for f in tree.below(join(module.path, f"src/main/{kind}")))
    return any(_MAIN.search(name) for folder in sources for name in tree.files[folder])


def _port(reactor: Reactor, pom: Pom, line: list[Pom]) -> tuple[int, str] | None:
    for ancestor in line:
        texts = [value for name, value in ancestor.properties.items() if _PORT_NAME.search(name)]
        texts += [
            (port.text or "")
            for plugin in _plugins(ancestor)
            if "jib" in text(plugin, "artifactId") or "docker" in text(plugin, "artifactId")
            for port in plugin.iter("port")
        ]
        for value in texts:
            number = re.fullmatch(r"(?:\d+:)?(\d{2,5})(?:/tcp)?", reactor.model.resolve(value.strip(), pom))
            if number and int(number[1]) <= 65535:
                return int(number[1]), ancestor.path
    return None


def _dockerfile(tree: Tree, reactor: Reactor, pom: Pom, line: list[Pom]) -> str:
    for ancestor in line:
        texts = [value for name, value in ancestor.properties.items() if _FILE_NAME.search(name)]
        texts += [
            (e.text or "") for plugin in _plugins(ancestor) for tag in _FILE_TAGS for e in plugin.iter(tag)
        ]
        for written in texts:
            value = reactor.model.resolve(written.strip(), pom)
            for path in (join(".", value), join(pom.folder, value)):
                for file in (path, join(path, "Dockerfile")):
                    if value and file.rpartition("/")[2] in tree.files.get(
                        file.rpartition("/")[0] or ".", ()
                    ):
                        return file
    return ""


def _context(reactor: Reactor, pom: Pom, line: list[Pom]) -> str:
    for ancestor in line:
        for plugin in _plugins(ancestor):
            for tag in _CONTEXT_TAGS:
                for element in plugin.iter(tag):
                    return _inside(reactor, (element.text or "").strip(), pom)
            arguments = [(e.text or "").strip() for e in plugin.iter("argument")]
            if "build" in arguments and arguments[-1] and not arguments[-1].startswith("-"):
                return _inside(reactor, arguments[-1], pom)
    return ""


def _inside(reactor: Reactor, written: str, pom: Pom) -> str:
    value = reactor.model.resolve(written, pom)
    path = join("." if "basedir" in written or "build.directory" in written else pom.folder, value)
    return "" if path.startswith(("..", "/")) or "$" in path else path


def _build_args(reactor: Reactor, pom: Pom, line: list[Pom]) -> dict[str, str]:
    for ancestor in line:
        found: dict[str, str] = {}
        for plugin in _plugins(ancestor):
            arguments = [(e.text or "").strip() for e in plugin.iter("argument")]
            for flag, value in pairwise(arguments):
                if flag == "--build-arg" and "=" in value:
                    found.setdefault(*value.split("=", 1))
            if "docker" in text(plugin, "artifactId"):
                for tag in ("buildArgs", "args"):
                    for element in plugin.iter(tag):
                        for child in element:
                            found.setdefault(str(child.tag), (child.text or "").strip())
        if found:
            return {name: reactor.model.resolve(value, pom) for name, value in found.items()}
    return {}


def _plugins(pom: Pom) -> Iterator[Element]:
    return pom.tree.iter("plugin")
