"""What runs, read off tasks; and what could not start again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sdt_console.model import EcrImage, RunningImage, Shelf, ShelfImage
from sdt_console.watch.image_problems import Judge, best_tag, elsewhere
from sdt_console.watch.lifecycle import DAY_S, Policy
from sdt_console.watch.running_images import by_service, follows_tag, home, own, tag_of

URI = "1.dkr.ecr.eu-west-1.amazonaws.com/shop/orders"
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
JUDGE = Judge(Policy(2, 7), 100 * DAY_S)


def task(group: str, *containers: tuple[str, str, str], status: str = "RUNNING") -> dict[str, Any]:
    return {
        "group": group,
        "lastStatus": status,
        "containers": [{"name": n, "image": i, "imageDigest": d} for n, i, d in containers],
    }


def test_what_runs_is_counted_by_service_and_image() -> None:
    found = by_service(
        [
            task("service:a", ("a", f"{URI}:v1", OLD), ("proxy", "envoy:1", NEW)),
            task("service:a", ("a", f"{URI}:v2", NEW)),
            task("service:a", ("a", f"{URI}:v2", NEW), status="PENDING"),
            task("service:a", ("a", f"{URI}:v1", OLD), status="STOPPED"),
            task("family:a", ("a", f"{URI}:v1", OLD)),
            {"group": "service:b", "lastStatus": "PROVISIONING", "containers": [{"name": "b"}]},
        ],
        "dev",
    )
    assert set(found) == {"a", "b"}
    ours = own(found["a"], ("a",), URI)
    assert [(r.digest, r.tasks) for r in ours] == [(NEW, 2), (OLD, 1)]
    assert own(found["a"], ("proxy",), "elsewhere/x")[0].reference == "envoy:1"
    assert own(found["a"], ("none",), "") == ()  # it cannot be told which of the two
    assert own(found["b"], ("none",), "")[0].reference == ""


@pytest.mark.parametrize(
    ("reference", "place", "tag"),
    [
        (f"{URI}:v1", URI, "v1"),
        (f"{URI}@{OLD}", URI, ""),
        (f"{URI}:v1@{OLD}", URI, "v1"),
        ("127.0.0.1:5000/shop/orders", "127.0.0.1:5000/shop/orders", "latest"),
        ("redis", "redis", "latest"),
        ("redis:7", "redis", "7"),
    ],
)
def test_references_are_read_with_ports_and_digests(reference: str, place: str, tag: str) -> None:
    assert (home(reference), tag_of(reference)) == (place, tag)


def test_a_container_may_follow_its_tag() -> None:
    on = {"containerDefinitions": [{"image": "x:1", "versionConsistency": "disabled"}]}
    assert follows_tag(on, "x:1")
    assert not follows_tag(on, "x:2")
    assert not follows_tag({"containerDefinitions": [{"image": "x:1"}]}, "x:1")


def shelf(running: RunningImage, *images: EcrImage, kind: str = "active", **more: Any) -> Shelf:
    items, position = [], 0
    for image in images:
        position += bool(image.tags)
        items.append(ShelfImage(image, position=position if image.tags else 0))
    return Shelf("orders", kind, "shop/orders", URI, True, tuple(items), running=(running,), **more)


def told(made: Shelf) -> list[tuple[str, str, str]]:
    stock = [item.image for item in made.images]
    return [(f.severity, f.cause, f.next) for f in JUDGE.problems(made, stock, "shop/orders")]


RUNS = RunningImage("dev", "orders", f"{URI}:v1", OLD)
V1, V2 = EcrImage("r", OLD, ("v1",), 99 * DAY_S), EcrImage("r", NEW, ("v2",), 99.5 * DAY_S)


def test_what_is_there_is_no_problem() -> None:
    assert told(shelf(RUNS, V2, V1)) == []
    assert told(shelf(replace(RUNS, digest=""), V2)) == []  # a task that has not pulled yet


def test_a_tag_that_was_moved() -> None:
    made = shelf(RUNS, replace(V2, tags=("v1",)))
    ((severity, cause, cure),) = told(made)
    assert severity == "error"
    assert cause.startswith("tag v1 was moved to sha256:bbbbbbbbbbbb, pushed 1970-04-1")
    assert cure.startswith("deploy what the tag means now: `sdt deploy orders --tag v1 --force`")


def test_with_version_consistency_off_another_image_would_start() -> None:
    loose, moved = replace(RUNS, follows_tag=True), replace(V2, tags=("v1",))
    for made in (shelf(loose, moved), shelf(loose, moved, replace(V1, tags=("v0",)))):
        ((severity, cause, _),) = told(made)
        assert severity == "warning"
        assert "sha256:bbbbbbbbbbbb" in cause


def test_an_image_of_an_index_is_there_with_the_index() -> None:
    index = EcrImage("r", NEW, ("v1",), 99 * DAY_S, media_type="application/vnd.oci.image.index.v1+json")
    made = shelf(RUNS, index, members={OLD: NEW})
    assert told(made) == []
    assert made.of(OLD) is made.of(NEW) is made.images[0]


def test_data_services_are_not_told_to_be_built() -> None:
    ((_, _, cure),) = told(shelf(RUNS, V2, kind="data"))
    assert cure == "push that image again, or deploy one that is there: v2"


def test_the_third_newest_of_two_that_are_kept_will_expire() -> None:
    third = [V2, replace(V2, digest="sha256:" + "c" * 64, tags=("v3",)), V1]
    ((severity, cause, _),) = told(shelf(RUNS, *third))
    assert (severity, cause) == ("warning", "2 tagged images are kept, and 2 newer ones are there")


def test_an_untagged_image_says_until_when() -> None:
    ((_, cause, _),) = told(shelf(RUNS, V2, replace(V1, tags=())))
    assert cause == "untagged images go after 7 days: this one from 1970-04-17 on"


def test_the_tag_that_says_most() -> None:
    assert best_tag(replace(V1, tags=("latest", "04a9319", "v1"))) == "04a9319"
    assert best_tag(replace(V1, tags=("latest", "v1"))) == "v1"
    assert best_tag(replace(V1, tags=())) == ""


def test_an_image_from_elsewhere_is_named() -> None:
    away = replace(RUNS, reference="redis:7", digest=NEW)
    assert elsewhere(shelf(away)) == "redis"
    assert elsewhere(shelf(RUNS)) == ""
