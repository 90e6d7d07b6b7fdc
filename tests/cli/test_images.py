"""``sdt images`` on a whole account: what runs, what could not start again, and what the audit finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.catalogs import OURS
from tests.clients.calling import point_at
from tests.command import Sdt
from tests.world import World

REPOSITORY = "sdt/dev/user-service"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture
def aimed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Commands of this test read our catalog and the generated repository."""
    monkeypatch.setenv("SDT_CATALOG", str(OURS))
    monkeypatch.chdir(world.backend.path)
    monkeypatch.setenv("COLUMNS", "80")
    return world


def digest(world: World) -> str:
    ecs = world.client("ecs")
    arns = ecs.list_tasks(cluster="sdt-dev-cluster", serviceName="sdt-dev-user-service")["taskArns"]
    task = ecs.describe_tasks(cluster="sdt-dev-cluster", tasks=arns)["tasks"][0]
    return str(task["containers"][0]["imageDigest"])


def push(world: World, mark: str, tag: str) -> str:
    """Another image with the layers of the newest; its digest."""
    ecr = world.client("ecr")
    newest = ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "latest"}])["images"][0]
    manifest = json.loads(newest["imageManifest"]) | {"annotations": {"mark": mark}}
    kind = newest["imageManifestMediaType"]
    put = ecr.put_image(
        repositoryName=REPOSITORY,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=kind,
        imageTag=tag,
    )
    return str(put["image"]["imageId"]["imageDigest"])


def of(answer: Any, name: str = "user-service") -> Any:
    return next(s for s in answer["services"] if s["name"] == name)


def test_one_line_a_service_fits_eighty_columns(sdt: Sdt, aimed: World) -> None:
    told = sdt("images")
    assert told.status == 0, told.err
    lines = told.out.splitlines()
    assert lines[0].split() == ["SERVICE", "TAG", "DIGEST", "PUSHED", "SIZE", "C/H/M/L"]
    assert max(map(len, lines)) <= 80
    assert "…" not in told.out
    line = next(line for line in lines if "user-service" in line)
    assert line.split()[0] == "✔"
    assert digest(aimed)[7:14] in line
    assert next(line for line in lines if "payment-service" in line).split()[0::2] == ["–", "pending"]
    assert lines[-1] == "dev: 22 services"
    found = sdt("images", "--json").json
    assert (found["version"], found["environment"], found["notes"]) == (1, "dev", [])
    ours = of(found)
    assert ours["running"][0]["digest"] == ours["image"]["digest"] == digest(aimed)
    assert ours["image"]["scan"]["status"] == "COMPLETE"
    assert ours["images"] is None
    assert [s["name"] for s in found["services"] if s["problems"]] == []


def test_the_calls_do_not_grow_with_the_number_of_tasks(sdt: Sdt, aimed: World) -> None:
    calls = aimed.sandbox.faults.calls
    calls.clear()
    sdt("images", "--json")
    assert calls["ListTasks"] == calls["DescribeTasks"] == calls["DescribeRepositories"] == 1
    assert calls["DescribeImages"] == 22
    assert calls["DescribeTaskDefinition"] == calls["GetLifecyclePolicy"] == 0


def test_the_images_of_a_service_are_told_with_their_commits(sdt: Sdt, aimed: World) -> None:
    head = aimed.repo.git("rev-parse", "HEAD")
    aimed.sandbox.advance(60)
    push(aimed, "x", head)
    found = sdt("images", "user-service", "--json").json
    first, second = of(found)["images"]
    assert first["tags"] == [head]
    assert first["commit"]["subject"] == "List overdue tasks (#812)"
    assert first["commit"]["author"]
    assert first["running"] == []
    assert second["running"][0]["environment"] == "dev"
    told = sdt("images", "user-service").out.splitlines()
    assert told[0].startswith(f"user-service  {REPOSITORY}  2 tagged, 0 untagged")
    assert told[2].startswith(f"   {head[:12]}")
    assert "scanning" in told[2]
    assert "List overdue" in told[2]
    assert told[3].startswith("▸  ")
    assert max(map(len, told)) <= 80
    # what runs is shown beyond the limit
    push(aimed, "y", "v3")
    limited = sdt("images", "user-service", "--limit", "1").out
    assert "and 1 older image: --limit 3" in limited
    assert "▸" in limited


def test_a_service_whose_image_is_gone_cannot_start_again(sdt: Sdt, aimed: World) -> None:
    old = digest(aimed)
    ecr = aimed.client("ecr")
    (image,) = ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
    commit = next(tag for tag in image["imageTags"] if tag != "latest")
    new = push(aimed, "moved", commit)
    ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": old}])
    (problem,) = of(sdt("images", "--json").json)["problems"]
    assert problem["severity"] == "error"
    assert problem["what"] == f"1 task runs sha256:{old[7:19]}, which is no longer in {REPOSITORY}"
    assert f"tag {commit[:12]} was moved to sha256:{new[7:19]}" in problem["cause"]
    assert "no task of it can start again" in problem["cause"]
    assert f"`sdt deploy user-service --tag {commit} --force`" in problem["next"]
    told = sdt("images")
    assert told.status == 0
    assert "✖  user-service" in told.out
    assert "not in ECR" in told.out
    assert told.out.splitlines()[-1] == "dev: 22 services, 1 of them cannot start again"
    # it is true: the next task does not come up
    ecs = aimed.client("ecs")
    arns = ecs.list_tasks(cluster="sdt-dev-cluster", serviceName="sdt-dev-user-service")["taskArns"]
    ecs.stop_task(cluster="sdt-dev-cluster", task=arns[0])
    aimed.sandbox.advance(120)
    stopped = ecs.list_tasks(
        cluster="sdt-dev-cluster", serviceName="sdt-dev-user-service", desiredStatus="STOPPED"
    )["taskArns"]
    reasons = [
        t["stoppedReason"] for t in ecs.describe_tasks(cluster="sdt-dev-cluster", tasks=stopped)["tasks"]
    ]
    assert any("CannotPullContainerError" in reason for reason in reasons)


def test_without_its_tag_another_image_that_is_there_is_named(sdt: Sdt, aimed: World) -> None:
    old = digest(aimed)
    push(aimed, "new", "v2")
    aimed.client("ecr").batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": old}])
    (problem,) = of(sdt("images", "--json").json)["problems"]
    assert "is gone as well: deleted, or expired by the lifecycle policy" in problem["cause"]
    assert problem["next"].startswith("deploy one that is there: `sdt deploy user-service --tag v2`")
    aimed.client("ecr").batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "v2"}])
    (problem,) = of(sdt("images", "--json").json)["problems"]
    assert problem["next"] == "build it again: `sdt deploy user-service --rebuild`"


def test_a_running_image_that_lost_its_tags_will_expire(sdt: Sdt, aimed: World) -> None:
    ecr, old = aimed.client("ecr"), digest(aimed)
    (image,) = ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
    for tag in image["imageTags"]:
        push(aimed, "moved", tag)
    found = of(sdt("images", "--json").json)
    (problem,) = found["problems"]
    assert (found["tagged"], found["untagged"]) == (1, 1)
    assert problem["severity"] == "warning"
    assert problem["what"].startswith(f"sha256:{old[7:19]}, which runs, will expire")
    # the sandbox's clock is years behind this machine's, which judges
    assert problem["cause"] == "untagged images go after 7 days: this one any time now"


def test_the_audit_holds_repositories_against_the_catalog(sdt: Sdt, aimed: World) -> None:
    ecr = aimed.client("ecr")
    clean = sdt("images", "--audit", "--json").json
    assert {s["name"]: s["audit"] for s in clean["services"]} == {s["name"]: [] for s in clean["services"]}
    assert clean["policy"]["rules"][1]["selection"]["countNumber"] == 10
    ecr.delete_lifecycle_policy(repositoryName=REPOSITORY)
    rules = clean["policy"]["rules"]
    rules[1]["selection"]["countNumber"] = 30
    ecr.put_lifecycle_policy(
        repositoryName="sdt/dev/task-service", lifecyclePolicyText=json.dumps({"rules": rules})
    )
    found = sdt("images", "--audit", "--json").json
    assert [f["what"] for f in of(found)["audit"]] == ["no lifecycle policy: no image ever expires"]
    (differs,) = of(found, "task-service")["audit"]
    expected = "tagged images expire beyond the newest 30; wanted: they expire beyond the newest 10"
    assert differs["what"] == expected
    told = sdt("images", "--audit")
    assert "! user-service: no lifecycle policy" in told.out
    assert told.err.startswith('the catalog\'s lifecycle policy: {"rules":[')


@pytest.mark.parametrize(
    ("denied", "right", "still"),
    [
        ("ListTasks", "ecs:ListTasks", "–  user-service            ?"),
        ("DescribeRepositories", "ecr:DescribeRepositories", "user-service"),
        ("DescribeImages", "ecr:DescribeImages", "user-service"),
        ("GetLifecyclePolicy", "ecr:GetLifecyclePolicy", "✔  user-service"),
    ],
)
def test_what_is_denied_is_told_once_and_the_rest_is_shown(
    sdt: Sdt, aimed: World, denied: str, right: str, still: str
) -> None:
    aimed.sandbox.faults.denied = frozenset({denied})
    told = sdt("images", "--audit")
    assert told.status == 0
    assert told.out.count(f"not allowed to call {right}") == 1
    assert f"have the right {right} granted" in told.out
    assert still in told.out
    assert "no longer in" not in told.out


def test_a_repository_that_is_missing_and_a_scan_that_is_not_set_up_are_told(sdt: Sdt, aimed: World) -> None:
    ecr = aimed.client("ecr")
    ecr.delete_repository(repositoryName="sdt/dev/search-service", force=True)
    found = of(sdt("images", "--json").json, "search-service")
    assert found["exists"] is False
    assert "no ECR repository sdt/dev/search-service" in [p["what"] for p in found["problems"]]
    assert "no repository" in sdt("images", "search-service").out
    # no scan is not "no findings"
    ecr.delete_repository(repositoryName="sdt/dev/redis", force=True)
    ecr.create_repository(repositoryName="sdt/dev/redis")
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []})
    ecr.put_image(
        repositoryName="sdt/dev/redis", imageManifest=index, imageManifestMediaType=INDEX, imageTag="7.2"
    )
    redis = of(sdt("images", "redis", "--audit", "--json").json, "redis")
    assert redis["images"][0]["scan"] is None
    assert "no image of it was ever scanned: scan on push is off" in [f["what"] for f in redis["audit"]]
    line = next(line for line in sdt("images", "redis").out.splitlines() if "7.2" in line)
    assert "–" in line
    assert "0/0/0/0" not in line


def test_an_unknown_service_is_told(sdt: Sdt, aimed: World) -> None:
    told = sdt("images", "user-servce")
    assert told.status == 2
    assert "did you mean user-service?" in told.err


def test_moto_alone_is_enough(sdt: Sdt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It starts no tasks and scans nothing; repositories, images and policies are as ECR has them."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        point_at(f"http://127.0.0.1:{port}", monkeypatch.setenv)
        # moto's memory is the whole process's: what other tests made in it must not be found here
        urlopen(Request(f"http://127.0.0.1:{port}/moto-api/reset", method="POST")).close()
        monkeypatch.setenv("SDT_CATALOG", str(OURS))
        monkeypatch.chdir(tmp_path)
        ecr = boto3.client("ecr", region_name="eu-west-1")
        boto3.client("ecs", region_name="eu-west-1").create_cluster(clusterName="sdt-dev-cluster")
        ecr.create_repository(repositoryName=REPOSITORY)
        for number in range(3):
            manifest: dict[str, Any] = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}
            manifest["config"] = {"digest": f"sha256:{number:064x}", "size": 1}
            ecr.put_image(
                repositoryName=REPOSITORY, imageManifest=json.dumps(manifest), imageTag=f"v{number}"
            )
        found = sdt("images", "user-service", "--audit", "--json")
        assert found.status == 0, found.err
        ours = of(found.json)
        assert (ours["exists"], ours["tagged"], ours["running"], ours["problems"]) == (True, 3, [], [])
        assert {tag for image in ours["images"] for tag in image["tags"]} == {"v0", "v1", "v2"}
        assert "no lifecycle policy: no image ever expires" in [f["what"] for f in ours["audit"]]
        assert "no image of it was ever scanned: scan on push is off" in [f["what"] for f in ours["audit"]]
        assert sdt("images").status == 0
        secrets = sdt("secrets", "--json")
        assert (secrets.status, secrets.json["secrets"]) == (0, [])
    finally:
        server.stop()
