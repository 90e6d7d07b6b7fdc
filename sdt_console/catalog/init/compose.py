"""Compose files: what they build, the ports inside of the containers, and who depends on whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sdt_console.catalog.init.dockerfile import expand, port_number
from sdt_console.catalog.init.scan import Tree, compose_files, join, lesser
from sdt_console.catalog.init.yaml_text import documents, items, mapping, string
from sdt_console.text import visible

_SECRET = re.compile(r"token|secret|passw|credential|private|_key$|^key|apikey|auth", re.IGNORECASE)
_ASIDE = frozenset({"dev", "development", "test", "testing", "tests", "debug", "ci", "e2e", "example"})


@dataclass
class ComposeService:
    """One service of a compose file.

    :param file: compose file, from the repository root.
    :param lesser: the file is for development or one machine only; its ports count less.
    :param dockerfile: what it builds, from the repository root; empty if it only has an image.
    :param ports: ports inside of the container that it publishes; ``expose``d ones in ``exposed``.
    :param lost: it builds something that is not to be found here.
    :param told: what its environment says: ``SERVER_PORT`` or ``PORT``.
    """

    name: str
    file: str
    lesser: bool
    image: str = ""
    context: str = ""
    dockerfile: str = ""
    build_args: dict[str, str] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)
    exposed: list[int] = field(default_factory=list)
    told: int | None = None
    profiles: str = ""
    lost: bool = False
    needs: list[str] = field(default_factory=list)


def read_compose(tree: Tree) -> list[ComposeService]:
    """Services of all compose files, the plainest files first; a name may come more than once."""
    found = []
    for path in compose_files(tree):
        folder = path.rpartition("/")[0] or "."
        env = _dotenv(tree, folder)
        for document in documents(tree, path):
            top = mapping(document)
            table = mapping(top.get("services")) if "services" in top else top
            for name, value in table.items():
                body = mapping(value)
                known = "services" in top or bool({"image", "build"} & set(body))
                if known and body and not set(map(string, items(body.get("profiles")))) & _ASIDE:
                    found.append(_service(tree, path, str(name), _extended(body, table), env))
    return found


def _extended(body: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """``body`` upon what it ``extends`` in the same file."""
    extends = body.get("extends")
    base = string(mapping(extends).get("service")) if isinstance(extends, dict) else string(extends)
    elsewhere = isinstance(extends, dict) and "file" in extends
    inherited = {} if elsewhere else mapping(table.get(base))
    return {**inherited, **body}


def _service(
    tree: Tree, path: str, name: str, body: Mapping[str, Any], env: Mapping[str, str]
) -> ComposeService:
    service = ComposeService(name=name, file=path, lesser=lesser(path))
    # values of an .env file may be secrets: they count for ports and folders, and are not told
    service.image = expand(string(body.get("image")), {})
    folder = path.rpartition("/")[0] or "."
    _build(tree, service, body.get("build"), folder, env)
    for entry in items(body.get("ports")):
        service.ports += _port(entry, env)
    for entry in items(body.get("expose")):
        service.exposed += _port(entry, env)
    told = _pairs(body.get("environment"))
    for key in ("SERVER_PORT", "PORT", "HTTP_PORT"):
        number = port_number(expand(told.get(key, ""), env))
        if number is not None:
            service.told = number
            break
    service.profiles = told.get("SPRING_PROFILES_ACTIVE", "")
    depends = body.get("depends_on")
    names = list(depends) if isinstance(depends, dict) else items(depends)
    names += [string(link).partition(":")[0] for link in items(body.get("links"))]
    service.needs = list(dict.fromkeys(n for n in map(string, names) if n and n != name))
    return service


def _build(tree: Tree, service: ComposeService, build: Any, folder: str, env: Mapping[str, str]) -> None:
    """Fill in what ``service`` builds, if that is in the repository."""
    if not build:
        return
    service.lost = True
    table = mapping(build) if isinstance(build, dict) else {"context": build}
    written = string(table.get("context")) or "."
    context = expand(written, env)
    where = join(folder, context)
    dockerfile = join(where, expand(string(table.get("dockerfile")) or "Dockerfile", env))
    told = f"{visible(service.file)}: {visible(service.name)}"
    if "://" in context or context.startswith("git@"):
        tree.remark(f"{told} is built from elsewhere: left out")
    elif where.startswith(("..", "/")) or where not in tree.files:
        tree.remark(
            f"{told} is built in {visible(written)}, which is not a folder of the repository: left out"
        )
    elif not tree.has(dockerfile) or dockerfile in tree.files:
        tree.remark(f"{told} names no Dockerfile that exists: left out")
    else:
        service.lost = False
        service.context = where
        service.dockerfile = dockerfile
        service.build_args = _arguments(tree, told, table.get("args"))


def _arguments(tree: Tree, told: str, args: Any) -> dict[str, str]:
    """Build arguments as far as the compose file itself gives them, and they are no secrets."""
    found = {}
    for key, value in _pairs(args).items():
        if _SECRET.search(key):
            continue
        text = expand(value, {})
        if re.fullmatch(r"[A-Za-z_]\w*", key) and not set("{}$") & set(text):
            found[key] = text
        else:
            tree.remark(f"{told}: build argument {visible(key)} comes from the environment: left out")
    return found


def _pairs(value: Any) -> dict[str, str]:
    """A mapping, or a list of ``NAME=value``, as a mapping of texts."""
    if isinstance(value, dict):
        return {str(k): v for k, v in mapping(value).items() if isinstance(v, str) and v}
    pairs = (entry.partition("=") for entry in items(value) if isinstance(entry, str))
    return {name.strip(): text for name, _, text in pairs if text}


def _port(entry: Any, env: Mapping[str, str]) -> list[int]:
    """The container's side of one entry of ``ports`` or ``expose``."""
    if isinstance(entry, dict):
        udp = string(entry.get("protocol")).lower() == "udp"
        number = None if udp else port_number(expand(string(entry.get("target")), env))
    else:
        number = port_number(expand(string(entry), env).rpartition(":")[2])
    return [] if number is None else [number]


def _dotenv(tree: Tree, folder: str) -> dict[str, str]:
    """``.env`` beside a compose file, from which compose takes its variables."""
    if ".env" not in tree.files.get(folder, ()):
        return {}
    lines = (line.strip() for line in tree.read(join(folder, ".env"), 64 << 10).splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs if value}
