"""Build systems of which only a little is read: .NET and Rust references, Ruby and PHP by their files."""

from __future__ import annotations

import tomllib
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.scan import Tree, aside, join
from sdt_console.text import visible

_DOTNET_FILES = ("Directory.Build.props", "Directory.Packages.props", "global.json")
_PLAIN = {"Gemfile": "ruby", "composer.json": "php", "mix.exs": "elixir"}


def read(tree: Tree) -> list[Project]:
    found: list[Project] = []
    for folder, names in tree.files.items():
        for name in names:
            path = join(folder, name)
            if aside(path):
                break
            if name.endswith((".csproj", ".fsproj", ".vbproj")):
                found.append(_dotnet(tree, path))
            elif name == "Cargo.toml":
                found.append(_rust(tree, path))
            elif name in _PLAIN:
                found.append(Project(folder, _PLAIN[name]))
    return found


def _dotnet(tree: Tree, path: str) -> Project:
    folder = path.rpartition("/")[0] or "."
    text = tree.read(path)
    used: list[str] = []
    program: bool | None = None
    try:
        root = fromstring(text, forbid_dtd=True) if text else None
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        tree.remark(f"{visible(path)} is skipped: it is not a plain project file")
        root = None
    if root is not None:
        program = "Sdk.Web" in root.get("Sdk", "") or "Sdk.Worker" in root.get("Sdk", "") or None
        for element in root.iter():
            if isinstance(element.tag, str) and element.tag.rpartition("}")[2] == "ProjectReference":
                target = join(folder, element.get("Include", "").replace("\\", "/"))
                used.append(target.rpartition("/")[0] or ".")
    above = [folder]
    while above[-1] not in (".", ""):
        above.append(above[-1].rpartition("/")[0] or ".")
    governing = [join(place, name) for place in above[1:] for name in _DOTNET_FILES]
    return Project(
        path=folder,
        kind="dotnet",
        uses=tuple(dict.fromkeys(u for u in used if u in tree.files and u != folder)),
        program=program,
        build_files=tuple(f for f in governing if tree.has(f)),
    )


def _rust(tree: Tree, path: str) -> Project:
    folder = path.rpartition("/")[0] or "."
    try:
        table: dict[str, Any] = tomllib.loads(tree.read(path))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        tree.remark(f"{visible(path)} is skipped: it is not valid TOML")
        table = {}
    wanted = table.get("dependencies")
    values = wanted.values() if isinstance(wanted, dict) else ()
    paths = [v["path"] for v in values if isinstance(v, dict) and isinstance(v.get("path"), str)]
    used = [join(folder, p) for p in paths]
    return Project(
        path=folder,
        kind="rust",
        uses=tuple(dict.fromkeys(u for u in used if u in tree.files and u != folder)),
        aggregate="workspace" in table and "package" not in table,
    )
