"""Gradle: what settings include and build scripts depend on, read as text, never evaluated."""

from __future__ import annotations

import re

from sdt_console.catalog.init.builds.project import Project, telling
from sdt_console.catalog.init.scan import Tree, aside, join

_TOKEN = re.compile(r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|//[^\n]*|/\*.*?(?:\*/|\Z)""", re.DOTALL)
_INCLUDE = re.compile(r"""\binclude\s*\(?\s*((?:["'][^"'\n]+["']\s*,?\s*)+)""")
_QUOTED = re.compile(r"""["']([^"'\n]+)["']""")
_MOVED = re.compile(
    r"""project\(\s*["'](:[^"'\n]+)["']\s*\)\.projectDir\s*=[^"'\n]{0,80}["']([^"'\n]+)["']"""
)
_PROJECT = re.compile(r"""\bproject\s*\(\s*(?:path\s*[:=]\s*)?["'](:[^"'\n]+)["']""")
_ACCESSOR = re.compile(r"\bprojects((?:\.[a-z]\w*)+)")
_NAME = re.compile(r"""\brootProject\.name\s*=\s*["']([^"'\n]+)["']""")
_BUILD = re.compile(r"""\bincludeBuild\s*\(?\s*["']([^"'\n]+)["']""")
_PROGRAM = re.compile(
    r"""(?:id[\s(]*["'](?:application|com\.google\.cloud\.tools\.jib|io\.quarkus|io\.ktor\.plugin"""
    r"""|io\.micronaut\.(?:minimal\.)?application|org\.springframework\.boot)["']\)?(?![^\n]*\bapply\s+false)"""
    r"""|^[ \t]*`?application`?[ \t]*$|\bbootJar\b"""
    r"""|alias\(libs\.plugins\.spring\.?boot\w*\)(?![^\n]*apply\s+false)"""
    r"""|apply\s+plugin:\s*["'](?:application|org\.springframework\.boot)["'])""",
    re.MULTILINE | re.IGNORECASE,
)
_LIBRARY = re.compile(r"""\bbootJar\b[^}]{0,80}\benabled\s*=\s*false""", re.DOTALL)
_PORT = re.compile(
    r"""\b(?:ports\s*=\s*(?:listOf|setOf)?\s*[\[(]|exposePort\s*\(?)\s*["']?(\d{2,5})\b""", re.IGNORECASE
)
_SCRIPTS = ("build.gradle", "build.gradle.kts")
_SETTINGS = ("settings.gradle", "settings.gradle.kts")
_ROOT_FILES = (*_SETTINGS, *_SCRIPTS, "gradle.properties", "gradle/libs.versions.toml")


def read(tree: Tree) -> list[Project]:
    """Every Gradle project: those that a settings file includes, and folders with a build script."""
    roots = [p.rpartition("/")[0] or "." for p in tree.named(*_SETTINGS) if not aside(p)]
    found: dict[str, Project] = {}
    for root in sorted(set(roots), key=lambda path: path.count("/")):
        for project in _build(tree, root):
            found.setdefault(project.path, project)
    for path in tree.named(*_SCRIPTS):
        folder = path.rpartition("/")[0] or "."
        if folder not in found and not aside(path):
            script = _script(tree, folder)
            found[folder] = _project(folder, script, root=folder, name="", uses=(), build_files=())
    return list(found.values())


def root_name(tree: Tree, folder: str = ".") -> str:
    """``rootProject.name`` of the settings file in ``folder``."""
    for name in _SETTINGS:
        if name in tree.files.get(folder, ()):
            named = _NAME.search(tree.read(join(folder, name)))
            if named:
                return named[1]
    return ""


def _build(tree: Tree, root: str) -> list[Project]:
    """The projects of the build whose settings file is in ``root``."""
    settings = "\n".join(plain(tree.read(join(root, name))) for name in _SETTINGS if name in tree.files[root])
    names = [q for found in _INCLUDE.finditer(settings) for q in _QUOTED.findall(found[1])]
    folders = {":": root}
    for name in names:
        parts = name.strip(":").split(":")
        for depth in range(1, len(parts) + 1):
            folders.setdefault(":" + ":".join(parts[:depth]), join(root, "/".join(parts[:depth])))
    folders |= {name: join(root, path) for name, path in _MOVED.findall(settings)}
    if not names:  # a settings file that computes its includes
        folders |= {
            ":" + folder.removeprefix(f"{root}/").replace("/", ":"): folder
            for folder in tree.below(root)
            if folder != root and set(_SCRIPTS) & set(tree.files[folder])
        }
    accessors = {_accessor(name): name for name in folders}
    extra = [join(root, path) for path in ("buildSrc", *_BUILD.findall(settings))]
    plugins = tuple(path for path in dict.fromkeys(extra) if path in tree.files)
    governing = tuple(join(root, f) for f in _ROOT_FILES if tree.has(join(root, f)))
    scripts = {name: _script(tree, folder) for name, folder in folders.items() if folder in tree.files}
    inherited = _uses(scripts.get(":", ""), accessors) if "subprojects" in scripts.get(":", "") else []
    projects = []
    for name, script in scripts.items():
        own = [] if name == ":" else [*_uses(script, accessors), *inherited]
        used = [folders[n] for n in dict.fromkeys(own) if n in folders and n != name]
        aggregate = name == ":" and len(folders) > 1 and not tree.has(join(root, "src"))
        if not script and not aggregate and not tree.has(join(folders[name], "src")):
            continue  # a folder that only groups others
        files = governing if name != ":" else ()
        projects.append(_project(folders[name], script, root, name, (*used, *plugins), files, aggregate))
    projects += [Project(path, "java", aggregate=False, program=False) for path in plugins]
    return projects


def _project(
    folder: str,
    script: str,
    root: str,
    name: str,
    uses: tuple[str, ...],
    build_files: tuple[str, ...],
    aggregate: bool = False,
) -> Project:
    port = _PORT.search(script)
    where = join(folder, "build.gradle")
    return Project(
        path=folder,
        kind="java",
        name=name.rpartition(":")[2],
        uses=tuple(dict.fromkeys(used for used in uses if used != folder)),
        program=False if aggregate else bool(_PROGRAM.search(script)) and not _LIBRARY.search(script),
        aggregate=aggregate,
        port=(int(port[1]), where) if port and int(port[1]) <= 65535 else None,
        build_files=build_files if folder != root else (),
        libraries=telling(script),
    )


def _script(tree: Tree, folder: str) -> str:
    for name in (*_SCRIPTS, f"{folder.rpartition('/')[2]}.gradle", f"{folder.rpartition('/')[2]}.gradle.kts"):
        if name in tree.files.get(folder, ()):
            return plain(tree.read(join(folder, name)))
    return ""


def plain(script: str) -> str:
    """``script`` without its comments; what looks like one inside of a string stays."""
    return _TOKEN.sub(lambda found: found[1] or " ", script)


def _uses(script: str, accessors: dict[str, str]) -> list[str]:
    found = _PROJECT.findall(script)
    for path in _ACCESSOR.findall(script):
        parts = path.strip(".").lower().split(".")
        # projects.libs.web.get() has more after the project's own name
        names = (accessors.get(".".join(parts[:end])) for end in range(len(parts), 0, -1))
        found += [name for name in names if name][:1]
    return found


def _accessor(name: str) -> str:
    """The name Gradle's type-safe accessors give ``:libs:web-util``, in lower case: ``libs.webutil``."""
    return re.sub(r"[-_]", "", name.strip(":")).replace(":", ".").lower()
