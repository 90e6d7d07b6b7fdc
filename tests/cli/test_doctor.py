"""``sdt doctor``: every finding at once, in words and as JSON, with the exit code that goes with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.catalogs import OURS, SMALL
from tests.command import Ran, Sdt
from tests.git import Repo
from tests.world import World


def marked(ran: Ran, severity: str) -> list[tuple[str, str]]:
    return [(f["where"], f["what"]) for f in ran.json["findings"] if f["severity"] == severity]


def test_all_in_place(sdt: Sdt, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.backend.path)
    ran = sdt("doctor", "--catalog", OURS, "--json")

    assert ran.status == 0
    assert (ran.json["version"], ran.json["environment"]) == (1, "dev")
    assert set(ran.json["findings"][0]) == {"severity", "where", "what", "cause", "next"}
    assert marked(ran, "error") == []
    assert [where for where, _ in marked(ran, "warning")] in ([], ["builder"])  # with or without an Engine
    fine = dict(marked(ran, "ok"))
    assert {"machine", "state", "catalog", "repository", "credentials", "cluster", "rights"} < set(fine)
    assert fine["repository"].startswith(str(world.backend.path))
    assert fine["redis"] == "1 of 1 tasks run sdt-dev-redis:1, image in ECR"


def test_what_is_missing_is_told_with_cause_and_cure(sdt: Sdt, world: World) -> None:
    world.client("secretsmanager").delete_secret(SecretId="sdt/dev/database", ForceDeleteWithoutRecovery=True)
    world.client("ecr").delete_repository(repositoryName="sdt/dev/task-service", force=True)
    ran = sdt("doctor", "--catalog", OURS, "--repo", world.backend.path)

    assert ran.status == 3
    lines = ran.out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("✖ 15 services"))
    assert lines[at].endswith("no secret sdt/dev/database")
    assert lines[at + 1].strip().startswith("why:  named by config-server, discovery-server, api-gateway and")
    assert lines[at + 2].strip().startswith("next: aws secretsmanager create-secret --name sdt/dev/database")
    assert any(line.startswith("✖ task-service ") and "no ECR repository" in line for line in lines)
    assert any(line.startswith("✔ user-service ") for line in lines)
    assert ran.err.startswith("dev: 2 errors, ")


def test_no_value_of_a_secret_is_shown(sdt: Sdt, world: World) -> None:
    secrets = world.client("secretsmanager")
    secrets.put_secret_value(SecretId="sdt/dev/database", SecretString='{"password": "hunter2-hunter2"}')
    world.sandbox.faults.calls.clear()
    both = [sdt("doctor", "--catalog", OURS), sdt("doctor", "--catalog", OURS, "--json")]

    for ran in both:
        assert "hunter2" not in ran.out + ran.err
    calls = world.sandbox.faults.calls
    assert all(call.startswith(("Describe", "List", "GetCallerIdentity", "Simulate")) for call in calls), (
        calls
    )


def test_a_catalog_with_problems_is_exit_2_and_the_machine_is_told_all_the_same(
    sdt: Sdt, tmp_path: Path
) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text(
        SMALL.replace("priority = 1", "priority = 0").replace('uses = ["security"]', 'uses = ["x"]')
    )
    ran = sdt("doctor", "--catalog", file, "--json")

    assert ran.status == 2
    assert ran.json["environment"] == ""
    assert [where for where, _ in marked(ran, "error")] == ["catalog", "catalog"]
    assert "machine" in dict(marked(ran, "ok"))


def test_an_unknown_environment_and_a_folder_that_is_no_repository(sdt: Sdt, tmp_path: Path) -> None:
    ran = sdt("doctor", "--catalog", OURS, "--env", "qa", "--repo", tmp_path, "--json")

    assert ran.status == 2
    told = marked(ran, "error")
    assert [where for where, _ in told] == ["catalog", "repository"]
    assert told[0][1].startswith("no environment 'qa'")


def test_a_repository_that_the_catalog_does_not_fit(sdt: Sdt, world: World, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other")
    other.commit({"README": "nothing of ours"})
    ran = sdt("doctor", "--catalog", OURS, "--repo", other.path, "--json")
    assert ran.status == 2
    assert marked(ran, "error") == [("repository", f"no service of {OURS} is in {other.path}")]

    shutil.rmtree(world.backend.path / "skilltracker-services" / "user-service")
    ran = sdt("doctor", "--catalog", OURS, "--repo", world.backend.path, "--json")
    assert ran.status == 2
    assert any("user-service" in what for where, what in marked(ran, "error") if where == "repository")


def test_a_state_folder_that_cannot_be_written(
    sdt: Sdt, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("SDT_STATE", str(tmp_path / "file" / "state"))
    ran = sdt("doctor", "--catalog", OURS, "--json")

    assert ran.status == 3
    assert [where for where, _ in marked(ran, "error")] == ["state"]


def test_no_credentials(sdt: Sdt, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ran = sdt("doctor", "--catalog", OURS, "--json")

    assert ran.status == 3
    assert marked(ran, "error") == [("credentials", "no AWS credentials")]


def test_on_the_sandbox(sdt: Sdt) -> None:
    ran = sdt("doctor", "--sandbox", "--scenario", "expired-credentials", "--catalog", OURS, "--json")

    assert ran.status == 3
    assert marked(ran, "error") == [("credentials", "the AWS credentials have expired")]


def test_the_table_that_all_share(sdt: Sdt, world: World, tmp_path: Path) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text(OURS.read_text() + '\n[store]\ntable = "our-runs"\n')
    missing = sdt("doctor", "--catalog", file, "--json")
    assert missing.status == 3
    assert marked(missing, "error") == [("store", "there is no DynamoDB table our-runs in eu-west-1")]

    refused = sdt("doctor", "--catalog", file, "--create-table", "--read-only")
    assert refused.status == 2
    assert world.client("dynamodb").list_tables()["TableNames"] == ["sdt-dev-terraform-locks"]

    made = sdt("doctor", "--catalog", file, "--create-table", "--json")
    assert (made.status, made.err) == (0, "table our-runs was made\n")
    assert dict(marked(made, "ok"))["store"] == "runs and leases are shared in the table our-runs"
    again = sdt("doctor", "--catalog", file, "--create-table")
    assert again.status == 0
    assert "table our-runs is there already" in again.err


def test_a_table_that_cannot_serve_and_none_at_all(sdt: Sdt, world: World, tmp_path: Path) -> None:
    world.client("dynamodb").create_table(
        TableName="other",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    file = tmp_path / "catalog.toml"
    file.write_text(OURS.read_text() + '\n[store]\ntable = "other"\n')
    ran = sdt("doctor", "--catalog", file, "--json")
    assert ran.status == 3
    assert marked(ran, "error") == [
        ("store", "the key of other is id (S, HASH); it must be the string LockID alone")
    ]

    none = sdt("doctor", "--catalog", OURS, "--create-table")
    assert none.status == 2
    assert "no table to create" in none.err
