"""Go: modules, ``replace`` directives, workspaces, and the packages of one module that services share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.scan import Tree, aside, join

_MODULE = re.compile(r"^module[ \t]+\"?([^\s\"]+)", re.MULTILINE)
_REPLACE = re.compile(
    r"^[ \t]*(?:replace[ \t]+)?[^\s()]+(?:[ \t]+v\S+)?[ \t]+=>[ \t]+(\.{1,2}/\S*|\.{1,2})[ \t]*$",
    re.MULTILINE,
)
_USE = re.compile(r"^[ \t]*(?:use[ \t]+)?\"?(\.{0,2}/?[\w./-]+)\"?[ \t]*$", re.MULTILINE)
_REQUIRE = re.compile(r"^[ \t]*(?:require[ \t]+)?([\w.~-]+(?:/[\w.~-]+)*)[ \t]+v\S+", re.MULTILINE)
_QUOTED = re.compile(r"\"([^\"\n]+)\"")
_FILES = 2_000


def read(tree: Tree) -> list[Project]:
    """Every folder with a ``go.mod``."""
    texts = {p.rpartition("/")[0] or ".": _plain(tree.read(p)) for p in tree.named("go.mod") if not aside(p)}
    modules = {folder: name[1] for folder, text in texts.items() if (name := _MODULE.search(text))}
    work = {
        join(root, path): root
        for root, text in ((p.rpartition("/")[0] or ".", _plain(tree.read(p))) for p in tree.named("go.work"))
        for path in _USE.findall(text)
    }
    found: list[Project] = []
    for folder, text in texts.items():
        used = [join(folder, path) for path in _REPLACE.findall(text)]
        if folder in work:
            neighbours = {modules[f]: f for f, root in work.items() if root == work[folder] and f in modules}
            used += [neighbours[name] for name in _REQUIRE.findall(text) if name in neighbours]
        governing = (
            [join(work[folder], name) for name in ("go.work", "go.work.sum")] if folder in work else []
        )
        found.append(
            Project(
                path=folder,
                kind="go",
                name=modules.get(folder, "").rpartition("/")[2],
                uses=tuple(dict.fromkeys(path for path in used if path in texts and path != folder)),
                program=True if "main.go" in tree.files.get(folder, ()) else None,
                build_files=tuple(path for path in governing if tree.has(path)),
            )
        )
    return found


def packages(tree: Tree, root: str, folder: str) -> list[str]:
    """Folders of the module in ``root``, outside of ``folder``, whose packages are imported in it."""
    module = _MODULE.search(_plain(tree.read(join(root, "go.mod"))))
    if module is None:
        return []
    found: list[str] = []
    pending = list(tree.below(folder))
    left = _FILES
    while pending and left > 0:
        here = pending.pop()
        for name in tree.files.get(here, ()):
            if not name.endswith(".go") or name.endswith("_test.go"):
                continue
            left -= 1
            for path in _imports(tree.read(join(here, name))):
                if not path.startswith(f"{module[1]}/"):
                    continue
                target = join(root, path.removeprefix(f"{module[1]}/"))
                inside = target == folder or target.startswith(f"{folder}/")
                if target in tree.files and not inside and target not in found:
                    found.append(target)
    return found


def _imports(source: str) -> Iterator[str]:
    """Paths that a Go file imports; imports come before everything else in it."""
    inside = False
    for line in source.splitlines():
        text = line.strip()
        if text.startswith("import") or inside:
            inside = (inside or "(" in text) and not text.startswith(")")
            quoted = _QUOTED.search(text)
            if quoted:
                yield quoted[1]
        elif text.startswith(("func ", "type ", "var ", "const ")):
            return


def _plain(text: str) -> str:
    return re.sub(r"//[^\n]*", "", text)
