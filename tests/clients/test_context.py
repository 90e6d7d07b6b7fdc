"""The build context: what ``.dockerignore`` leaves in, and that nothing leads out of it."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from sdt_console.clients.context import Context
from sdt_console.clients.dockerignore import Ignore
from sdt_console.clients.wildcards import PatternError
from sdt_console.errors import BuildError

DOCKERFILE = "FROM scratch\nCOPY . /\n"


def tree(root: Path, *paths: str, ignore: str | None = None, dockerfile: str = "Dockerfile") -> Context:
    for path in (*paths, dockerfile):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    (root / dockerfile).write_text(DOCKERFILE)
    if ignore is not None:
        (root / ".dockerignore").write_text(ignore)
    return Context(root, dockerfile)


def files(context: Context, under: str = "") -> list[str]:
    return [entry.path for entry in context.walk(under) if entry.kind != "folder"]


@pytest.mark.parametrize(
    ("rules", "ignored", "kept"),
    [
        ("a", ["a", "a/b"], ["ab", "b/a"]),
        ("/a/", ["a", "a/b"], ["b/a"]),
        ("*.log", ["x.log"], ["d/x.log", "x.logs"]),
        ("**/*.log", ["x.log", "d/x.log", "d/e/x.log"], ["x.txt"]),
        ("*/temp*", ["d/temp", "d/temporary/x"], ["temp", "d/e/temp"]),
        ("temp?", ["tempa"], ["temp", "temp/"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
        ("a/**/z", ["a/z", "a/b/c/z"], ["a/b"]),
        ("[a-c]x\n[^a]y", ["ax", "cx", "by"], ["dx", "ay"]),
        ("*.md\n!README.md", ["a.md"], ["README.md", "d/a.md"]),
        ("*.md\n!README*.md\nREADME-secret.md", ["a.md", "README-secret.md"], ["README-1.md"]),
        ("d\n!d/keep", ["d", "d/x"], ["d/keep", "d/keep/x"]),
        ("*\n!**/*.java", ["a", "a/b.class"], ["a/b.java", "b.java"]),
        ("# a\n  b  \n\n!\tc", ["b"], ["a", "c", "# a"]),
        ("./x/../y", ["y"], ["x"]),
        ("a.c", ["a.c"], ["abc"]),
        ("a+(b)|{c}$", ["a+(b)|{c}$"], ["ab"]),
        ("\\*", ["*"], ["a"]),
        ("\ufeffa", ["a"], []),
    ],
)
def test_ignore_rules_are_dockers(rules: str, ignored: list[str], kept: list[str]) -> None:
    ignore = Ignore(rules)
    assert [path for path in ignored if not ignore(path)] == []
    assert [path for path in kept if ignore(path)] == []


@pytest.mark.parametrize("rules", ["!", "[a", "a\\", "[z-a]"])
def test_rules_that_docker_refuses(rules: str) -> None:
    with pytest.raises(PatternError):
        Ignore(rules)


def test_a_walk_is_sorted_and_leaves_out_what_is_ignored(tmp_path: Path) -> None:
    context = tree(tmp_path, "b/two", "b/one", "a", "target/x/y", ignore="target\n")
    assert [entry.path for entry in context.walk()] == [
        ".dockerignore", "Dockerfile", "a", "b", "b/one", "b/two",
    ]  # fmt: skip
    assert files(context, "b") == ["b/one", "b/two"]
    assert files(context, "target") == []
    assert files(context, "none") == []


def test_an_ignored_folder_comes_along_with_what_is_taken_back(tmp_path: Path) -> None:
    context = tree(tmp_path, "d/keep/x", "d/other", "e/z", ignore="*\n!d/keep\n")
    assert [entry.path for entry in context.walk()] == ["d", "d/keep", "d/keep/x"]


def test_ignored_folders_are_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = tree(tmp_path, "node_modules/a/b", "src/a", ignore="node_modules\n!src/x\n")
    read: list[str] = []
    real = os.listdir

    def listdir(path: Path) -> list[str]:
        read.append(str(path))
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    assert "src/a" in files(context)
    assert not [path for path in read if "node_modules" in path]


def test_the_ignore_file_of_a_dockerfile_goes_first(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/app.Dockerfile.dockerignore").write_text("a\n")
    context = tree(tmp_path, "a", "b", ignore="b\n", dockerfile="docker/app.Dockerfile")
    assert {"a", "b"} & set(files(context)) == {"b"}


def test_links_are_kept_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "secret").mkdir(parents=True)
    (outside / "secret/key").write_text("private")
    root = tmp_path / "context"
    context = tree(root, "a")
    (root / "out").symlink_to(outside)
    (root / "key").symlink_to("../outside/secret/key")
    (root / "loop").symlink_to(".")
    entries = {entry.path: entry for entry in context.walk()}
    assert sorted(entries) == ["Dockerfile", "a", "key", "loop", "out"]
    assert {entries[name].kind for name in ("key", "loop", "out")} == {"link"}
    packed = io.BytesIO()
    context.tar(packed)
    assert b"private" not in packed.getvalue()


def test_pipes_and_sockets_are_left_out(tmp_path: Path) -> None:
    context = tree(tmp_path, "a")
    os.mkfifo(tmp_path / "pipe")
    assert files(context) == ["Dockerfile", "a"]


@pytest.mark.parametrize("dockerfile", ["../Dockerfile", "link"])
def test_a_dockerfile_outside_the_context_is_not_read(tmp_path: Path, dockerfile: str) -> None:
    root = tmp_path / "context"
    root.mkdir()
    (tmp_path / "Dockerfile").write_text("SECRET")
    (root / "link").symlink_to(tmp_path / "Dockerfile")
    with pytest.raises(BuildError, match="outside the build context") as caught:
        Context(root, dockerfile)
    assert "SECRET" not in str(caught.value)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no Dockerfile at app/Dockerfile"):
        Context(tmp_path, "app/Dockerfile")
    with pytest.raises(BuildError, match="no build context"):
        Context(tmp_path / "none", "Dockerfile")
    with pytest.raises(BuildError, match=r"cannot read \.dockerignore"):
        tree(tmp_path, ignore="[a\n")


@pytest.mark.parametrize(
    ("ignore", "own", "names"),
    [
        (None, None, ["Dockerfile", "a"]),
        ("Dockerfile\n.dockerignore\n", None, [".dockerignore", "Dockerfile", "a"]),
        ("*\n!a\n", None, [".dockerignore", "Dockerfile", "a"]),
        (None, "*\n!a\n", [".dockerignore", "Dockerfile", "a"]),
    ],
)
def test_an_engine_always_gets_the_dockerfile(
    tmp_path: Path, ignore: str | None, own: str | None, names: list[str]
) -> None:
    if own:
        (tmp_path / "Dockerfile.dockerignore").write_text(own)
    context = tree(tmp_path, "a", ignore=ignore)
    packed = io.BytesIO()
    context.tar(packed)
    packed.seek(0)
    with tarfile.open(fileobj=packed) as tar:
        assert sorted(tar.getnames()) == names
        text = tar.extractfile("Dockerfile")
        assert text is not None
        assert text.read().decode() == DOCKERFILE


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    context = tree(tmp_path, "a")
    with open(os.fsencode(tmp_path) + b"/\xff\n", "wb") as file:  # noqa: PTH123
        file.write(b"odd")
    packed = io.BytesIO()
    context.tar(packed)
    packed.seek(0)
    with tarfile.open(fileobj=packed) as tar:
        assert os.fsdecode(b"\xff\n") in tar.getnames()


def test_packing_is_stopped_between_files(tmp_path: Path) -> None:
    context = tree(tmp_path, *(f"f{number}" for number in range(50)))
    packed, seen = io.BytesIO(), 0

    def check() -> None:
        nonlocal seen
        seen += 1
        if seen == 10:
            raise BuildError("stopped")

    with pytest.raises(BuildError, match="stopped"):
        context.tar(packed, check=check)
    assert seen == 10


@pytest.mark.parametrize(
    ("rules", "names"), [(True, [".dockerignore", "Dockerfile", "a"]), (False, ["Dockerfile", "a"])]
)
def test_an_engine_without_rules_gets_no_ignore_file_that_is_ignored(
    tmp_path: Path, rules: bool, names: list[str]
) -> None:
    context = tree(tmp_path, "a", ignore="Dockerfile\n.dockerignore\n")
    assert context.hides_dockerfile
    packed = io.BytesIO()
    context.tar(packed, rules=rules)
    packed.seek(0)
    with tarfile.open(fileobj=packed) as tar:
        assert sorted(tar.getnames()) == names
