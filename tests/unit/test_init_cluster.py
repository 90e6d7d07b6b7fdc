"""A draft completed by what runs in a live cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdt_console.catalog.check import check_text
from sdt_console.catalog.init import EMPTY, Draft, LiveService, draft, merge_cluster, render
from sdt_console.catalog.model import Catalog
from tests.unit.layouts import petclinic, piggymetrics, write

ACCOUNT = "111122223333"


def live(name: str, cluster: str = "shop-dev-cluster", **values: object) -> LiveService:
    arn = f"arn:aws:ecs:eu-central-1:{ACCOUNT}:cluster/{cluster}"
    return replace(LiveService(name, arn), **values)  # type: ignore[arg-type]


def running(env: str, *names: str) -> list[LiveService]:
    host = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com"
    return [
        live(
            f"shop-{env}-{name}",
            f"shop-{env}-cluster",
            port=9000 + index,
            image=f"{host}/shop/{env}/{name}",
            family=f"shop-{env}-{name}",
            log_group=f"/ecs/shop/{env}/{name}",
            load_balanced=True,
            load_balancer=f"shop-{env}-alb",
        )
        for index, name in enumerate(names)
    ]


def sound(result: Draft) -> Catalog:
    catalog, problems = check_text(render(result))
    assert catalog is not None, [str(p) for p in problems]
    return catalog


def test_without_a_repository_everything_comes_from_the_cluster() -> None:
    services = running("dev", "config-server", "api-gateway", "user-service", "mongodb")
    result = merge_cluster(EMPTY, services)
    catalog = sound(result)
    assert catalog.system == "shop"
    assert {s.name: (s.priority, s.port, s.path, s.state) for s in catalog.services} == {
        "config-server": (1, 9000, "config-server", "active"),
        "api-gateway": (3, 9001, "api-gateway", "active"),
        "user-service": (4, 9002, "user-service", "active"),
    }
    assert [(d.name, d.port) for d in catalog.data] == [("mongodb", 9003)]
    assert 'path = "user-service"  # guessed' in render(result)
    assert "[source]" not in render(result)
    for service in services:
        name = service.name.removeprefix("shop-dev-")
        assert catalog.ecs_service("dev", name) == catalog.family("dev", name) == service.name
        assert catalog.image_repository("dev", name) == service.image
        assert catalog.log_group("dev", name) == service.log_group
    assert (catalog.cluster("dev"), catalog.load_balancer("dev")) == ("shop-dev-cluster", "shop-dev-alb")
    assert (catalog.aws.account, catalog.aws.region) == (ACCOUNT, "eu-central-1")
    assert catalog.cluster("staging") == "shop-staging-cluster"
    assert "set this" not in render(result).split("[aws]")[1]


def test_what_is_on_one_side_only_is_reported(tmp_path: Path) -> None:
    piggymetrics(tmp_path)
    result = merge_cluster(draft(tmp_path), running("prod", "config", "gateway", "billing", "redis"))
    catalog = sound(result)
    told = [r for r in result.remarks if "cluster" in r]
    assert "billing runs in the cluster shop-prod-cluster, but has no code here: written as pending" in told
    assert "registry is in the repository, but not in the cluster shop-prod-cluster" in told
    assert not any(r.startswith(("config ", "gateway ", "redis ")) for r in told)
    billing = catalog.by_name["billing"]
    assert (billing.state, billing.port) == ("pending", 9002)
    assert catalog.by_name["registry"].state == "active"
    assert "redis" in {d.name for d in catalog.data}
    # the environment is called as the cluster calls it
    assert list(catalog.environments) == ["dev", "staging", "prod"]
    assert catalog.environments["prod"].protected
    assert catalog.cluster("prod") == "shop-prod-cluster"


def test_a_port_that_runs_wins_and_the_file_says_so(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"a/Dockerfile": "FROM x\nEXPOSE 81\n", "b/Dockerfile": "FROM x\n", "c/Dockerfile": "FROM x\n"},
    )
    services = [live("shop-dev-a", port=9000), live("shop-dev-b", port=9001), live("shop-dev-c")]
    result = merge_cluster(draft(tmp_path), services)
    assert [(s.port, s.port_note) for s in result.services] == [
        (9000, "from shop-dev-cluster, where it runs; the repository says 81"),
        (9001, ""),
        (8080, "guessed: no port found"),
    ]


def test_services_take_the_short_names_that_the_cluster_uses(tmp_path: Path) -> None:
    petclinic(tmp_path)
    names = ["config-server", "discovery-server", "api-gateway", "customers-service", "vets-service"]
    result = merge_cluster(draft(tmp_path), running("staging", *names))
    catalog = sound(result)
    # the one that does not run yet is called as the others are
    assert list(catalog.by_name) == [*names, "visits-service"]
    vets = catalog.by_name["vets-service"]
    assert vets.path == "petclinic-vets-service"
    assert vets.needs == ("config-server", "discovery-server")
    # the jar is still called as Maven calls it
    assert catalog.build_args(vets)["ARTIFACT_NAME"] == "petclinic-vets-service-1.0.0"
    assert catalog.ecs_service("staging", "vets-service") == "shop-staging-vets-service"
    assert 'build_args = { ARTIFACT_NAME = "{path}-1.0.0", EXPOSED_PORT = "{port}" }' in render(result)


def test_a_cluster_whose_name_tells_no_environment_is_the_only_one() -> None:
    result = merge_cluster(EMPTY, [live("orders", "main"), live("users", "main")])
    catalog = sound(result)
    assert list(catalog.environments) == ["production"]
    assert (catalog.cluster("production"), catalog.system) == ("main", "main")
    assert catalog.ecs_service("production", "orders") == "orders"


@pytest.mark.parametrize(
    ("names", "plain"),
    [
        (["shop-dev-api-gateway", "shop-dev-api-users"], ["api-gateway", "api-users"]),
        (["shop-dev-orders"], ["orders"]),
        (["orders-dev", "users-dev"], ["orders", "users"]),
        (["shop-orders", "shop-users"], ["orders", "users"]),
        (["orders", "users"], ["orders", "users"]),
    ],
)
def test_what_the_names_of_a_cluster_have_in_common(names: list[str], plain: list[str]) -> None:
    result = merge_cluster(EMPTY, [live(name) for name in names])
    assert [s.name for s in result.services] == plain
    catalog = sound(result)
    assert [catalog.ecs_service("dev", name) for name in plain] == names


def test_an_environment_behind_the_name_is_seen_with_a_repository(tmp_path: Path) -> None:
    write(tmp_path, {"orders/Dockerfile": "FROM x\n", "users/Dockerfile": "FROM x\n"})
    result = merge_cluster(draft(tmp_path), [live("orders-dev"), live("users-dev")])
    assert [s.name for s in result.services] == ["orders", "users"]
    assert sound(result).ecs_service("staging", "users") == "users-staging"


def test_images_of_another_account_keep_their_registry() -> None:
    host = "999988887777.dkr.ecr.us-east-1.amazonaws.com"
    result = merge_cluster(EMPTY, [live("shop-dev-a", image=f"{host}/a"), live("shop-dev-b", image="nginx")])
    catalog = sound(result)
    assert catalog.image_repository("dev", "a") == f"{host}/a"


def test_the_registry_of_china_is_a_pattern_too() -> None:
    host = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com.cn"
    result = merge_cluster(EMPTY, [live("shop-dev-a", image=f"{host}/shop/a")])
    assert result.aws.registry == "{account}.dkr.ecr.{region}.amazonaws.com.cn"
    assert sound(result).image_repository("staging", "a") == f"{host}/shop/a"


def test_a_log_group_that_all_share_is_no_pattern() -> None:
    result = merge_cluster(
        EMPTY, [live("shop-dev-a", log_group="/ecs/shop"), live("shop-dev-b", log_group="/ecs/shop")]
    )
    assert result.aws.log_group == ""
    sound(result)


def test_an_empty_cluster_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"a/Dockerfile": "FROM x\n"})
    before = draft(tmp_path)
    after = merge_cluster(before, [])
    assert render(after) == render(before)
    assert after.remarks[-1] == "the cluster has no services: nothing is taken from it"


def test_load_balanced_services_ask_for_a_health_url() -> None:
    result = merge_cluster(EMPTY, [live("shop-dev-a", load_balanced=True)])
    assert any("health.url" in remark for remark in result.remarks)
