from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdt_console.catalog.files import LIMIT
from sdt_console.catalog.maven import Reactor, read_reactor
from sdt_console.errors import CatalogError
from tests.unit.layouts import pom, write


def reactor(folder: Path) -> Reactor:
    found = read_reactor(folder)
    assert found is not None
    return found


def nested(folder: Path) -> None:
    child: dict[str, Any] = {"parent_artifact": "root"}
    write(
        folder,
        {
            "pom.xml": pom("root", packaging="pom", modules=["svc/z", "svc/a", "common"]),
            "svc/z/pom.xml": pom("z", parent="../../pom.xml", uses=["util", "event"], **child),
            "svc/a/pom.xml": pom("a", parent="../../pom.xml", uses=["event"], **child),
            "common/pom.xml": pom(
                "common",
                parent="../pom.xml",
                packaging="pom",
                modules=["util", "event", "sec/pom.xml"],
                **child,
            ),
            "common/util/pom.xml": pom("util", parent="../../pom.xml", uses=["sec"], **child),
            "common/event/pom.xml": pom("event", parent="../../pom.xml", **child),
            "common/sec/pom.xml": pom("sec", parent="../../", **child),
        },
    )


def test_modules_are_found_below_modules_and_by_folder_or_pom_file(tmp_path: Path) -> None:
    nested(tmp_path)
    found = reactor(tmp_path)
    assert set(found.by_path) == {
        ".", "svc/z", "svc/a", "common", "common/util", "common/event", "common/sec",
    }  # fmt: skip
    z = found.by_path["svc/z"]
    assert (z.group, z.artifact, z.version, z.parent) == ("org.example", "z", "1.0.0", ".")
    assert z.uses == ("common/util", "common/event")
    assert found.closure("svc/z") == {"common/util", "common/event", "common/sec"}
    assert found.faults == ()


def test_build_order_is_the_one_maven_prints(tmp_path: Path) -> None:
    nested(tmp_path)
    # as `mvn validate` 3.8 prints it for these poms
    expected = ["root", "sec", "util", "event", "z", "a", "common"]
    assert [module.artifact for module in reactor(tmp_path).build_order] == expected


def test_an_aggregator_that_is_no_parent_comes_after_its_modules_as_in_maven(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pom.xml": pom("root", packaging="pom", modules=["b", "a"]),
            "a/pom.xml": pom("a"),
            "b/pom.xml": pom("b", uses=["a"]),
        },
    )
    assert [module.artifact for module in reactor(tmp_path).build_order] == ["a", "b", "root"]


def test_without_a_root_pom_there_is_no_reactor(tmp_path: Path) -> None:
    write(tmp_path, {"service/pom.xml": pom("service")})
    assert read_reactor(tmp_path) is None


def test_poms_without_a_namespace_and_modules_of_profiles(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pom.xml": """
                <project>
                  <groupId>g</groupId><artifactId>root</artifactId><version>1</version>
                  <modules> <module> one </module> </modules>
                  <profiles><profile><id>x</id>
                    <modules><module>two</module><module>one</module></modules>
                  </profile></profiles>
                </project>
                """,
            "one/pom.xml": "<project><artifactId>one</artifactId></project>",
            "two/pom.xml": "<project><artifactId>two</artifactId></project>",
        },
    )
    assert [module.path for module in reactor(tmp_path).modules] == ["one", "two", "."]


def test_coordinates_come_from_properties_and_the_parent(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pom.xml": pom(
                "root",
                packaging="pom",
                modules=["${lib.folder}", "app"],
                properties={"lib.folder": "lib", "company": "com.acme", "team": "${company}.team"},
            ),
            "lib/pom.xml": pom("lib", group="com.acme.team"),
            "app/pom.xml": """
                <project>
                  <parent>
                    <groupId>org.example</groupId><artifactId>root</artifactId><version>1.0.0</version>
                  </parent>
                  <artifactId>app</artifactId>
                  <dependencies>
                    <dependency><groupId>${team}</groupId><artifactId>lib</artifactId></dependency>
                    <dependency><groupId>org.other</groupId><artifactId>root</artifactId></dependency>
                  </dependencies>
                </project>
                """,
        },
    )
    app = reactor(tmp_path).by_path["app"]
    assert (app.group, app.version, app.uses) == ("org.example", "1.0.0", ("lib",))


def test_dependencies_are_inherited_and_another_version_is_not_the_module(tmp_path: Path) -> None:
    used = "<dependencies><dependency><groupId>org.example</groupId><artifactId>{0}</artifactId>"
    used += "<version>{1}</version></dependency></dependencies>"
    write(
        tmp_path,
        {
            "pom.xml": pom("root", packaging="pom", modules=["lib", "base", "app", "old"]),
            "lib/pom.xml": pom("lib"),
            "base/pom.xml": pom("base", packaging="pom", uses=["lib"]),
            "app/pom.xml": pom("app", parent="../base", parent_artifact="base"),
            "old/pom.xml": pom("old", extra=used.format("lib", "0.9.0")),
        },
    )
    found = reactor(tmp_path)
    assert (found.by_path["app"].parent, found.by_path["app"].uses) == ("base", ("lib",))
    assert found.by_path["old"].uses == ()


def test_bills_of_materials_and_build_plugins_of_the_reactor(tmp_path: Path) -> None:
    bom = """<dependencyManagement><dependencies><dependency>
        <groupId>org.example</groupId><artifactId>bom</artifactId><version>1.0.0</version>
        <type>pom</type><scope>import</scope></dependency></dependencies></dependencyManagement>
        <build><plugins><plugin><artifactId>maven-checkstyle-plugin</artifactId><dependencies><dependency>
        <groupId>org.example</groupId><artifactId>rules</artifactId></dependency></dependencies></plugin>
        </plugins></build>"""
    write(
        tmp_path,
        {
            "pom.xml": pom("root", packaging="pom", modules=["app", "bom", "rules"]),
            "bom/pom.xml": pom("bom", packaging="pom"),
            "rules/pom.xml": pom("rules"),
            "app/pom.xml": pom("app", extra=bom),
        },
    )
    app = reactor(tmp_path).by_path["app"]
    assert (app.imports, app.uses) == (("bom",), ("rules",))


def test_what_maven_would_refuse_is_a_fault(tmp_path: Path) -> None:
    modules = ["gone", "empty", "../outside", "twin-a", "twin-b"]
    write(
        tmp_path / "repo",
        {
            "pom.xml": pom("root", packaging="pom", modules=modules),
            "empty/readme.txt": "",
            "twin-a/pom.xml": pom("twin"),
            "twin-b/pom.xml": pom("twin"),
        },
    )
    write(tmp_path, {"outside/pom.xml": pom("outside")})
    told = {fault.value: fault.message for fault in reactor(tmp_path / "repo").faults}
    assert told == {
        "gone": "the module does not exist: no such folder",
        "empty": "the module does not exist: no pom.xml in empty",
        "../outside": "the module is outside of the repository",
        "twin": "Maven has a module org.example:twin already, in twin-a",
    }


def test_modules_that_need_each_other_have_no_order(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pom.xml": pom("root", packaging="pom", modules=["a", "b"]),
            "a/pom.xml": pom("a", uses=["b"]),
            "b/pom.xml": pom("b", uses=["a"]),
        },
    )
    with pytest.raises(CatalogError, match="a → b → a"):
        _ = reactor(tmp_path).build_order


BILLION = """<?xml version="1.0"?>
<!DOCTYPE project [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<project><artifactId>&c;</artifactId></project>"""
EXTERNAL = """<?xml version="1.0"?>
<!DOCTYPE project [<!ENTITY x SYSTEM "file:///etc/passwd">]><project><artifactId>&x;</artifactId></project>"""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (BILLION, "pom.xml is not read: it declares a document type or entities"),
        (EXTERNAL, "pom.xml is not read: it declares a document type or entities"),
        ('<!DOCTYPE project SYSTEM "http://localhost/x.dtd"><project/>', "pom.xml is not read"),
        ("<project><artifactId>x</project>", "pom.xml is not well-formed XML: mismatched tag"),
        ("", "pom.xml is not well-formed XML"),
        ("<settings/>", "pom.xml is not a Maven project: its root element is <settings>"),
        ('<?xml version="1.0" encoding="no-such"?><project/>', "pom.xml"),
        ("<project>" + " " * LIMIT + "</project>", f"cannot read pom.xml: it is larger than {LIMIT} bytes"),
    ],
    ids=[
        "billion-laughs",
        "external-entity",
        "external-dtd",
        "broken",
        "empty",
        "settings",
        "encoding",
        "huge",
    ],
)
def test_a_hostile_or_broken_pom_is_one_clear_error(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "pom.xml").write_text(content)
    with pytest.raises(CatalogError) as caught:
        read_reactor(tmp_path)
    assert str(caught.value).startswith(told)
    assert caught.value.exit_code == 2


def test_properties_that_multiply_each_other_end(tmp_path: Path) -> None:
    doubling = {f"p{i}": f"${{p{i + 1}}}" * 9 for i in range(40)} | {"p40": "x"}
    loop = {"a": "${b}", "b": "${a}${a}"}
    write(
        tmp_path,
        {
            "pom.xml": pom("${p0}${a}", packaging="pom", modules=["${a}", "m"], properties=doubling | loop),
            "m/pom.xml": pom("m", parent="../pom.xml", parent_artifact="${p0}${a}", uses=["${p1}"]),
        },
    )
    assert reactor(tmp_path).by_path["m"].artifact == "m"


def test_poms_that_are_each_others_parent_end(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pom.xml": pom("a", parent="b/pom.xml", parent_artifact="b", modules=["b", "."]),
            "b/pom.xml": pom("b", parent="../pom.xml", parent_artifact="a", modules=[".."]),
        },
    )
    assert {module.path for module in reactor(tmp_path).modules} == {".", "b"}


def test_deep_nesting_ends(tmp_path: Path) -> None:
    depth = 100_000
    (tmp_path / "pom.xml").write_text("<project>" + "<a>" * depth + "</a>" * depth + "</project>")
    assert [module.path for module in reactor(tmp_path).modules] == ["."]


def test_a_link_out_of_the_repository_is_not_followed(tmp_path: Path) -> None:
    write(
        tmp_path, {"outside/pom.xml": pom("outside"), "repo/pom.xml": pom("root", modules=["link", "file"])}
    )
    (tmp_path / "repo/link").symlink_to(tmp_path / "outside")
    (tmp_path / "repo/file").mkdir()
    (tmp_path / "repo/file/pom.xml").symlink_to(tmp_path / "outside/pom.xml")
    found = reactor(tmp_path / "repo")
    assert [module.path for module in found.modules] == ["."]
    assert [fault.value for fault in found.faults] == ["link", "file"]


@settings(deadline=None)
@given(st.binary(max_size=200), st.text(max_size=40))
def test_any_bytes_are_read_or_are_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, inside: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for text in (content, f"<project><artifactId>{inside}</artifactId></project>".encode(errors="replace")):
        (folder / "pom.xml").write_bytes(text)
        try:
            told = reactor(folder).modules[0].pom
        except CatalogError as error:
            told = error.what
        assert told.startswith("pom.xml")


def test_importing_it_brings_no_yaml_and_no_git() -> None:
    code = "import sys, sdt_console.catalog.maven; print(sorted({'yaml', 'git', 'boto3'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@settings(deadline=None)
@given(st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_whatever_modules_need_comes_before_them(
    tmp_path_factory: pytest.TempPathFactory, needs: list[set[int]], random: Random
) -> None:
    folder = tmp_path_factory.mktemp("order")
    # a module needs only those with a smaller number, so that there is an order; it is declared anywhere
    modules = [f"m{i}" for i in range(len(needs))]
    random.shuffle(modules)
    files = {"pom.xml": pom("root", packaging="pom", modules=modules)}
    for i, below in enumerate(needs):
        files[f"m{i}/pom.xml"] = pom(f"m{i}", uses=[f"m{j}" for j in sorted(below) if j < i])
    write(folder, files)
    order = [module.path for module in reactor(folder).build_order]
    assert sorted(order) == sorted([*modules, "."])
    for i, below in enumerate(needs):
        assert all(order.index(f"m{j}") < order.index(f"m{i}") for j in below if j < i)
    if not any(j < i for i, below in enumerate(needs) for j in below):
        assert order == [*modules, "."]
