"""What compose files add to a draft: which folder a service is built in, what it needs, and data services."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdt_console.catalog.init import Draft, draft, render
from tests.unit.layouts import write

PLAIN = "FROM scratch\nEXPOSE 8080\n"


def composed(folder: Path, compose: str, **files: str) -> Draft:
    write(folder, {"compose.yaml": compose, **files})
    return draft(folder)


def paths(result: Draft) -> dict[str, tuple[str, str]]:
    return {s.path: (s.dockerfile, s.context) for s in result.services}


def test_context_and_dockerfile_are_the_compose_file_s(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"deploy/docker-compose.yml": "services: {api: {build: {context: .., dockerfile: api/Dockerfile}}}"},
    )
    write(tmp_path, {"api/Dockerfile": "FROM go\nCOPY main.go .\n", "api/main.go": ""})
    assert paths(draft(tmp_path)) == {"api": ("api/Dockerfile", ".")}


@pytest.mark.parametrize(
    "compose",
    [
        "services: {users: {image: example/shop-users, ports: ['80:7000']}}",
        "services: {people: {image: 'registry:5000/x/users:1', ports: ['80:7000']}}",
        "services: {people: {build: backend/users, ports: ['80:7000']}}",
        "services: {people: {build: {context: backend/users, dockerfile: Dockerfile}, ports: ['80:7000']}}",
        "users: {image: x, ports: ['80:7000']}",
        "services: {base: {ports: ['80:7000']}, users: {extends: base, image: x}}",
        "services: {base: {ports: ['80:7000']}, users: {extends: {service: base}, image: x}}",
        "x: &x {ports: ['80:7000']}\nservices: {users: {<<: *x, image: x}}",
        "x: &x {ports: ['80:7000']}\ny: &y {image: y}\nservices: {users: {<<: [*y, *x]}}",
    ],
)
def test_a_compose_service_is_found_by_what_it_builds_or_runs_or_is_called(
    tmp_path: Path, compose: str
) -> None:
    result = composed(
        tmp_path, compose, **{"backend/users/Dockerfile": PLAIN, "backend/orders/Dockerfile": PLAIN}
    )
    assert {s.name: s.port for s in result.services} == {"users": 7000, "orders": 8080}


def test_a_module_with_a_longer_name_is_found_if_nothing_fits_better(tmp_path: Path) -> None:
    compose = "services: {users: {image: x/y, ports: ['1:7000']}, shop-users: {image: z, ports: ['1:7001']}}"
    result = composed(tmp_path, compose, **{"shop-users/Dockerfile": PLAIN})
    assert [s.port for s in result.services] == [7001]


def test_needs_are_services_and_data_services_by_their_names_here(tmp_path: Path) -> None:
    compose = """
        services:
          web:
            build: frontend
            depends_on: [backend, cache, mail, web, unknown]
            links: ["db:database"]
          backend: {build: api}
          cache: {image: "bitnami/redis:7"}
          db: {image: mariadb}
          mail: {image: mailhog/mailhog}
        """
    result = composed(tmp_path, compose, **{"frontend/Dockerfile": PLAIN, "api/Dockerfile": PLAIN})
    assert {s.name: s.needs for s in result.services} == {"api": (), "frontend": ("api", "cache", "db")}
    assert result.remarks == ("compose.yaml: mail only runs mailhog/mailhog: left out",)


@pytest.mark.parametrize(
    ("image", "ports", "expected"),
    [
        ("mongo:7", "", (27017, ())),
        ("rabbitmq:3-management", "", (5672, (15672,))),
        ("rabbitmq:3", "['15672:15672', '5673:5672']", (5672, (15672,))),
        ("docker.io/bitnami/postgresql:16@sha256:abc", "['5433:5432']", (5432, ())),
        ("redis", "['6380:6380']", (6380, ())),
        ("confluentinc/cp-kafka", "[29092, 9092]", (9092, (29092,))),
        ("mcr.microsoft.com/mssql/server:2022-latest", "", (1433, ())),
        ("company/orders-mysql", "", (3306, ())),
        ("elasticsearch:8", "['9200:9200', '9300:9300']", (9200, (9300,))),
    ],
)
def test_data_services_and_their_ports(
    tmp_path: Path, image: str, ports: str, expected: tuple[int, tuple[int, ...]]
) -> None:
    opened = f", ports: {ports}" if ports else ""
    result = composed(tmp_path, f"services: {{store: {{image: '{image}'{opened}}}}}")
    assert [(d.name, d.port, d.ports) for d in result.data] == [("store", *expected)]


@pytest.mark.parametrize(
    "image",
    [
        *("mongo-express", "x/redis-commander", "x/kafka-ui", "x/redis_exporter:v1", "dpage/pgadmin4"),
        *("nginx", "example/orders", "", "phpmyadmin/phpmyadmin"),
    ],
)
def test_tools_around_data_services_are_none(tmp_path: Path, image: str) -> None:
    assert composed(tmp_path, f"services: {{tool: {{image: '{image}'}}}}").data == ()


def test_a_data_image_that_is_built_here_is_data(tmp_path: Path) -> None:
    files = {"mysql/Dockerfile": "FROM mysql:8\nCOPY x.sql /\n", "mongo/Dockerfile": "FROM mongo\n"}
    result = composed(tmp_path, "services: {db: {build: mysql}}", **files)
    assert result.services == ()
    assert [(d.name, d.port) for d in result.data] == [("db", 3306), ("mongo", 27017)]


def test_a_data_service_and_a_service_of_one_name_are_told_apart(tmp_path: Path) -> None:
    result = composed(tmp_path, "services: {users: {image: mongo}}", **{"users/Dockerfile": PLAIN})
    names = [s.name for s in result.services] + [d.name for d in result.data]
    assert len(set(names)) == 2


def test_processes_of_one_image_are_one_service(tmp_path: Path) -> None:
    compose = "services: {web: {build: ., ports: ['80:8000']}, worker: {build: ., command: work}}"
    result = composed(tmp_path, compose, **{"Dockerfile": "FROM python\nCOPY . .\n", "pyproject.toml": ""})
    assert [(s.path, s.port) for s in result.services] == [(".", 8000)]
    assert result.remarks == ("compose.yaml: worker runs the code of web: written once",)


def test_build_arguments_that_are_secret_or_unknown_are_not_written(tmp_path: Path) -> None:
    args = (
        "{VERSION: '1.2', API_TOKEN: abc, DB_PASSWORD: abc, ENV: '${ENV}', OTHER: '${OTHER:-x}', UNUSED: y}"
    )
    dockerfile = "FROM a\nARG VERSION\nARG API_TOKEN\nARG DB_PASSWORD\nARG ENV\nARG OTHER\n"
    compose = f"services: {{api: {{build: {{context: api, args: {args}}}}}}}"
    result = composed(
        tmp_path, compose, **{"api/Dockerfile": dockerfile, ".env": "ENV=hidden\nOTHER=hidden\n"}
    )
    assert dict(result.services[0].build_args) == {"VERSION": "1.2", "OTHER": "x"}
    assert "hidden" not in render(result)
    assert "abc" not in render(result)


def test_services_of_development_profiles_and_files_count_less(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"api/Dockerfile": "FROM a\n", "docker-compose.dev.yml": "services: {api: {build: api, ports: [1]}}"},
    )
    assert draft(tmp_path).services[0].port == 1  # the only source there is
    compose = (
        "services: {api: {build: api, profiles: [dev], ports: [2]}, db: {image: mongo, profiles: [test]}}"
    )
    result = composed(tmp_path, compose)
    assert (result.services[0].port, result.data) == (1, ())
    assert composed(tmp_path, "services: {api: {build: api, ports: [3]}}").services[0].port == 3


def test_what_a_compose_file_names_in_vain_is_told(tmp_path: Path) -> None:
    compose = """
        services:
          a: {build: gone}
          b: {build: {context: ., dockerfile: gone}}
          c: {build: 'https://host/repo.git'}
        """
    assert composed(tmp_path, compose, **{"x/Dockerfile": PLAIN}).remarks == (
        "compose.yaml: a is built in gone, which is not a folder of the repository: left out",
        "compose.yaml: b names no Dockerfile that exists: left out",
        "compose.yaml: c is built from elsewhere: left out",
    )


@pytest.mark.parametrize(
    ("dockerfile", "files", "context"),
    [
        ("COPY target/*.jar app.jar", ["svc/pom.xml"], "svc"),
        ("COPY svc/target/*.jar app.jar", ["svc/pom.xml"], "."),
        ("COPY package.json ./\nCOPY . .", ["svc/package.json"], "svc"),
        ("COPY svc/package.json ./", ["svc/package.json"], "."),
        ("COPY go.* ./", ["svc/go.mod", "go.work"], "svc"),
        ('COPY ["svc/a b.txt", "/x"]', ["svc/a"], "svc"),
        ("COPY . .\nRUN ./gradlew :svc:build", ["svc/build.gradle", "gradlew"], "."),
        ("COPY . .", ["svc/go.mod"], "svc"),
        ("COPY --from=x y .\nCOPY --chown=1:1 main.py .", ["svc/main.py"], "svc"),
        ("ADD https://host/x /x", [], "svc"),
        ("COPY ${DIR:-svc}/main.py .", ["svc/main.py"], "."),
    ],
)
def test_without_compose_the_context_follows_from_what_is_copied(
    tmp_path: Path, dockerfile: str, files: list[str], context: str
) -> None:
    write(
        tmp_path,
        {"svc/Dockerfile": f"FROM a\n{dockerfile}\n"} | {f: "" for f in files if not f.endswith("xml")},
    )
    if "svc/pom.xml" in files:
        write(tmp_path, {"svc/pom.xml": "<project><artifactId>svc</artifactId></project>"})
    service = next(s for s in draft(tmp_path).services if s.path == "svc")
    assert service.context == context


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([f"x/src/main/docker/Dockerfile.{kind}" for kind in ("jvm", "native")], {"x": "Dockerfile.jvm"}),
        (["svc/docker/Dockerfile"], {"svc": "Dockerfile"}),
        (["docker/api/Dockerfile", "api/package.json"], {"api": "Dockerfile"}),
        (["Dockerfile.api", "Dockerfile.jobs", "api/go.mod", "jobs/go.mod"],
         {"api": "Dockerfile.api", "jobs": "Dockerfile.jobs"}),
        (["svc/Dockerfile.prod", "svc/Dockerfile.dev"], {"svc": "Dockerfile.prod"}),
        (["svc/Dockerfile", "svc/Dockerfile.arm64"], {"svc": "Dockerfile"}),
        (["svc/Containerfile"], {"svc": "Containerfile"}),
        (["svc/Dockerfile.md", "svc/Dockerfile.dockerignore"], {}),
    ],
)  # fmt: skip
def test_which_folder_a_dockerfile_is_of(tmp_path: Path, files: list[str], expected: dict[str, str]) -> None:
    write(tmp_path, {path: "FROM a\n" if "ocker" in path or "ontainer" in path else "{}" for path in files})
    found = {s.path: s.dockerfile.rpartition("/")[2] for s in draft(tmp_path).services}
    assert found == expected
