"""Strategies: catalogs and histories full of what trips a change detector."""

from __future__ import annotations

import posixpath
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from sdt_console.sandbox.repository.fast_import import Commit, Entry, Person, stream

FILE, EXECUTABLE, LINK, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o160000
State = dict[bytes, tuple[int, bytes]]

FOLDERS = (
    "user-service", "user-service-v2", "user", "User-Service", "services/user-service", "services/user",
    "services/user/nested", "services", "a b", "a b/'q'", 'x"y', "new\nline", "ünï/cødé", "u\u0308", "tab\t",
    "-dash", "[x]", "*", "!bang", "#hash", "trail ", ":(top)", "lib", "lib/event", "lib/event/deep",
    "docs/svc", "🚀",
)  # fmt: skip
LEAVES = (
    b"a.txt", b"src/x y.java", b"README.md", b"docs/guide.txt", b"docs", b"Dockerfile", b".dockerignore",
    b"Dockerfile.dockerignore", b"\xff\xfe", b"new\nline.md", b"x.md\n", b'q"', b"back\\slash",
    b"gen/out.txt", "é.txt".encode(), b"pom.xml", b"keep/docs/x", b"line\nfold/y.md",
)  # fmt: skip
ROOT_FILES = (
    b"pom.xml", b"build/settings.gradle", b"README.md", b"docs/x.txt", b"Dockerfile", b".dockerignore",
    b"docker/s0.Dockerfile", b"docker/s0.Dockerfile.dockerignore", b"docker/s1.Dockerfile",
    b"ctx/.dockerignore", b"user-service.txt", b"servicesx/user/a.txt", b"vendor/sub",
    b"links/one", b"links/two",
)  # fmt: skip
IGNORES = ("*.md", "docs/", "gen/", "/docs", "docs/**", "guide.txt", "/services/user/a.txt", "/gen", "*.txt")
PERSON = Person("A", "a@sdt.example")


@dataclass(frozen=True)
class History:
    """Commits in order; each with the positions of its parents and its whole tree."""

    parents: tuple[tuple[int, ...], ...]
    trees: tuple[State, ...]


def catalogs() -> st.SearchStrategy[dict[str, Any]]:
    """Valid ``catalog.toml`` tables with 1–5 services, 0–3 shared modules, and one data service."""
    return _catalogs()


@st.composite
def _catalogs(draw: st.DrawFn) -> dict[str, Any]:
    count, modules = draw(st.integers(1, 5)), draw(st.integers(0, 3))
    # The root, the inside of a submodule and what links lead to are rarer than plain folders.
    pool = [*FOLDERS, "vendor/sub/svc", "links/one", "links/two/inner", "."]
    folders = draw(
        st.lists(st.sampled_from(pool), min_size=count + modules, max_size=count + modules, unique=True)
    )
    shared: list[dict[str, Any]] = []
    for number in range(modules):
        uses = draw(st.lists(st.sampled_from([m["name"] for m in shared]), unique=True)) if shared else []
        shared.append({"name": f"m{number}", "path": folders.pop(), "uses": uses} | draw(_build_files()))
    names = [module["name"] for module in shared]
    services = [
        {"name": f"s{number}", "priority": 1, "group": "all", "path": folders.pop(), "port": 8080 + number}
        | {"uses": draw(st.lists(st.sampled_from(names), unique=True)) if names else []}
        | draw(_overrides())
        | draw(_build_files())
        for number in range(count)
    ]
    return {
        "version": 1,
        "system": "x",
        "default_environment": "dev",
        "groups": ["all", "data"],
        "aws": {"region": "eu-west-1", "account": "123456789012"},
        "names": {"cluster": "{env}", "service": "{service}", "repository": "{service}"},
        "environments": {"dev": {}},
        "source": {
            "build_files": draw(st.sampled_from([[], ["pom.xml"], ["pom.xml", "build/settings.gradle"]])),
            "dockerfile": draw(
                st.sampled_from(["{path}/Dockerfile", "docker/{service}.Dockerfile", "Dockerfile"])
            ),
            "context": draw(st.sampled_from([".", "ctx", "./ctx/", "{path}"])),
            "ignore": draw(st.lists(st.sampled_from(IGNORES), max_size=3, unique=True)),
        },
        "shared": shared,
        "services": services,
        "data": [{"name": "redis", "port": 6379}],
    }


def _build_files() -> st.SearchStrategy[dict[str, Any]]:
    own = st.sampled_from([[], ["build/settings.gradle"], ["user-service/pom.xml"]])
    return st.one_of(st.just({}), st.just({}), own.map(lambda files: {"build_files": files}))


def _overrides() -> st.SearchStrategy[dict[str, Any]]:
    ignore = st.lists(st.sampled_from(IGNORES), min_size=1, max_size=2, unique=True)
    return st.one_of(
        st.just({}),
        st.just({"state": "pending"}),
        st.just({"dockerfile": "docker/s0.Dockerfile"}),
        st.just({"context": "user-service"}),
        ignore.map(lambda patterns: {"ignore": patterns}),
    )


def _place(state: State, path: bytes, entry: tuple[int, bytes]) -> None:
    """Puts an entry where a file may have been a folder, or a folder a file."""
    parts = path.split(b"/")
    for end in range(1, len(parts)):
        state.pop(b"/".join(parts[:end]), None)
    for other in [p for p in state if p.startswith(path + b"/")]:
        del state[other]
    state[path] = entry


@st.composite
def histories(draw: st.DrawFn, catalog: Mapping[str, Any]) -> History:
    """2–4 commits, the later ones now and then merges, over the catalog's folders and traps beside them."""
    folders = [str(part["path"]).encode() for part in [*catalog["services"], *catalog["shared"]]]
    inner = [b"" if folder == b"." else folder + b"/" for folder in folders]
    traps = [folder + b"-v2/a.txt" for folder in folders if folder != b"."]
    traps += [folder.swapcase() + b"/a.txt" for folder in folders if folder != b"."]
    paths = st.one_of(
        st.tuples(st.sampled_from(inner), st.sampled_from(LEAVES)).map(b"".join),
        st.sampled_from([*ROOT_FILES, *traps]),
    )
    homes = st.sampled_from([*folders, b"links/one", b"links/two", b"vendor/sub", b"elsewhere", b"services"])
    start: State = {inside + b"a.txt": (FILE, inside) for inside in inner if draw(st.integers(0, 5))}
    state: State = {}
    for path, entry in sorted(start.items()):
        _place(state, path, entry)
    for _ in range(draw(st.integers(0, 4))):
        _change(draw, state, paths, homes)
    trees: list[State] = [state]
    parents: list[tuple[int, ...]] = [()]
    for position in range(1, draw(st.integers(2, 4))):
        fork = draw(st.integers(0, position - 1))
        merged = draw(st.integers(0, position - 1))
        state = dict(trees[fork])
        if merged != fork:
            # What a merge makes of two trees is up to who merges; ours is this side with some of the other.
            for path, entry in sorted(trees[merged].items()):
                if draw(st.booleans()):
                    _place(state, path, entry)
        for _ in range(draw(st.integers(0, 4))):
            _change(draw, state, paths, homes)
        trees.append(state)
        parents.append((fork, merged) if merged != fork else (fork,))
    return History(tuple(parents), tuple(trees))


def _change(
    draw: st.DrawFn, state: State, paths: st.SearchStrategy[bytes], homes: st.SearchStrategy[bytes]
) -> None:
    kinds = ("write", "write", "delete", "rename", "case", "mode", "drop", "move", "link", "submodule")
    kind = draw(st.sampled_from(kinds))
    old = draw(st.sampled_from(sorted(state))) if state else b""
    if kind == "write" or not state:
        _place(
            state,
            draw(paths),
            (FILE, draw(st.sampled_from([b"1\n", b"2\n", b"long enough to be similar\n" * 9]))),
        )
    elif kind == "delete":
        del state[old]
    elif kind == "rename":
        _place(state, draw(paths), state.pop(old))
    elif kind == "case":
        _place(state, old.swapcase(), state.pop(old))
    elif kind == "mode":
        mode, content = state[old]
        state[old] = ({FILE: EXECUTABLE, EXECUTABLE: FILE}.get(mode, mode), content)
    elif kind in ("drop", "move"):
        home, target = draw(homes), draw(homes)
        for path in [p for p in state if p == home or p.startswith(home + b"/") or home == b"."]:
            entry = state.pop(path)
            if kind == "move" and not (home + b"/").startswith(target + b"/") and b"." not in (home, target):
                _place(state, target + path[len(home) :], entry)
    elif kind == "link":
        path, target = draw(st.one_of(homes, paths)), draw(homes)
        if path != b".":
            _place(state, path, (LINK, posixpath.relpath(target, posixpath.dirname(path) or b".")))
    else:
        path = draw(st.one_of(homes, paths))
        if path != b".":
            _place(state, path, (SUBMODULE, draw(st.sampled_from([b"1" * 40, b"2" * 40]))))


def write(folder: Path, history: History) -> list[str]:
    """The history as a repository in ``folder``; the commits' ids in order. ``HEAD`` is the last one."""
    dot_git = folder / ".git"
    for part in ("objects", "refs/heads"):
        (dot_git / part).mkdir(parents=True)
    (dot_git / "HEAD").write_text("ref: refs/heads/main\n")
    (dot_git / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = false\n")
    commits = []
    for position, tree in enumerate(history.trees):
        parents = history.parents[position]
        before = history.trees[parents[0]] if parents else {}
        changes: dict[bytes, Entry | None] = {path: None for path in before if path not in tree}
        changes |= {p: Entry(data, mode) for p, (mode, data) in tree.items() if before.get(p) != (mode, data)}
        marks = tuple(parent + 1 for parent in parents)
        commits.append(Commit(b"c\n", changes, PERSON, PERSON, 1_767_600_000 + position, marks))
    text = b"".join(stream(commits, range(1, len(commits) + 1)))
    command = ["git", "fast-import", "--quiet", "--done", "--force"]
    return (
        subprocess.run(command, cwd=folder, input=text, capture_output=True, check=True)
        .stdout.decode()
        .split()
    )
