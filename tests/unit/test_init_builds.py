"""What build files say: shared modules, programs, and how Docker is fed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sdt_console.catalog.init import Draft, draft
from sdt_console.catalog.init.builds import read_projects
from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.scan import scan
from tests.unit.layouts import BOOT, pom, write

JAR = "FROM eclipse-temurin:21\nCOPY target/*.jar app.jar\n"


def projects(folder: Path) -> dict[str, Project]:
    return read_projects(scan(folder))


def uses(result: Draft) -> dict[str, tuple[str, ...]]:
    paths = {shared.name: shared.path for shared in result.shared}
    return {service.name: tuple(paths[name] for name in service.uses) for service in result.services}


def test_maven_shared_modules_come_in_maven_s_order_and_bundles_are_looked_through(tmp_path: Path) -> None:
    child: dict[str, Any] = {"parent": "../pom.xml", "parent_artifact": "shop"}
    deep: dict[str, Any] = {"parent": "../../pom.xml", "parent_artifact": "shop"}
    modules = ["orders", "users", "common"]
    write(
        tmp_path,
        {
            "pom.xml": pom("shop", packaging="pom", modules=modules),
            "common/pom.xml": pom("common", packaging="pom", modules=["web", "events"], **child),
            "common/web/pom.xml": pom("web", uses=["events"], parent="../pom.xml", parent_artifact="common"),
            "common/events/pom.xml": pom("events", **deep),
            "orders/pom.xml": pom("orders", uses=["web", "users"], extra=BOOT, **child),
            "orders/Dockerfile": JAR,
            "users/pom.xml": pom("users", uses=["bundle"], extra=BOOT, **child),
            "users/Dockerfile": JAR,
            "bundle/pom.xml": pom("bundle", packaging="pom", uses=["events"], **child),
        },
    )
    write(tmp_path, {"pom.xml": pom("shop", packaging="pom", modules=[*modules, "bundle"])})
    result = draft(tmp_path)
    assert [(s.path, s.uses) for s in result.shared] == [("common/events", ()), ("common/web", ("events",))]
    assert uses(result) == {"orders": ("common/web",), "users": ("common/events",)}
    by_name = {s.name: s for s in result.services}
    assert by_name["orders"].build_after == ("users",)
    assert by_name["orders"].build_files == ("pom.xml",)
    # its change reaches what has it as parent
    assert result.shared[1].build_files == ("common/pom.xml", "pom.xml")
    assert {s.context for s in result.services} == {"orders", "users"}


def test_a_module_of_a_broken_reactor_is_still_found(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pom.xml": "<project><modules><module>a</module>",
            "a/pom.xml": pom("a", extra=BOOT),
            "a/Dockerfile": JAR,
        },
    )
    result = draft(tmp_path)
    assert [s.name for s in result.services] == ["a"]
    assert any("pom.xml is not well-formed XML" in remark for remark in result.remarks)


def test_a_shared_dockerfile_that_only_takes_a_name_builds_every_program(tmp_path: Path) -> None:
    child: dict[str, Any] = {"parent": "../pom.xml", "parent_artifact": "shop"}
    write(
        tmp_path,
        {
            "pom.xml": pom("shop", packaging="pom", modules=["orders", "users", "lib"]),
            "Dockerfile": "FROM maven AS b\nARG MODULE\nCOPY . .\nRUN mvn -pl ${MODULE} -am package\n"
            "FROM temurin\nARG MODULE\nCOPY --from=b /${MODULE}/target/*.jar /a.jar\nEXPOSE 8080\n",
            "orders/pom.xml": pom("orders", extra=BOOT, **child),
            "users/pom.xml": pom("users", extra=BOOT, **child),
            "lib/pom.xml": pom("lib", **child),
        },
    )
    result = draft(tmp_path)
    assert [(s.name, s.dockerfile, s.context) for s in result.services] == [
        ("orders", "Dockerfile", "."),
        ("users", "Dockerfile", "."),
    ]
    assert {tuple(s.build_args.items()) for s in result.services} == {(("MODULE", "{service}"),)}


def test_programs_without_a_dockerfile_are_told(tmp_path: Path) -> None:
    modules = {"a/pom.xml": pom("a", extra=BOOT), "b/pom.xml": pom("b", extra=BOOT), "a/Dockerfile": JAR}
    write(tmp_path, modules | {"pom.xml": pom("root", packaging="pom", modules=["a", "b"])})
    assert draft(tmp_path).remarks == ("b looks like a service, but has no Dockerfile: left out",)


@pytest.mark.parametrize(
    ("settings", "script"),
    [
        ("include 'lib', 'orders'\n", "dependencies { implementation project(':lib') }\n"),
        ("include(':lib')\ninclude ':orders'\n", 'dependencies { api(project(path: ":lib")) }\n'),
        ('include("lib", // x\n "orders")\n', "dependencies {\n  implementation(projects.lib)\n}\n"),
        ("// include computed\n", 'dependencies { implementation(project(":lib")) }\n'),
        (
            "include('core', 'orders')\nproject(':core').projectDir = file('lib')\n",
            "dependencies { implementation project(':core') }\n",
        ),
    ],
)
def test_gradle_dependencies_between_projects(tmp_path: Path, settings: str, script: str) -> None:
    write(
        tmp_path,
        {
            "settings.gradle": settings,
            "orders/build.gradle": f"plugins {{ id 'org.springframework.boot' }}\n{script}",
            "orders/Dockerfile": "FROM temurin\nCOPY build/libs/orders.jar .\n",
            "lib/build.gradle": "/* project(':orders') */ plugins { id 'java-library' }\n",
        },
    )
    result = draft(tmp_path)
    assert uses(result) == {"orders": ("lib",)}
    assert result.services[0].build_files == ("settings.gradle",)


def test_gradle_buildsrc_and_what_all_subprojects_use(tmp_path: Path) -> None:
    root = 'subprojects {\n  dependencies { implementation(project(":base")) }\n}\n'
    write(
        tmp_path,
        {
            "settings.gradle.kts": 'includeBuild("logic")\ninclude(":base", ":a")\n',
            "build.gradle.kts": root,
            "base/build.gradle.kts": "plugins { `java-library` }\n",
            "a/build.gradle.kts": "plugins {\n  application\n}\n",
            "a/Dockerfile": "FROM temurin\nCOPY . .\nRUN gradle :a:installDist\n",
            "buildSrc/build.gradle.kts": "",
            "logic/build.gradle.kts": "",
        },
    )
    assert uses(draft(tmp_path)) == {"a": ("buildSrc", "logic", "base")}
    assert draft(tmp_path).services[0].context == "."


def test_node_packages_of_pnpm_and_by_file(tmp_path: Path) -> None:
    def package(**values: object) -> str:
        return json.dumps(values)

    write(
        tmp_path,
        {
            "package.json": package(name="mono", private=True),
            "pnpm-workspace.yaml": "packages:\n  - 'libs/**'\n  - apps/*\n  - '!apps/old'\n",
            "pnpm-lock.yaml": "",
            "libs/deep/ui/package.json": package(name="@x/ui"),
            "apps/web/package.json": package(
                name="web", dependencies={"@x/ui": "workspace:^", "left": "link:../l"}
            ),
            "apps/web/Dockerfile": "FROM node\nCOPY pnpm-lock.yaml ./\nCOPY apps/web apps/web\n",
            "apps/l/package.json": package(name="l"),
            "apps/old/package.json": package(name="old", dependencies={"@x/ui": "*"}),
            "apps/old/Dockerfile": "FROM node\nCOPY package.json .\n",
        },
    )
    result = draft(tmp_path)
    assert uses(result) == {"old": (), "web": ("apps/l", "libs/deep/ui")}
    web = next(s for s in result.services if s.name == "web")
    assert (web.context, web.build_files) == (".", ("package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"))


def test_go_replace_and_work(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "go.work": "go 1.22\n\nuse (\n\t./a\n\t./lib\n)\n",
            "a/go.mod": "module example.org/a\n\nrequire example.org/lib v0.0.0\n"
            "replace example.org/other => ../other // local\n",
            "a/Dockerfile": "FROM golang\nCOPY . .\n",
            "lib/go.mod": "module example.org/lib\n",
            "other/go.mod": "module example.org/other\n",
            "outside/go.mod": "module example.org/outside\nreplace x => ../../..\n",
        },
    )
    result = draft(tmp_path)
    assert uses(result) == {"a": ("lib", "other")}
    assert result.services[0].build_files == ("go.work",)


def test_python_folders_of_poetry_uv_pep_508_and_requirements(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pyproject.toml": '[tool.uv.workspace]\nmembers = ["svc/*"]\n',
            "uv.lock": "",
            "svc/a/pyproject.toml": '[project]\nname = "a"\ndependencies = ["lib-b @ file:../../lib/b"]\n'
            "[tool.uv.sources]\nlib-c = { workspace = true }\nlib-d = { path = '../../lib/d' }\n",
            "svc/a/Dockerfile": "FROM python\n",
            "svc/lib-c/pyproject.toml": '[project]\nname = "Lib.C"\n',
            "svc/e/pyproject.toml": '[tool.poetry]\nname = "e"\n'
            '[tool.poetry.group.x.dependencies]\nb = { path = "../../lib/b", develop = true }\n',
            "svc/e/Dockerfile": "FROM python\n",
            "f/requirements.txt": "-e ../lib/b[extra]\nrequests==2 # ../x\n./missing\n",
            "f/Dockerfile": "FROM python\n",
            "lib/b/setup.py": "",
            "lib/d/pyproject.toml": "",
        },
    )
    result = draft(tmp_path)
    assert {name: set(paths) for name, paths in uses(result).items()} == {
        "a": {"lib/b", "svc/lib-c", "lib/d"},
        "e": {"lib/b"},
        "f": {"lib/b"},
    }
    assert {s.name: s.build_files for s in result.services} == {
        "a": ("pyproject.toml", "uv.lock"),
        "e": ("pyproject.toml", "uv.lock"),
        "f": (),
    }


def test_dotnet_and_rust_references(tmp_path: Path) -> None:
    reference = """<Project Sdk="Microsoft.NET.Sdk.Web"><ItemGroup>
        <ProjectReference Include="{}" /></ItemGroup></Project>"""
    write(
        tmp_path,
        {
            "Directory.Packages.props": "<Project/>",
            "src/Basket.API/Basket.API.csproj": reference.format("..\\Bus\\Bus.csproj"),
            "src/Basket.API/Dockerfile": "FROM dotnet\nCOPY src/Basket.API/Basket.API.csproj x/\n"
            "COPY src/Bus/Bus.csproj src/Bus/\n",
            "src/Bus/Bus.csproj": '<!DOCTYPE x [<!ENTITY a "b">]><Project/>',
            "api/Cargo.toml": '[package]\nname = "api"\n[dependencies]\ncore = { path = "../core" }\n',
            "api/Dockerfile": "FROM rust\n",
            "core/Cargo.toml": '[package]\nname = "core"\n',
        },
    )
    result = draft(tmp_path)
    assert uses(result) == {"api": ("core",), "basket-api": ("src/Bus",)}
    basket = next(s for s in result.services if s.name == "basket-api")
    assert (basket.context, basket.build_files) == (".", ("Directory.Packages.props",))


def test_libraries_tell_a_role_that_the_name_does_not(tmp_path: Path) -> None:
    dependency = """<dependencies><dependency><groupId>org.springframework.cloud</groupId>
        <artifactId>spring-cloud-starter-netflix-eureka-server</artifactId></dependency></dependencies>"""
    write(tmp_path, {"names/pom.xml": pom("names", extra=dependency + BOOT), "names/Dockerfile": JAR})
    service = draft(tmp_path).services[0]
    assert (service.priority, service.port, service.group) == (2, 8761, "core")


def test_a_build_file_that_two_systems_share_keeps_both_words(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a/pom.xml": pom("a", extra=BOOT),
            "a/package.json": '{"dependencies": {"x": "file:../x"}}',
            "x/package.json": "{}",
        },
    )
    found = projects(tmp_path)["a"]
    assert (found.kind, found.uses, found.program) == ("java", ("x",), True)


DOCKER_PLUGIN = """<build><plugins><plugin>
    <groupId>com.spotify</groupId><artifactId>docker-maven-plugin</artifactId>
    <configuration>
      <dockerDirectory>${project.basedir}/../docker</dockerDirectory>
      <buildArgs>
        <ARTIFACT>${project.build.finalName}</ARTIFACT><PORT>${container.port}</PORT><OTHER>${unknown}</OTHER>
      </buildArgs>
    </configuration></plugin></plugins></build>"""


def test_a_shared_dockerfile_that_a_docker_plugin_feeds(tmp_path: Path) -> None:
    child: dict[str, Any] = {"parent": "../pom.xml", "parent_artifact": "shop"}
    write(
        tmp_path,
        {
            "pom.xml": pom("shop", packaging="pom", modules=["a", "b", "lib"], extra=DOCKER_PLUGIN),
            "docker/Dockerfile": "FROM x\nARG ARTIFACT\nARG PORT\nADD ${ARTIFACT}.jar /\nEXPOSE ${PORT}\n",
            "a/pom.xml": pom("a", properties={"container.port": "7001"}, extra=BOOT, **child),
            "b/pom.xml": pom("b", properties={"container.port": "7002"}, uses=["lib"], extra=BOOT, **child),
            "lib/pom.xml": pom("lib", **child),
        },
    )
    result = draft(tmp_path)
    assert [(s.name, s.port, s.context, dict(s.build_args)) for s in result.services] == [
        ("a", 7001, "a/target", {"ARTIFACT": "{service}-1.0.0", "PORT": "{port}"}),
        ("b", 7002, "b/target", {"ARTIFACT": "{service}-1.0.0", "PORT": "{port}"}),
    ]
    assert uses(result) == {"a": (), "b": ("lib",)}


JIB = """<build><plugins><plugin><artifactId>jib-maven-plugin</artifactId><configuration>
    <container><ports><port>7005</port></ports></container></configuration></plugin></plugins></build>"""


@pytest.mark.parametrize(
    ("name", "text", "port"),
    [
        ("build.gradle", "jib { container { ports = ['7003'] } }\n", 7003),
        ("build.gradle.kts", 'jib {\n  container { ports = listOf("7004", "9") }\n}\n', 7004),
        ("pom.xml", pom("a", extra=JIB), 7005),
    ],
)
def test_container_ports_that_build_files_set(tmp_path: Path, name: str, text: str, port: int) -> None:
    write(tmp_path, {f"a/{name}": text, "a/Dockerfile": JAR})
    service = draft(tmp_path).services[0]
    assert (service.port, service.guessed_port) == (port, False)
