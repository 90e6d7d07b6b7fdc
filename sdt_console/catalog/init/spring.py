"""``server.port`` of Spring (and Quarkus and Micronaut) applications, also from a config server's files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sdt_console.catalog.init.dockerfile import port_number
from sdt_console.catalog.init.scan import Tree, join
from sdt_console.catalog.init.yaml_text import documents, get, items, string

_KEYS = (("server", "port"), ("quarkus", "http", "port"), ("micronaut", "server", "port"))
_PROFILE_KEYS = (("spring", "config", "activate", "on-profile"), ("spring", "profiles"))
_NAME_KEYS = (("spring", "application", "name"), ("quarkus", "application", "name"))
_DEFAULT = re.compile(r"\$\{[^${}:]*:([^${}]*)\}")
_OWN = re.compile(r"^(application|bootstrap)(?:-([\w-]+))?\.(?:ya?ml|properties)$")
_CONTAINER = ("docker", "container", "ecs", "aws", "prod", "production", "kubernetes", "k8s")
_PLACES = ("src/main/resources", "src/main/resources/config", "config", "resources", ".")
_REPOSITORIES = frozenset(
    {"config-repo", "config-repository", "configuration", "configurations", "cloud-config", "shared-config"}
    | {"config-files", "configs", "spring-config", "config-data"}
)


def own_port(tree: Tree, folder: str, profiles: str) -> tuple[int, str] | None:
    """Port of the application in ``folder`` and the file that says so.

    :param profiles: active profiles, separated by commas, as far as Docker or compose set them.
    """
    active = [p.strip() for p in profiles.split(",") if p.strip()]
    found: dict[str, tuple[int, str]] = {}
    for place in _PLACES:
        where = join(folder, place)
        for name in sorted(tree.files.get(where, ())):
            own = _OWN.match(name)
            if own is None:
                continue
            for profile, values in _documents(tree, join(where, name)):
                port = _port(values)
                if port is not None:
                    found.setdefault(own[2] or profile, (port, join(where, name)))
        if found:
            break
    order = [*reversed(active), "", *(_CONTAINER if not active else ())]
    return next((found[profile] for profile in order if profile in found), None)


def application_name(tree: Tree, folder: str) -> str:
    """``spring.application.name`` of the application in ``folder``; empty if it says none."""
    for place in _PLACES:
        where = join(folder, place)
        for name in sorted(tree.files.get(where, ())):
            if _OWN.match(name):
                for _, values in _documents(tree, join(where, name)):
                    named = next((string(get(values, *k)) for k in _NAME_KEYS if get(values, *k)), "")
                    if named and "$" not in named:
                        return named
    return ""


def served_ports(tree: Tree, config_server: str) -> dict[str, tuple[int, str]]:
    """What the config server in ``config_server`` serves: application → (port, file).

    Its files lie in folders below its resources, or in a folder of the repository made for them.
    """
    resources = join(config_server, "src/main/resources")
    folders = [f for f in tree.below(resources) if f != resources]
    folders += [f for f in tree.files if f.rpartition("/")[2] in _REPOSITORIES and f not in folders]
    found: dict[str, tuple[int, str]] = {}
    for folder in folders:
        for name in sorted(tree.files.get(folder, ()), key=lambda n: (len(n), n)):
            stem, dot, kind = name.rpartition(".")
            if not dot or kind not in ("yml", "yaml", "properties"):
                continue
            if stem in ("application", "bootstrap") and folder.rpartition("/")[0] != resources:
                stem = folder.rpartition("/")[2]  # account-service/application.yml
            for profile, values in _documents(tree, join(folder, name)):
                port = _port(values)
                if port is not None and profile in ("", *_CONTAINER):
                    found.setdefault(stem, (port, join(folder, name)))
    return found


def _documents(tree: Tree, path: str) -> Iterator[tuple[str, Any]]:
    """(profile, values) of each document; the profile is empty where it holds always."""
    if path.endswith(".properties"):
        for part in re.split(r"^#---[ \t]*$", tree.read(path, 256 << 10), flags=re.MULTILINE):
            values = _properties(part)
            yield _profile(values), values
        return
    for values in documents(tree, path):
        yield _profile(values), values


def _properties(text: str) -> dict[str, str]:
    pairs = (
        re.split(r"[=:]", line, maxsplit=1) for line in text.splitlines() if line.strip()[:1] not in "#!"
    )
    return {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2}


def _profile(values: Any) -> str:
    for keys in _PROFILE_KEYS:
        value = get(values, *keys)
        names = items(value) or [value]
        if isinstance(names[0], str) and names[0]:
            return re.split(r"[,&|\s]", names[0])[0]
    return ""


def _port(values: Any) -> int | None:
    for keys in _KEYS:
        text = string(get(values, *keys)).strip()
        for _ in range(4):  # ${SERVER_PORT:${PORT:8080}}
            text = _DEFAULT.sub(lambda m: m[1], text)
        number = port_number(text)
        if number is not None:
            return number
    return None
