"""Where sources of a port disagree, the one nearest to the running container wins, and the file says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdt_console.catalog.init import DraftService, draft, render
from tests.unit.layouts import BOOT, pom, write

COMPOSE = 'services:\n  orders:\n    build: orders\n    ports: ["80:1001", "5005:5005"]\n'
SOURCES = {
    "compose": {"compose.yaml": COMPOSE},
    "dockerfile": {"orders/Dockerfile": "FROM eclipse-temurin:21\nARG P=1002\nENV Q=${P}\nEXPOSE $Q/tcp\n"},
    "build file": {
        "orders/pom.xml": pom("orders", properties={"container.port": "1003"}, extra=BOOT),
    },
    "spring": {"orders/src/main/resources/application.yml": "server.port: ${PORT:1004}\n"},
    "config server": {
        "config/Dockerfile": "FROM eclipse-temurin:21\nEXPOSE 8888\n",
        "config/src/main/resources/shared/orders.yml": "server:\n  port: 1005\n",
    },
}
NAMES = {
    "compose": "compose.yaml",
    "dockerfile": "EXPOSE in orders/Dockerfile",
    "build file": "orders/pom.xml",
    "spring": "orders/src/main/resources/application.yml",
    "config server": "config/src/main/resources/shared/orders.yml",
}
PLAIN = {"orders/Dockerfile": "FROM eclipse-temurin:21\n", "orders/pom.xml": pom("orders", extra=BOOT)}


def orders(folder: Path) -> DraftService:
    return next(s for s in draft(folder).services if s.name == "orders")


@pytest.mark.parametrize("first", range(len(SOURCES)))
def test_the_nearest_source_wins_and_the_next_ones_are_named(tmp_path: Path, first: int) -> None:
    kinds = list(SOURCES)[first:]
    write(tmp_path, PLAIN)
    for kind in kinds:
        write(tmp_path, SOURCES[kind])
    service = orders(tmp_path)
    assert service.port == 1001 + first
    others = [f"{NAMES[kind]} says {1001 + list(SOURCES).index(kind)}" for kind in kinds[1:3]]
    told = f"from {NAMES[kinds[0]]}; {', '.join(others)}" if others else ""
    assert service.port_note == told
    line = f"port = {service.port}" + (f"  # {told}" if told else "")
    assert line in render(draft(tmp_path)).splitlines()


def test_sources_that_agree_need_no_comment(tmp_path: Path) -> None:
    write(tmp_path, PLAIN | {"orders/src/main/resources/application.properties": "server.port=7001\n"})
    write(tmp_path, {"compose.yaml": "services:\n  orders:\n    build: orders\n    expose: [7001]\n"})
    assert (orders(tmp_path).port, orders(tmp_path).port_note) == (7001, "")


@pytest.mark.parametrize(
    ("dockerfile", "port"),
    [
        ("FROM a\nEXPOSE 8080/udp 9090/tcp\n", 9090),
        ("FROM a\nEXPOSE 5005 8081\n", 8081),
        ("FROM a\nEXPOSE ${NOT_SET}\nEXPOSE 7000-7010\n", 7000),
        ("FROM a\nEXPOSE ${NOT_SET:-7100}\n", 7100),
        ("FROM a AS base\nEXPOSE 7200\nFROM b AS build\nEXPOSE 1\nFROM base\nCOPY --from=build x .\n", 7200),
        ("FROM a\nENV ASPNETCORE_URLS=http://+:7300\n", 7300),
        ("FROM a\nENV PORT 7400\n", 7400),
        ("ARG P=7500\nFROM a\nARG P\nEXPOSE $P\n", 7500),
        ("FROM a\nEXPOSE \\\n  # the port\n  7600\n", 7600),
        ("FROM a\nRUN <<EOF\nEXPOSE 1\nEOF\nexpose 7700\n", 7700),
        ("# escape=`\nFROM a\nEXPOSE `\n7800\n", 7800),
        ("FROM a\nEXPOSE 99999 0 7900\n", 7900),
        ("FROM nginx:alpine\nCOPY x /y\n", 80),
    ],
)
def test_ports_of_dockerfiles(tmp_path: Path, dockerfile: str, port: int) -> None:
    (tmp_path / "Dockerfile").write_text(dockerfile)
    assert [s.port for s in draft(tmp_path).services] == [port]


@pytest.mark.parametrize(
    ("ports", "port"),
    [
        ('["8080:81"]', 81),
        ('["22:22"]', 22),  # not 1342, a number of base 60
        ('["127.0.0.1:8001:82/tcp"]', 82),
        ('["53:53/udp", "83"]', 83),
        ("[{target: 84, published: 8080}]", 84),
        ('["${OUTSIDE:-8080}:${INSIDE:-85}"]', 85),
        ('["$OUTSIDE:$FROM_ENV_FILE"]', 86),
        ('["8000-8002:87-89"]', 87),
        ("not a list", 1002),
        ('["${X}:${Y}", [], {}]', 1002),
    ],
)
def test_ports_of_compose_files_are_the_containers(tmp_path: Path, ports: str, port: int) -> None:
    write(tmp_path, PLAIN | SOURCES["dockerfile"] | {".env": "# x\nFROM_ENV_FILE='86'\n"})
    write(tmp_path, {"docker-compose.yml": f"services:\n  orders:\n    build: orders\n    ports: {ports}\n"})
    assert orders(tmp_path).port == port


@pytest.mark.parametrize(
    ("name", "text", "port"),
    [
        ("application.yml", "server:\n  port: 7001\n", 7001),
        ("application.yaml", "server: {port: '${A:${B:7002}}'}\n", 7002),
        (
            "application.yml",
            "spring.config.activate.on-profile: x\nserver.port: 1\n---\nserver.port: 7003\n",
            7003,
        ),
        ("application-docker.yml", "server.port: 7004\n", 7004),
        ("bootstrap.yml", "server:\n  port: 7005\n", 7005),
        ("application.properties", "# server.port=1\nserver.port : 7006\n", 7006),
        ("application.properties", "quarkus.http.port=7007\n", 7007),
        ("application.yml", "server:\n  port: 0\n", 8080),  # any free one
        ("application.yml", "server:\n  port: ${PORT}\n", 8080),
        ("application-local.yml", "server.port: 1\n", 8080),
        ("application.yml", "base: &b {port: 7008}\nserver:\n  <<: *b\n", 7008),
    ],
)
def test_ports_of_spring(tmp_path: Path, name: str, text: str, port: int) -> None:
    write(tmp_path, PLAIN | {f"orders/src/main/resources/{name}": text})
    assert orders(tmp_path).port == port


def test_the_profile_that_the_container_runs_with_counts(tmp_path: Path) -> None:
    write(tmp_path, PLAIN | {"orders/Dockerfile": "FROM a\nENV SPRING_PROFILES_ACTIVE=base,cloud\n"})
    yml = "server.port: 1\n---\nspring.profiles: cloud\nserver.port: 7009\n"
    write(tmp_path, {"orders/src/main/resources/application.yml": yml})
    assert orders(tmp_path).port == 7009


def test_application_names_and_folders_in_a_config_repository(tmp_path: Path) -> None:
    write(
        tmp_path,
        PLAIN
        | {
            "orders/src/main/resources/bootstrap.yml": "spring.application.name: orders-api\n",
            "config-server/Dockerfile": "FROM a\nEXPOSE 8888\n",
            "config-repo/orders-api-docker.yml": "spring.profiles: docker\nserver.port: 7010\n",
            "config-repo/orders-api.yml": "logging.level: debug\n",
        },
    )
    # the profile in the name is part of the stem, so only plain files count
    assert orders(tmp_path).guessed_port
    write(tmp_path, {"config-repo/orders-api.yml": "server.port: 7011\n"})
    assert orders(tmp_path).port == 7011


@pytest.mark.parametrize(
    ("files", "port"),
    [
        ({"package.json": "{}"}, 3000),
        ({"pyproject.toml": ""}, 8000),
        ({"go.mod": "module x\n"}, 8080),
        ({"Gemfile": ""}, 3000),
        ({}, 8080),
    ],
)
def test_without_any_source_the_kind_decides_and_the_file_says_it_is_a_guess(
    tmp_path: Path, files: dict[str, str], port: int
) -> None:
    write(tmp_path, {f"x/{name}": text for name, text in files.items()} | {"x/Dockerfile": "FROM a\n"})
    result = draft(tmp_path)
    assert result.services[0].port == port
    assert f"port = {port}  # guessed: no port found" in render(result)
