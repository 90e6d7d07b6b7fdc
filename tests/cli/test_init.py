"""``sdt init``, ``catalog check``, ``detect`` and ``plan --offline`` on layouts that no one here has seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import Sdt
from tests.git import Repo
from tests.unit import layouts
from tests.world import World


@pytest.mark.parametrize(
    ("layout", "touched", "selected"),
    [
        (layouts.petclinic, "petclinic-visits-service/src/main/java/New.java", ["petclinic-visits-service"]),
        (layouts.piggymetrics, "auth-service/src/main/java/New.java", ["auth-service"]),
        (layouts.boutique, "src/cartservice/src/New.cs", ["cartservice"]),
        (layouts.gradle, "services/parcels/src/main/kotlin/New.kt", ["parcels"]),
        (layouts.workspaces, "packages/logging/src/new.ts", ["orders", "web"]),
        (layouts.single, "src/New.java", None),
    ],
)
def test_a_drafted_catalog_passes_the_check_and_tells_what_changed(
    sdt: Sdt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    layout: Callable[[Path], None],
    touched: str,
    selected: list[str] | None,
) -> None:
    repo = Repo(tmp_path / layout.__name__)
    layout(repo.path)
    repo.commit()
    monkeypatch.chdir(tmp_path)
    written = sdt("init", "--repo", repo.path)
    assert written.status == 0, written.err
    assert written.out.startswith(f"{repo.path}/catalog.toml written: ")
    checked = sdt("catalog", "check", "--catalog", repo.path / "catalog.toml", "--repo", repo.path)
    assert checked.status == 0, checked.out
    repo.commit({touched: "new"})
    found = sdt("detect", "--repo", repo.path, "--json").json
    names = [s["name"] for s in found["services"] if s["selected"]]
    assert names
    assert selected is None or names == selected
    plan = sdt("plan", "--offline", "--repo", repo.path, "--json").json
    assert sorted(plan["builds"]) == sorted(names)
    everything = sdt("plan", "--offline", "--repo", repo.path, "--force-full-build", "--json").json
    assert sorted(everything["builds"]) == sorted(
        s["name"] for s in found["services"] if "data" not in s["reason"]
    )
    assert {name for wave in everything["waves"] for name in wave} == set(everything["builds"])


def test_it_never_overwrites(sdt: Sdt, tmp_path: Path) -> None:
    layouts.single(tmp_path)
    (tmp_path / "catalog.toml").write_text("mine")
    ran = sdt("init", "--repo", tmp_path)
    assert ran.status == 2
    assert "is there already" in ran.err
    assert (tmp_path / "catalog.toml").read_text() == "mine"


def test_dry_run_writes_nothing_and_json_tells_what_was_found(sdt: Sdt, tmp_path: Path) -> None:
    layouts.gradle(tmp_path)
    shown = sdt("init", "--repo", tmp_path, "--dry-run")
    assert shown.status == 0
    assert not (tmp_path / "catalog.toml").exists()
    made = sdt("init", "--repo", tmp_path, "--json")
    assert made.json["version"] == 1
    assert made.json["services"]
    assert (tmp_path / "catalog.toml").read_text() == shown.out


def test_not_a_folder_is_told(sdt: Sdt, tmp_path: Path) -> None:
    ran = sdt("init", "--repo", tmp_path / "nowhere")
    assert ran.status == 2
    assert "is not a folder" in ran.err


def test_a_live_cluster_fills_in_names_and_tells_what_is_on_one_side_only(
    sdt: Sdt, world: World, tmp_path: Path
) -> None:
    repo = world.repo
    (repo.path / "skilltracker-services/task-service/Dockerfile").unlink()
    target = tmp_path / "drafted.toml"
    ran = sdt("init", "--repo", repo.path, "--cluster", "sdt-dev-cluster", "--catalog", target)
    assert ran.status == 0, ran.err
    text = target.read_text()
    for line in (
        'account = "962496666337"',
        'region = "eu-west-1"',
        'cluster = "sdt-{env}-cluster"',
        'service = "sdt-{env}-{service}"',
        'log_group = "/ecs/sdt/{env}/{service}"',
        'load_balancer = "sdt-{env}-alb"',
    ):
        assert line in text
    assert sdt("catalog", "check", "--catalog", target).status == 0
    assert "payment-service" in ran.err


def test_a_cluster_alone_and_a_cluster_that_is_not_there(sdt: Sdt, world: World, tmp_path: Path) -> None:
    target = tmp_path / "drafted.toml"
    ran = sdt("init", "--cluster", "sdt-dev-cluster", "--catalog", target)
    assert ran.status == 0, ran.err
    assert 'name = "config-server"' in target.read_text()
    assert sdt("catalog", "check", "--catalog", target).status == 0
    missing = sdt("init", "--cluster", "nope", "--catalog", tmp_path / "x.toml")
    assert missing.status == 3
    assert "no cluster nope" in missing.err
    assert not (tmp_path / "x.toml").exists()
