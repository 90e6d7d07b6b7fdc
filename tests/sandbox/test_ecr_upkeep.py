"""What ECR does with images by itself: it scans them, and it expires them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sdt_console.sandbox.ecr_lifecycle import INTERVAL, expiring, rules_of
from sdt_console.sandbox.ecr_scan import findings_of
from sdt_console.sandbox.environment import backend
from tests.sandbox.account import CLUSTER, Account

REPOSITORY = "shop/dev/orders"
DAY = 86400.0


def push(account: Account, mark: str, tag: str | None = None) -> str:
    """Another image with the layers of the one that runs; its digest."""
    ecr = account.client("ecr")
    newest = ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "latest"}])["images"][0]
    manifest = json.loads(newest["imageManifest"]) | {"annotations": {"mark": mark}}
    put = ecr.put_image(
        repositoryName=REPOSITORY,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=newest["imageManifestMediaType"],
        imageTag=tag or mark,
    )
    return str(put["image"]["imageId"]["imageDigest"])


def images(account: Account) -> dict[str, Any]:
    """Digest → ``ImageDetail``."""
    details = account.client("ecr").describe_images(repositoryName=REPOSITORY)["imageDetails"]
    return {image["imageDigest"]: image for image in details}


def stored(account: Account, digest: str) -> Any:
    """moto's image; a day of the sandbox's clock is long, so tests make an image older instead."""
    repository = backend("ecr", account.catalog.aws.account, "eu-west-1").repositories[REPOSITORY]
    return next(image for image in repository.images if image.image_digest == digest)


def tags(account: Account) -> set[str]:
    return {tag for image in images(account).values() for tag in image.get("imageTags", [])}


# --- lifecycle ---------------------------------------------------------------------------------------


def test_the_policy_is_the_catalogs(account: Account) -> None:
    ecr = account.client("ecr")
    assert ecr.describe_repositories()["repositories"]
    for repository in ecr.describe_repositories()["repositories"]:
        answer = ecr.get_lifecycle_policy(repositoryName=repository["repositoryName"])
        rules = json.loads(answer["lifecyclePolicyText"])["rules"]
        found = {r["selection"]["tagStatus"]: r["selection"]["countNumber"] for r in rules}
        assert found == {"untagged": 7, "tagged": 10}
        assert answer["lastEvaluatedAt"].timestamp() == account.sandbox.now()


def test_tagged_images_beyond_the_newest_ten_expire_within_a_day(account: Account) -> None:
    digest = account.tasks("orders")[0]["containers"][0]["imageDigest"]
    for n in range(10):
        account.sandbox.advance(60)
        push(account, f"v{n}")
    assert len(images(account)) == 11
    account.sandbox.advance(INTERVAL)
    assert INTERVAL < DAY
    assert tags(account) == {f"v{n}" for n in range(10)}
    assert digest not in images(account)
    # The service runs on, but cannot be started anew: its image is gone.
    assert account.service("orders")["runningCount"] == 1
    account.client("ecs").stop_task(cluster=CLUSTER, task=account.tasks("orders")[0]["taskArn"])
    account.until(lambda: bool(account.tasks("orders", "STOPPED")[1:]))
    reasons = [task["stoppedReason"] for task in account.tasks("orders", "STOPPED")]
    assert any("CannotPullContainerError" in r and "not found" in r for r in reasons), reasons


def test_untagged_images_expire_when_they_are_seven_days_old(account: Account) -> None:
    old = push(account, "one", "moving")
    new = push(account, "two", "moving")
    assert "imageTags" not in images(account)[old]
    stored(account, old).image_pushed_at -= 6.9 * DAY
    account.sandbox.advance(INTERVAL)
    assert old in images(account)
    stored(account, old).image_pushed_at -= 0.1 * DAY
    account.sandbox.advance(INTERVAL)
    assert old not in images(account)
    assert new in images(account)


def test_a_policy_of_ones_own_can_be_previewed_and_put(account: Account) -> None:
    ecr = account.client("ecr")
    digests = [push(account, name) for name in ("pr-1", "pr-2", "keep-1")]
    select = {
        "tagStatus": "tagged",
        "tagPrefixList": ["pr-"],
        "countType": "imageCountMoreThan",
        "countNumber": 1,
    }
    rest = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}
    text = json.dumps(
        {
            "rules": [
                {"rulePriority": n, "selection": s, "action": {"type": "expire"}}
                for n, s in ((1, select), (2, rest))
            ]
        }
    )
    with pytest.raises(ecr.exceptions.LifecyclePolicyPreviewNotFoundException):
        ecr.get_lifecycle_policy_preview(repositoryName=REPOSITORY)
    started = ecr.start_lifecycle_policy_preview(repositoryName=REPOSITORY, lifecyclePolicyText=text)
    assert started["status"] == "IN_PROGRESS"
    preview = ecr.get_lifecycle_policy_preview(repositoryName=REPOSITORY)
    assert preview["status"] == "COMPLETE"
    # pr-2 is beyond the count of the second rule too, but the first one has it and lets it stay.
    expected = {digests[0]: 1, account.tasks("orders")[0]["containers"][0]["imageDigest"]: 2}
    assert {r["imageDigest"]: r["appliedRulePriority"] for r in preview["previewResults"]} == expected
    assert preview["summary"]["expiringImageTotalCount"] == 2
    assert len(images(account)) == 4
    ecr.put_lifecycle_policy(repositoryName=REPOSITORY, lifecyclePolicyText=text)
    account.sandbox.advance(INTERVAL)
    assert tags(account) == {"pr-2", "keep-1"}
    gone = ecr.delete_lifecycle_policy(repositoryName=REPOSITORY)
    assert gone["lastEvaluatedAt"] >= datetime.fromtimestamp(account.sandbox.now() - INTERVAL, UTC)
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
        ecr.get_lifecycle_policy(repositoryName=REPOSITORY)


@dataclass
class Stored:
    """As much of moto's image as rules look at."""

    image_digest: str
    image_tags: list[str]
    image_pushed_at: float = 0.0
    image_manifest: str = "{}"


def select(**selection: Any) -> str:
    selection = {"countType": "imageCountMoreThan", "countNumber": 1} | selection
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def test_what_an_index_lists_stays_as_long_as_the_index() -> None:
    manifests = json.dumps({"manifests": [{"digest": "child"}]})
    shelf = [Stored("child", []), Stored("other", []), Stored("index", ["v1"], image_manifest=manifests)]
    rules = rules_of(select(tagStatus="untagged", countType="sinceImagePushed", countUnit="days"))
    assert expiring(rules, shelf, now=DAY) == {"other": 1}
    assert expiring(rules, shelf[:2], now=DAY) == {"child": 1, "other": 1}
    assert expiring(rules, shelf, now=DAY - 1) == {}


def test_every_pattern_of_a_rule_must_match_a_tag() -> None:
    shelf = [Stored("a", ["prod-1", "web-1"]), Stored("b", ["prod-2"]), Stored("c", ["prod-3", "web-3"])]
    both = rules_of(select(tagStatus="tagged", tagPatternList=["prod*", "web-*"]))
    assert expiring(both, shelf, now=0) == {"a": 1}
    prefix = rules_of(select(tagStatus="tagged", tagPrefixList=["prod"]))
    assert expiring(prefix, shelf, now=0) == {"a": 1, "b": 1}


# --- scans -------------------------------------------------------------------------------------------


def test_a_pushed_image_is_scanned_in_some_seconds(account: Account) -> None:
    ecr, digest = account.client("ecr"), push(account, "new")
    assert images(account)[digest]["imageScanStatus"] == {"status": "IN_PROGRESS"}
    assert "imageScanFindingsSummary" not in images(account)[digest]
    account.sandbox.advance(30)
    shown = images(account)[digest]
    assert shown["imageScanStatus"]["status"] == "COMPLETE"
    ecr.get_waiter("image_scan_complete").wait(
        repositoryName=REPOSITORY, imageId={"imageTag": "new"}, WaiterConfig={"Delay": 0, "MaxAttempts": 1}
    )
    answer = ecr.describe_image_scan_findings(repositoryName=REPOSITORY, imageId={"imageTag": "new"})
    assert answer["imageId"] == {"imageDigest": digest, "imageTag": "new"}
    found = answer["imageScanFindings"]
    counts: dict[str, int] = {}
    for finding in found["findings"]:
        counts[finding["severity"]] = counts.get(finding["severity"], 0) + 1
        assert {"package_name", "package_version"} <= {a["key"] for a in finding["attributes"]}
    summary = shown["imageScanFindingsSummary"]
    assert summary["findingSeverityCounts"] == found["findingSeverityCounts"] == counts
    assert summary["imageScanCompletedAt"] == found["imageScanCompletedAt"]


def test_findings_come_in_pages(account: Account) -> None:
    digest = images(account).popitem()[0]
    pages = (
        account.client("ecr")
        .get_paginator("describe_image_scan_findings")
        .paginate(
            repositoryName=REPOSITORY, imageId={"imageDigest": digest}, PaginationConfig={"PageSize": 1}
        )
    )
    names = [[f["name"] for f in page["imageScanFindings"]["findings"]] for page in pages]
    assert names == [[finding["name"]] for finding in findings_of(digest)]


def test_some_images_have_grave_findings_and_the_same_ones_always() -> None:
    digests = [f"sha256:{n:064x}" for n in range(1000)]
    worst = [findings_of(digest)[0]["severity"] for digest in digests]
    assert worst == [findings_of(digest)[0]["severity"] for digest in digests]
    assert 30 < worst.count("CRITICAL") < 120
    assert 80 < worst.count("HIGH") < 220
    assert worst.count("LOW") > 200


def test_a_scan_that_is_asked_for(account: Account) -> None:
    ecr, image = account.client("ecr"), {"imageTag": "by-hand"}
    ecr.put_image_scanning_configuration(
        repositoryName=REPOSITORY, imageScanningConfiguration={"scanOnPush": False}
    )
    digest = push(account, "by-hand")
    assert "imageScanStatus" not in images(account)[digest]
    with pytest.raises(ecr.exceptions.ScanNotFoundException):
        ecr.describe_image_scan_findings(repositoryName=REPOSITORY, imageId=image)
    assert ecr.start_image_scan(repositoryName=REPOSITORY, imageId=image)["imageScanStatus"] == {
        "status": "IN_PROGRESS"
    }
    account.sandbox.advance(30)
    assert images(account)[digest]["imageScanStatus"]["status"] == "COMPLETE"
    with pytest.raises(
        ClientError, match=r"LimitExceededException.*The scan quota per image has been exceeded"
    ):
        ecr.start_image_scan(repositoryName=REPOSITORY, imageId=image)
    stored(account, digest).scan_started -= DAY
    ecr.start_image_scan(repositoryName=REPOSITORY, imageId=image)
    assert images(account)[digest]["imageScanStatus"]["status"] == "IN_PROGRESS"


def test_an_index_cannot_be_scanned(account: Account) -> None:
    ecr = account.client("ecr")
    digest, media_type = images(account).popitem()[0], "application/vnd.oci.image.index.v1+json"
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 2}
    ecr.put_image(
        repositoryName=REPOSITORY,
        imageManifest=json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": [entry]}),
        imageManifestMediaType=media_type,
        imageTag="index",
    )
    with pytest.raises(ecr.exceptions.UnsupportedImageTypeException):
        ecr.start_image_scan(repositoryName=REPOSITORY, imageId={"imageTag": "index"})
    assert all("imageScanStatus" in i for i in images(account).values() if "index" not in i["imageTags"])
