from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.catalog.reactor import compare
from tests.unit.layouts import pom, write

HEAD = """
version = 1
system = "shop"
default_environment = "dev"
groups = ["core"]
aws = { region = "eu-west-1", account = "000000000000" }
names = { cluster = "shop-{env}", service = "{service}", repository = "{service}" }
environments.dev = {}
"""


def catalog(shared: list[dict[str, object]], services: list[dict[str, object]]) -> Catalog:
    data = tomllib.loads(HEAD)
    data["shared"] = shared
    data["services"] = [{"priority": 4, "group": "core", "port": 8080, **service} for service in services]
    return Catalog.model_validate(data)


def module(artifact: str, *uses: str) -> str:
    return pom(artifact, parent="../../pom.xml", parent_artifact="root", uses=uses)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    modules = ["common/event", "common/util", "services/user", "services/task"]
    write(
        tmp_path,
        {
            "pom.xml": pom("root", packaging="pom", modules=modules),
            "common/event/pom.xml": module("common-event", "common-util"),
            "common/util/pom.xml": module("common-util"),
            "services/user/pom.xml": module("user", "common-event"),
            "services/task/pom.xml": module("task", "user", "common-util"),
        },
    )
    return tmp_path


UTIL: dict[str, object] = {"name": "util", "path": "common/util"}
EVENT: dict[str, object] = {"name": "event", "path": "common/event", "uses": ["util"]}
USER: dict[str, object] = {"name": "user", "path": "services/user", "uses": ["event"]}
TASK: dict[str, object] = {
    "name": "task",
    "path": "services/task/",
    "uses": ["event"],
    "build_after": ["user"],
}


def told(catalog: Catalog, repo: Path) -> list[str]:
    return [f"{p.severity}: {p}" for p in compare(catalog, repo)]


def test_a_catalog_that_agrees_has_no_problems(repo: Path) -> None:
    # task's own dependency on util is covered: it uses event, which uses util
    assert told(catalog([UTIL, EVENT], [USER, TASK]), repo) == []


def test_a_wrong_path_names_the_modules_nearest_first(repo: Path) -> None:
    problems = told(catalog([UTIL, EVENT], [USER, TASK | {"path": "service/task"}]), repo)
    assert problems[0] == (
        'error: services.task.path = "service/task": there is no such folder; '
        "modules: services/task, services/user, common/event, common/util"
    )
    # the real one is then an orphan of the catalog, but a module of the reactor: nothing more to say
    assert len(problems) == 1


def test_a_folder_with_a_pom_that_no_modules_names(repo: Path) -> None:
    write(repo, {"services/new/pom.xml": module("new"), "services/new/inner/pom.xml": module("inner")})
    write(repo, {"other/pom.xml": module("other"), "other/src/test/resources/pom.xml": module("fixture")})
    new: dict[str, object] = {"name": "new", "path": "services/new"}
    assert told(catalog([UTIL, EVENT], [USER, TASK, new]), repo) == [
        'error: services.new.path = "services/new": not a module of the Maven reactor; '
        "modules: services/user, services/task, common/event, common/util",
        "remark: other/pom.xml: no <modules> names this folder: Maven does not build it",
    ]


def test_uses_that_lack_a_dependency(repo: Path) -> None:
    assert told(catalog([UTIL, EVENT | {"uses": []}], [USER | {"uses": []}, TASK]), repo) == [
        "error: shared.event.uses = []: common/event/pom.xml depends on common-util; add util",
        "error: services.user.uses = []: services/user/pom.xml depends on common-event; add event",
        'error: services.task.uses = ["event"]: services/task/pom.xml depends on common-util; add util',
    ]


def test_uses_that_the_pom_does_not_have_are_a_remark(repo: Path) -> None:
    assert told(catalog([UTIL | {"uses": ["event"]}, EVENT], [USER, TASK]), repo) == [
        'remark: shared.util.uses[0] = "event": common/util/pom.xml does not depend on it: '
        "its changes build util in vain",
    ]


def test_a_dependency_the_catalog_does_not_know(repo: Path) -> None:
    assert told(catalog([UTIL], [USER | {"uses": ["util"]}]), repo) == [
        'error: services.user.uses = ["util"]: services/user/pom.xml depends on common-event; '
        "add a shared module with path common/event",
    ]


def test_a_service_built_with_another_service(repo: Path) -> None:
    assert told(catalog([UTIL, EVENT], [USER, TASK | {"build_after": []}]), repo) == [
        "error: services.task.build_after = []: services/task/pom.xml depends on user; add user",
    ]


def test_shared_modules_in_an_order_that_maven_contradicts(repo: Path) -> None:
    assert told(catalog([EVENT, UTIL], [USER, TASK]), repo) == [
        "error: shared.event: it is built before util, which it depends on: put it after util",
    ]


def test_pending_services_and_those_without_a_pom_are_left_alone(repo: Path) -> None:
    write(repo, {"web/package.json": "{}"})
    more: list[dict[str, object]] = [
        {"name": "bff", "path": "services/bff", "state": "pending"},
        {"name": "web", "path": "web"},
    ]
    assert told(catalog([UTIL, EVENT], [USER, TASK, *more]), repo) == []


def test_a_repository_without_maven_is_not_compared(tmp_path: Path) -> None:
    assert told(catalog([UTIL], [USER]), tmp_path) == []


def test_broken_poms_and_faults_are_problems_not_exceptions(repo: Path) -> None:
    write(repo, {"pom.xml": pom("root", packaging="pom", modules=["services/gone", "services/user"])})
    first = compare(catalog([], []), repo)[0]
    assert (first.path, first.value) == ("pom.xml", "services/gone")
    assert first.message == "the module does not exist: no such folder"
    write(repo, {"services/user/pom.xml": "<!DOCTYPE x [<!ENTITY a 'b'>]><project/>"})
    assert told(catalog([], [USER]), repo) == [
        "error: pom.xml: services/user/pom.xml is not read: it declares a document type or entities, "
        "which a pom needs not and an attack does"
    ]


def test_hundreds_of_modules_that_need_each_other_are_compared(tmp_path: Path) -> None:
    count = 300
    files = {"pom.xml": pom("root", packaging="pom", modules=[f"m/{i}" for i in range(count)])}
    for i in range(count):
        files[f"m/{i}/pom.xml"] = module(f"m{i}", *([f"m{i - 1}"] if i else []))
    write(tmp_path, files)
    shared: list[dict[str, object]] = [
        {"name": f"m{i}", "path": f"m/{i}", "uses": [f"m{i - 1}"] if i else []} for i in range(count)
    ]
    assert compare(catalog(shared, []), tmp_path) == []
