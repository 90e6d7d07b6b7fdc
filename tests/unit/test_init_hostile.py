"""Repositories that are broken or mean harm: nothing outside is read, nothing runs, and the text is sound."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdt_console.catalog.check import check_text
from sdt_console.catalog.init import DraftData, DraftService, DraftShared, draft, render, write
from sdt_console.catalog.init.dockerfile import parse
from sdt_console.catalog.init.parts import Draft
from sdt_console.catalog.model import Catalog
from sdt_console.catalog.reactor import compare
from sdt_console.errors import UsageError
from tests.unit.layouts import BOOT, boutique, gradle, petclinic, piggymetrics, pom, workspaces
from tests.unit.layouts import write as write_files

SERVICE = {"api/Dockerfile": "FROM a\nEXPOSE 8080\n"}


def sound(folder: Path) -> tuple[Catalog, Draft]:
    """The draft and its catalog, which has no errors."""
    result = draft(folder)
    catalog, problems = check_text(render(result))
    assert catalog is not None, [str(p) for p in problems]
    return catalog, result


BOMB = "a: &a [x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(24)
)
MERGE_BOMB = "a: &a {k: v}\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} {{<<: [*{chr(97 + i)}, *{chr(97 + i)}]}}\n" for i in range(24)
)


@pytest.mark.parametrize(
    "content",
    [
        BOMB + "services: *y\n",
        MERGE_BOMB + "services: *y\n",
        "services: &s {api: *s}\n",
        "[" * 5_000,
        "- " * 50_000,
        "!!python/object/apply:os.system ['touch /tmp/sdt-was-here']\n",
        "services: {api: {build: {context: [1], args: {a: [b]}}, ports: {a: b}, depends_on: 3}}\n",
        "services: {api: {build: ../../.., image: 7}, ? [a] : b}\n",
        "services: {api: {build: {context: 'https://host/x.git'}}}\n",
        "services: {1: {image: mongo, ports: [1:2:3:4, '']}}\n",
        "\x00\x01\xff",
        "services:\n  api: {extends: api, build: api}\n",
        "---\n" * 1000,
    ],
    ids=range(13),
)
def test_compose_files_that_mean_harm(tmp_path: Path, content: str) -> None:
    write_files(tmp_path, SERVICE)
    (tmp_path / "compose.yaml").write_text(content, encoding="latin-1")
    catalog, _ = sound(tmp_path)
    assert [s.port for s in catalog.services] == [8080]
    assert not Path("/tmp/sdt-was-here").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pom.xml", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><project>&b;</project>'),
        ("package.json", "[" * 100_000),
        ("package.json", '{"name": {"a": 1}, "workspaces": [1, "**/**/**/**/*"], "dependencies": [1]}'),
        ("pyproject.toml", "a = [" + "[" * 50_000),
        ("pyproject.toml", "project = 3\ntool = 4\n"),
        ("go.mod", "replace (\n" * 10_000),
        ("settings.gradle", "include '" + ":a" * 10_000),
        ("build.gradle", "/*" * 50_000),
        ("Cargo.toml", "dependencies = 1\n"),
        ("x.csproj", "<Project><ProjectReference/></Project>"),
        ("requirements.txt", "-e ../../../../etc\n../x\n"),
        ("Dockerfile", "FROM a\nENV A=" + "x" * 5000 + "\nENV B=" + "$A" * 2000 + "\nEXPOSE $B\n"),
        ("Dockerfile", "FROM ${A:-${A}}\nARG\nENV\nEXPOSE\nCOPY\nRUN <<EOF\n" + "x\\\n" * 50_000),
        ("Dockerfile", "from\nFROM\n"),
    ],
)
def test_build_files_that_mean_harm(tmp_path: Path, name: str, content: str) -> None:
    write_files(tmp_path, SERVICE)
    (tmp_path / "api" / name).write_text(content)
    (tmp_path / name).write_text(content)
    sound(tmp_path)


def test_a_file_that_is_too_large_is_skipped_and_told(tmp_path: Path) -> None:
    write_files(tmp_path, SERVICE)
    (tmp_path / "package.json").write_text(" " * (1 << 20) + "{}")
    _, result = sound(tmp_path)
    assert result.remarks == ("package.json is skipped: it is larger than 1048576 bytes",)


def test_what_is_outside_is_not_read(tmp_path: Path) -> None:
    write_files(tmp_path / "secret", {"Dockerfile": "FROM a\nEXPOSE 6666\n", "x.yml": "server.port: 6666\n"})
    repo = tmp_path / "repo"
    write_files(repo, SERVICE | {"b/pom.xml": pom("b", extra=BOOT), "b/Dockerfile": "FROM a\n"})
    (repo / "link").symlink_to(tmp_path / "secret")
    (repo / "c").mkdir()
    (repo / "c/Dockerfile").symlink_to(tmp_path / "secret/Dockerfile")
    (repo / "b/src/main/resources").mkdir(parents=True)
    (repo / "b/src/main/resources/application.yml").symlink_to("../../../../../secret/x.yml")
    (repo / "loop").symlink_to("loop")
    (repo / "compose.yaml").write_text(
        "services:\n  x: {build: ../secret, ports: [6666]}\n  y: {build: link, ports: [6666]}\n"
    )
    catalog, result = sound(repo)
    assert "6666" not in render(result)
    assert {s.name for s in catalog.services} == {"api", "b"}
    assert "c/Dockerfile is skipped: it leads out of the repository" in result.remarks


def test_a_link_inside_of_the_repository_is_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"docker/common": "FROM a\nEXPOSE 81\n"})
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").symlink_to("../docker/common")
    catalog, _ = sound(tmp_path)
    assert {s.name: s.port for s in catalog.services} == {"a": 81, "b": 81}


def test_a_named_pipe_does_not_stop_it(tmp_path: Path) -> None:
    write_files(tmp_path, SERVICE)
    os.mkfifo(tmp_path / "compose.yaml")
    _, result = sound(tmp_path)
    assert result.remarks == ("compose.yaml is skipped: it is not a regular file",)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ('qu"ote', "qu-ote"),
        ("spa ce", "spa-ce"),
        ("ünïcode", "unicode"),
        ("日本", "service"),
        ("OrderService", "order-service"),
        ("#comment = 1", "comment-1"),
        ("-dash_", "dash"),
        ("x" * 200, "x" * 60),
    ],
)
def test_folder_names_that_are_no_service_names(tmp_path: Path, folder: str, name: str) -> None:
    write_files(tmp_path, {f"{folder}/Dockerfile": "FROM a\n", f"{folder}/x/Dockerfile": "FROM a\n"})
    catalog, _ = sound(tmp_path)
    assert catalog.services[0].name == name
    assert catalog.services[0].path == folder


@pytest.mark.parametrize(
    "folder", [b"new\nline", b"esc\x1b[31m", b"\xff\xfe", b"back\\slash", b"{path}", b"C:", b"~"]
)
def test_folders_that_no_catalog_could_name_are_told(tmp_path: Path, folder: bytes) -> None:
    write_files(tmp_path, SERVICE)
    where = os.fsencode(tmp_path) + b"/" + folder
    Path(os.fsdecode(where)).mkdir()
    Path(os.fsdecode(where + b"/Dockerfile")).write_text("FROM a\n")
    catalog, result = sound(tmp_path)
    assert [s.name for s in catalog.services] == ["api"]
    (remark,) = result.remarks
    assert remark.endswith("is skipped: its name cannot be written in a catalog")
    assert remark.isprintable()


def test_text_from_a_repository_cannot_leave_its_comment_or_string() -> None:
    evil = 'x"\n[aws]\naccount = "1"  # \x1b[31m\u202e\ud800\\'
    service = DraftService("a", evil, 80, port_note=evil, path_note=evil, note=evil, build_args={"K": evil})
    result = Draft("s", (service,), (DraftShared("m", evil),), (DraftData("d", 1, note=evil),), (evil,))
    text = render(result)
    data = tomllib.loads(text)
    assert data["aws"]["account"] == "000000000000"
    assert data["services"][0]["path"] == evil.replace("\ud800", "\ufffd")
    assert all(c.isprintable() or c == "\n" for c in text)
    text.encode("utf-8")


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    petclinic(tmp_path / "repo")
    target = tmp_path / "catalog.toml"
    result = write(tmp_path / "repo", target)
    assert target.read_text() == render(result)
    target.write_text("mine")
    with pytest.raises(UsageError, match=r"catalog\.toml is there already") as caught:
        write(tmp_path / "repo", target)
    assert caught.value.exit_code == 2
    assert target.read_text() == "mine"
    link = tmp_path / "link.toml"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError):
        write(tmp_path / "repo", link)
    assert not (tmp_path / "nowhere").exists()


def test_what_cannot_be_written_or_read_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        write(tmp_path, tmp_path / "missing/catalog.toml")
    with pytest.raises(UsageError, match="is not a folder"):
        draft(tmp_path / "file")


def test_the_same_repository_gives_the_same_text(tmp_path: Path) -> None:
    petclinic(tmp_path)
    assert render(draft(tmp_path)) == render(draft(tmp_path))


@pytest.mark.parametrize(
    ("values", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, 'region = "eu-west-1"'),
        ({"AWS_DEFAULT_REGION": "us-gov-west-1"}, 'region = "us-gov-west-1"'),
        ({"AWS_REGION": '"; evil'}, 'region = "us-east-1"  # set this'),
        ({}, 'region = "us-east-1"  # set this'),
    ],
)
def test_the_region_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, str], region: str
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert region in render(draft(tmp_path)).splitlines()


NAMES = st.sampled_from(
    ["a", "api", "src", "docker", "config", "gateway", "test", "build", "x y", 'q"', "A{b}", "é", "common"]
)
SPRING = ["src/main/resources/application.yml", "src/main/resources/shared/a.yml", "application.properties"]
FILES = st.sampled_from(
    [
        *(
            "Dockerfile",
            "Dockerfile.worker",
            "web.Dockerfile",
            "compose.yaml",
            "docker-compose.yml",
            "pom.xml",
        ),
        *("build.gradle", "settings.gradle.kts", "package.json", "go.mod", "main.go", "pyproject.toml"),
        *("x.csproj", "requirements.txt", ".env", "pnpm-workspace.yaml", "Cargo.toml", *SPRING),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "FROM a\nARG SERVICE\nARG PORT\nCOPY ${SERVICE}/x .\nEXPOSE ${PORT}\n",
            "FROM mongo:7\n",
            "FROM a\nEXPOSE 1 2 3\n",
            "services:\n a: {build: a, depends_on: [b]}\n b: {build: {context: ., dockerfile: a/Dockerfile}}",
            "services:\n a: {build: {args: {SERVICE: a}}}\n b: {build: {context: ., args: {X: b}}}",
            "services: {db: {image: postgres}, a: {image: x/a, links: [db], ports: ['1:2']}}\n",
            pom("a", modules=["api", "a", "config"], packaging="pom"),
            pom("api", uses=["a", "common"], extra=BOOT),
            pom("a", parent="../pom.xml", parent_artifact="api", properties={"docker.port": "7"}),
            'include(":a", ":api")\nproject(":a")\nid("application")\n',
            '{"name": "a", "workspaces": ["*"], "dependencies": {"api": "*", "b": "file:../a"}}',
            "module example.org/a\nreplace x => ../api\n",
            "[tool.poetry.dependencies]\na = { path = '../a' }\n",
            "server:\n  port: 9\n",
            '<Project><ProjectReference Include="..\\a\\x.csproj"/></Project>',
        ]
    ),
)
TREES = st.dictionaries(
    st.tuples(st.lists(NAMES, max_size=3), FILES).map(lambda parts: "/".join([*parts[0], parts[1]])),
    TEXTS,
    max_size=12,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
def test_any_tree_of_files_gives_a_sound_catalog(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    for path, text in tree.items():
        target = folder / path
        if any(parent.is_file() for parent in target.parents) or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", errors="replace")
    catalog, result = sound(folder)
    assert len(catalog.services) == len(result.services)
    for service in catalog.services:
        assert (folder / catalog.dockerfile(service)).is_file()
        assert (folder / service.path).is_dir()
    assert all(remark.isprintable() for remark in result.remarks)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_any_damage_to_a_repository_gives_a_sound_catalog(
    tmp_path_factory: pytest.TempPathFactory, random: Random
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    for build in random.sample([petclinic, piggymetrics, boutique, gradle, workspaces], 2):
        build(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in random.sample(files, 8):
        content = bytearray(path.read_bytes())
        match random.randrange(4):
            case 0:
                path.unlink()
            case 1:
                path.write_bytes(content[: random.randint(0, len(content))])
            case 2:
                path.write_bytes(
                    bytes(random.randrange(256) if random.random() < 0.1 else b for b in content)
                )
            case _:
                kind = random.choice(
                    ["Dockerfile", "pom.xml", "compose.yaml", "package.json", "build.gradle"]
                )
                (path.parent / kind).write_bytes(content)
    catalog, _ = sound(folder)
    assert all(p.path.isprintable() and p.message.isprintable() for p in compare(catalog, folder))


@settings(deadline=None)
@given(st.text(alphabet="FROMARGENVXPOSECY \n$\\{}:-=\"'<#80`ab./[],", max_size=300))
def test_any_dockerfile_is_read(text: str) -> None:
    found = parse(f"FROM a\n{text}")
    assert all(1 <= port <= 65535 for port in found.ports())


def test_every_value_of_the_text_is_one_the_model_has(tmp_path: Path) -> None:
    petclinic(tmp_path)
    data: dict[str, Any] = tomllib.loads(render(draft(tmp_path)))
    catalog = Catalog.model_validate(data)
    defaults = catalog.deploy.model_dump() | catalog.health.model_dump()
    assert not set(data) & {"deploy", "health", "images", "gates"}, defaults
