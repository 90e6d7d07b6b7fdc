"""What lies in ECR: pages, scans as both ways of scanning tell them, and images that an index lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sdt_console.clients.cluster_tasks import ClusterTasks
from sdt_console.clients.ecr_images import EcrImages
from sdt_console.errors import CloudError, NotAllowedError
from sdt_console.model import EcrImage, Scan
from tests.clients.api_server import Api, error, ok, serve
from tests.clients.calling import Session, point_at

IMAGE = EcrImage("shop", "sha256:" + "a" * 64)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with serve() as made:
        point_at(made.url, monkeypatch.setenv)
        yield made


def ask(work: Callable[[EcrImages], Any]) -> Any:
    return Session().run(lambda aws: work(EcrImages(aws)))


def test_images_come_newest_first_from_all_pages(api: Api) -> None:
    def detail(digest: str, at: int, **more: Any) -> dict[str, Any]:
        return {"imageDigest": digest, "imagePushedAt": at, **more}

    summary = {"findingSeverityCounts": {"HIGH": 2}, "imageScanCompletedAt": 30}
    api.answers += [
        ok(imageDetails=[detail("a", 10, imageTags=["v1"])], nextToken="x"),
        ok(
            imageDetails=[
                detail("b", 20, imageScanStatus={"status": "ACTIVE"}, imageScanFindingsSummary=summary),
                detail("c", 5, imageScanFindingsSummary={}),
            ]
        ),
    ]
    found = ask(lambda ecr: ecr.images("shop"))
    assert [i.digest for i in found] == ["b", "a", "c"]
    assert found[0].scan == Scan("ACTIVE", {"HIGH": 2}, 30.0)
    assert found[0].scan.done
    assert found[1].scan == Scan()
    assert not found[1].scan.done
    assert api.seen == ["DescribeImages"] * 2


def test_a_scan_that_only_its_own_call_tells(api: Api) -> None:
    status = {"status": "COMPLETE", "description": "done"}
    findings = {"findingSeverityCounts": {"LOW": 3}, "imageScanCompletedAt": 9}
    api.answers += [ok(imageScanStatus=status, imageScanFindings=findings, nextToken="more")]
    assert ask(lambda ecr: ecr.scan(IMAGE)) == Scan("COMPLETE", {"LOW": 3}, 9.0, "done")
    assert api.seen == ["DescribeImageScanFindings"]


def test_findings_without_counts_are_counted_over_all_pages(api: Api) -> None:
    status = {"status": "ACTIVE"}
    api.answers += [
        ok(imageScanStatus=status, imageScanFindings={"findings": [{"severity": "HIGH"}]}, nextToken="x"),
        ok(imageScanStatus=status, imageScanFindings={"enhancedFindings": [{"severity": "HIGH"}, {}]}),
    ]
    assert ask(lambda ecr: ecr.scan(IMAGE)).counts == {"HIGH": 2, "UNDEFINED": 1}


def test_an_image_that_was_not_scanned_is_not_one_without_findings(api: Api) -> None:
    api.answers += [error("ScanNotFoundException")]
    assert not ask(lambda ecr: ecr.scan(IMAGE)).status
    api.answers += [error("AccessDeniedException")]
    with pytest.raises(NotAllowedError, match="ecr:DescribeImageScanFindings"):
        ask(lambda ecr: ecr.scan(IMAGE))


def test_what_is_told_already_is_not_asked_again(api: Api) -> None:
    known = EcrImage("shop", "sha256:x", scan=Scan("FAILED"))
    assert ask(lambda ecr: ecr.scan(known)) == Scan("FAILED")
    assert api.seen == []


def test_no_lifecycle_policy_is_none_and_no_repository_an_error(api: Api) -> None:
    api.answers += [error("LifecyclePolicyNotFoundException"), error("RepositoryNotFoundException")]
    assert ask(lambda ecr: ecr.lifecycle_policy("shop")) is None
    with pytest.raises(CloudError, match="RepositoryNotFoundException"):
        ask(lambda ecr: ecr.lifecycle_policy("shop"))


def test_images_that_an_index_lists(api: Api) -> None:
    manifest = json.dumps({"manifests": [{"digest": "a"}, {"digest": "b"}]})
    api.answers += [ok(images=[{"imageId": {"imageDigest": "i"}, "imageManifest": manifest}])]
    assert ask(lambda ecr: ecr.members("shop", ["i"])) == {"a": "i", "b": "i"}
    assert ask(lambda ecr: ecr.members("shop", [])) == {}
    assert api.seen == ["BatchGetImage"]


def test_tasks_of_a_cluster_take_two_calls_a_hundred(api: Api) -> None:
    arns = [f"t{n}" for n in range(150)]
    api.answers += [
        ok(taskArns=arns[:100], nextToken="x"),
        ok(taskArns=arns[100:]),
        ok(tasks=[{"taskArn": "t0"}]),
        ok(tasks=[{"taskArn": "t100"}]),
    ]
    found = Session().run(lambda aws: ClusterTasks(aws).running("c"))
    assert sorted(t["taskArn"] for t in found) == ["t0", "t100"]
    assert api.seen == ["ListTasks"] * 2 + ["DescribeTasks"] * 2
