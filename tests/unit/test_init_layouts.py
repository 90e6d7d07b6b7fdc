"""What is drafted for repositories in the styles that public ones have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sdt_console.catalog.check import check_text
from sdt_console.catalog.init import draft, render
from sdt_console.catalog.model import Catalog
from sdt_console.catalog.reactor import compare
from tests.unit import layouts
from tests.unit.layouts import write

LAYOUTS = [
    layouts.petclinic,
    layouts.piggymetrics,
    layouts.boutique,
    layouts.gradle,
    layouts.workspaces,
    layouts.single,
]


def drafted(folder: Path) -> tuple[Catalog, str]:
    """The drafted catalog, which has no errors, and its text."""
    text = render(draft(folder))
    catalog, problems = check_text(text)
    assert [str(p) for p in problems if p.severity == "error"] == []
    assert catalog is not None
    return catalog, text


def lines_of(text: str, name: str) -> list[str]:
    """The lines of one service, shared module or data service."""
    start = text.index(f'name = "{name}"')
    return text[start:].split("\n\n")[0].splitlines()


@pytest.mark.parametrize("build", LAYOUTS, ids=lambda build: str(build.__name__))
def test_the_text_passes_the_check_and_agrees_with_the_reactor(
    tmp_path: Path, build: Callable[[Path], None]
) -> None:
    build(tmp_path)
    catalog, text = drafted(tmp_path)
    assert compare(catalog, tmp_path) == []
    for service in catalog.services:
        assert (tmp_path / service.path).is_dir()
        assert (tmp_path / catalog.dockerfile(service)).is_file()
    assert list(catalog.environments) == ["dev", "staging", "production"]
    assert 'account = "000000000000"  # set this' in text
    assert max(map(len, text.splitlines())) <= 130


def test_maven_modules_with_one_dockerfile(tmp_path: Path) -> None:
    layouts.petclinic(tmp_path)
    catalog, text = drafted(tmp_path)
    assert catalog.system == "petclinic"
    assert [(s.name, s.priority, s.port) for s in catalog.services] == [
        ("petclinic-config-server", 1, 8888),
        ("petclinic-discovery-server", 2, 8761),
        ("petclinic-api-gateway", 3, 8080),
        ("petclinic-customers-service", 4, 8081),
        ("petclinic-vets-service", 4, 8083),
        ("petclinic-visits-service", 4, 8082),
    ]
    vets = catalog.by_name["petclinic-vets-service"]
    assert catalog.dockerfile(vets) == "docker/Dockerfile"
    assert catalog.context(vets) == "petclinic-vets-service/target"
    assert catalog.build_args(vets) == {
        "ARTIFACT_NAME": "petclinic-vets-service-1.0.0",
        "EXPOSED_PORT": "8083",
    }
    assert vets.uses == ("petclinic-common",)
    assert vets.needs == ("petclinic-config-server", "petclinic-discovery-server")
    assert [(s.name, s.path) for s in catalog.shared] == [("petclinic-common", "petclinic-common")]
    assert catalog.source.build_files == ("pom.xml",)
    assert "priority = 1  # guessed: configuration" in text
    # said once, not six times
    assert text.count("ARTIFACT_NAME") == text.count("docker/Dockerfile") == 1
    # names that bear the system's name do not get it twice
    assert catalog.ecs_service("dev", vets.name) == "dev-petclinic-vets-service"


def test_ports_in_the_files_of_a_config_server(tmp_path: Path) -> None:
    layouts.piggymetrics(tmp_path)
    catalog, text = drafted(tmp_path)
    assert {s.name: (s.priority, s.port) for s in catalog.services} == {
        "config": (1, 8888),
        "registry": (2, 8761),
        "gateway": (3, 4000),
        "account-service": (4, 6000),
        "auth-service": (4, 5000),
        "statistics-service": (4, 7000),
    }
    assert catalog.by_name["account-service"].needs == ("config", "account-mongodb")
    assert {d.name: (d.port, d.ports) for d in catalog.data} == {
        "rabbitmq": (5672, (15672,)),
        "auth-mongodb": (27017, ()),
        "account-mongodb": (27017, ()),
    }
    assert "7777" not in text  # docker-compose.dev.yml
    assert catalog.context(catalog.by_name["gateway"]) == "gateway"


def test_a_mix_of_languages_below_one_folder(tmp_path: Path) -> None:
    layouts.boutique(tmp_path)
    catalog, text = drafted(tmp_path)
    assert {s.name: (s.path, s.port) for s in catalog.services} == {
        "adservice": ("src/adservice", 9555),
        "cartservice": ("src/cartservice", 7070),
        "currencyservice": ("src/currencyservice", 7000),
        "emailservice": ("src/emailservice", 8080),
        "frontend": ("src/frontend", 8080),
        "loadgenerator": ("src/loadgenerator", 8000),
        "shippingservice": ("src/shippingservice", 50051),
    }
    cart = catalog.by_name["cartservice"]
    assert catalog.dockerfile(cart) == "src/cartservice/src/Dockerfile"
    assert catalog.context(cart) == "src/cartservice/src"
    assert "port = 8000  # guessed: no port found" in lines_of(text, "loadgenerator")
    assert catalog.context(catalog.by_name["adservice"]) == "src/adservice"
    assert {s.group for s in catalog.services if s.name != "loadgenerator"} == {"business"}


def test_a_gradle_build_in_kotlin(tmp_path: Path) -> None:
    layouts.gradle(tmp_path)
    catalog, _ = drafted(tmp_path)
    assert catalog.system == "parcel-tracking"
    assert {s.name: (s.path, s.port, s.uses) for s in catalog.services} == {
        "gateway": ("gateway", 8443, ("web",)),
        "couriers": ("services/couriers", 8082, ("events",)),
        "parcels": ("services/parcels", 8081, ("web",)),
    }
    assert [(s.name, s.path, s.uses) for s in catalog.shared] == [
        ("events", "libs/events", ()),
        ("web", "libs/web", ("events",)),
    ]
    assert catalog.source.build_files == (
        "settings.gradle.kts",
        "build.gradle.kts",
        "gradle.properties",
        "gradle/libs.versions.toml",
    )
    assert {catalog.context(s) for s in catalog.services} == {"."}


def test_node_workspaces_and_a_dockerfile_fed_by_compose(tmp_path: Path) -> None:
    layouts.workspaces(tmp_path)
    catalog, text = drafted(tmp_path)
    assert catalog.system == "shop"
    orders, web = catalog.by_name["orders"], catalog.by_name["web"]
    assert (orders.path, orders.port, orders.uses, orders.needs) == (
        "apps/orders", 3001, ("money",), ("db", "cache"),
    )  # fmt: skip
    assert (web.path, web.port, web.uses, web.needs) == ("apps/web", 3000, ("logging",), ("orders",))
    assert catalog.build_args(web) == {"APP": "web"}
    assert [(d.name, d.port) for d in catalog.data] == [("db", 5432), ("cache", 6379)]
    assert "TOKEN" not in text


def test_one_service_at_the_root(tmp_path: Path) -> None:
    layouts.single(tmp_path)
    catalog, _ = drafted(tmp_path)
    (service,) = catalog.services
    assert (service.name, service.path, service.port) == ("invoice-api", ".", 8000)
    assert catalog.dockerfile(service) == "./Dockerfile"


def test_a_service_never_needs_a_later_wave(tmp_path: Path) -> None:
    files = {
        f"{name}/Dockerfile": f"FROM node\nCOPY {name}.js .\n" for name in ("gateway", "config", "users")
    }
    files |= {f"{name}/{name}.js": "" for name in ("gateway", "config", "users")}
    compose = """
        services:
          gateway: {build: gateway, depends_on: [users]}
          users: {build: users, depends_on: {config: {condition: service_started}}}
          config: {build: config}
        """
    write(tmp_path, files | {"compose.yaml": compose})
    catalog, text = drafted(tmp_path)
    assert {s.name: s.priority for s in catalog.services} == {"config": 1, "gateway": 4, "users": 4}
    assert "priority = 4  # guessed: gateway, but it needs users" in text
    assert "# Nothing is deployed before what it needs." in text


def test_services_that_depend_on_each_other_are_untied(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a/Dockerfile": "FROM scratch\n",
            "b/Dockerfile": "FROM scratch\n",
            "compose.yaml": "services:\n  a: {build: a, depends_on: [b]}\n  b: {build: b, depends_on: [a]}\n",
        },
    )
    result = draft(tmp_path)
    assert sorted(s.needs for s in result.services) == [(), ("b",)] or sorted(
        s.needs for s in result.services
    ) == [(), ("a",)]
    assert any("depend on each other" in remark for remark in result.remarks)
    drafted(tmp_path)


def test_a_repository_without_services_is_said_to_have_none(tmp_path: Path) -> None:
    write(tmp_path, {"README.md": "# nothing\n"})
    catalog, text = drafted(tmp_path)
    assert catalog.services == ()
    assert "services = []" in text
    assert draft(tmp_path).remarks == (
        "no Dockerfile of a service was found: the catalog has no services yet",
    )


def test_dockerfiles_that_are_not_for_production_are_left_out(tmp_path: Path) -> None:
    aside = [
        "api/Dockerfile.dev", "api/dev.Dockerfile", "api/tests/Dockerfile", "api/node_modules/x/Dockerfile",
        "vendor/x/Dockerfile", "api/target/Dockerfile", "build/Dockerfile", "examples/demo/Dockerfile",
        ".devcontainer/Dockerfile", ".git/Dockerfile", "ci/Dockerfile", "Dockerfile.test", "docs/Dockerfile",
    ]  # fmt: skip
    write(tmp_path, dict.fromkeys(["api/Dockerfile", *aside], "FROM scratch\nEXPOSE 81\n"))
    catalog, _ = drafted(tmp_path)
    assert [(s.name, s.path) for s in catalog.services] == [("api", "api")]


def test_equal_folder_names_become_different_names(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys(["shop/api/Dockerfile", "bank/api/Dockerfile"], "FROM scratch\n"))
    catalog, _ = drafted(tmp_path)
    assert {s.path: s.name for s in catalog.services} == {"bank/api": "api", "shop/api": "shop-api"}


def test_go_services_of_one_module_share_its_packages(tmp_path: Path) -> None:
    main = 'package main\n\nimport (\n\t"fmt"\n\n\tdb "example.org/shop/internal/db"\n)\n'
    write(
        tmp_path,
        {
            "go.mod": "module example.org/shop\n",
            "go.sum": "",
            "internal/db/db.go": 'package db\nimport "example.org/shop/pkg/log/fields"\n',
            "pkg/log/fields/fields.go": "package fields\n",
            "pkg/unused/unused.go": "package unused\n",
            "cmd/orders/main.go": main,
            "cmd/orders/Dockerfile": "FROM golang\nCOPY go.mod go.sum ./\nCOPY . .\nRUN go build ./cmd/x\n",
            "cmd/users/main.go": "package main\n",
            "cmd/users/Dockerfile": "FROM golang\nCOPY go.mod go.sum ./\nCOPY . .\nRUN go build ./cmd/y\n",
        },
    )
    catalog, _ = drafted(tmp_path)
    assert {s.name: s.uses for s in catalog.services} == {"orders": ("db",), "users": ()}
    assert [(s.path, s.uses) for s in catalog.shared] == [("pkg/log", ()), ("internal/db", ("log",))]
    assert catalog.source.build_files == ("go.mod", "go.sum")
    assert {catalog.context(s) for s in catalog.services} == {"."}


def test_one_dockerfile_that_takes_the_name_of_a_command(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "go.mod": "module example.org/shop\n",
            "cmd/orders/main.go": "package main\n",
            "cmd/users/main.go": "package main\n",
            "Dockerfile": """
                FROM golang:1.22 AS build
                ARG SERVICE
                COPY . .
                RUN go build -o /app ./cmd/${SERVICE}
                FROM scratch
                COPY --from=build /app /app
                EXPOSE 9000
                """,
        },
    )
    catalog, text = drafted(tmp_path)
    assert {s.name: (s.path, s.port) for s in catalog.services} == {
        "orders": ("cmd/orders", 9000),
        "users": ("cmd/users", 9000),
    }
    assert 'build_args = { SERVICE = "{service}" }' in text
    assert catalog.build_args(catalog.by_name["users"]) == {"SERVICE": "users"}
