"""Images in ECR as our client tells them, and tags that are moved without a pull."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.clients import oci
from sdt_console.clients.aws import Aws
from sdt_console.clients.ecr import EcrClient
from sdt_console.errors import CloudError, TagTakenError
from sdt_console.model import EcrImage
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from tests.clients.api_server import error, hang_up, ok, serve
from tests.clients.calling import Session, point_at
from tests.sandbox.account import CATALOG, Account

REPOSITORY = "shop/dev/orders"
NOBODYS = "sha256:" + "0" * 64


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    catalog = Catalog.model_validate(CATALOG)
    with Sandbox.start(catalog, clock=ManualClock(), speed=1, environments=["dev"]) as sandbox:
        for key, value in sandbox.environ.items():
            monkeypatch.setenv(key, value)
        yield Account(sandbox, catalog)


def ask(work: Callable[[EcrClient], Any]) -> Any:
    return Session().run(lambda aws: work(EcrClient(aws)))


def push(account: Account, tag: str, **changes: Any) -> str:
    """Another image with the layers of the one that runs; its digest."""
    ecr = account.client("ecr")
    (newest,) = ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "latest"}])["images"]
    manifest = json.loads(newest["imageManifest"]) | (changes or {"annotations": {"mark": tag}})
    account.sandbox.advance(60)
    put = ecr.put_image(
        repositoryName=REPOSITORY,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=changes.get("mediaType") or newest["imageManifestMediaType"],
        imageTag=tag,
    )
    return str(put["image"]["imageId"]["imageDigest"])


def tagged(account: Account) -> dict[str, str]:
    details = account.client("ecr").describe_images(repositoryName=REPOSITORY)["imageDetails"]
    return {tag: image["imageDigest"] for image in details for tag in image.get("imageTags", [])}


def test_an_image_by_tag_and_by_digest(account: Account) -> None:
    digest = push(account, "v2")
    account.client("ecr").put_image(
        repositoryName=REPOSITORY,
        imageTag="a-second",
        imageManifest=account.client("ecr").batch_get_image(
            repositoryName=REPOSITORY, imageIds=[{"imageDigest": digest}]
        )["images"][0]["imageManifest"],
    )
    by_tag = ask(lambda ecr: ecr.image(REPOSITORY, tag="v2"))
    assert by_tag == ask(lambda ecr: ecr.image(REPOSITORY, digest=digest))
    assert isinstance(by_tag, EcrImage)
    assert (by_tag.repository, by_tag.digest, by_tag.tags) == (REPOSITORY, digest, ("a-second", "v2"))
    assert by_tag.size > 0
    assert by_tag.pushed_at == pytest.approx(account.sandbox.now(), abs=2)
    assert ask(lambda ecr: ecr.digest(REPOSITORY, "v2")) == digest
    assert ask(lambda ecr: ecr.has(REPOSITORY, digest))


def test_an_image_that_is_not_there(account: Account) -> None:
    assert ask(lambda ecr: ecr.image(REPOSITORY, tag="none")) is None
    assert ask(lambda ecr: ecr.image(REPOSITORY, digest=NOBODYS)) is None
    assert ask(lambda ecr: ecr.has(REPOSITORY, "none")) is False
    with pytest.raises(CloudError, match="RepositoryNotFoundException"):
        ask(lambda ecr: ecr.image("shop/dev/none", tag="latest"))


def test_images_newest_push_first_and_no_more_than_asked_for(account: Account) -> None:
    before = len(ask(lambda ecr: ecr.images(REPOSITORY, 1000)))
    digests = [push(account, f"v{n}") for n in range(12)]
    found = ask(lambda ecr: ecr.images(REPOSITORY, 5))
    assert [image.digest for image in found] == digests[:-6:-1]
    everything = ask(lambda ecr: ecr.images(REPOSITORY, 1000))
    assert len(everything) == before + 12
    assert [i.pushed_at for i in everything] == sorted((i.pushed_at for i in everything), reverse=True)


def test_a_tag_is_moved_without_a_pull(account: Account) -> None:
    old = tagged(account)["latest"]
    new = push(account, "v2")
    for _ in range(2):  # the second time it is there already
        ask(lambda ecr: ecr.put_tag(REPOSITORY, new, "latest"))
    assert tagged(account)["latest"] == tagged(account)["v2"] == new
    assert ask(lambda ecr: ecr.has(REPOSITORY, old))


def test_a_tag_for_an_index_keeps_its_kind(account: Account) -> None:
    child = push(account, "child")
    (body,) = account.client("ecr").batch_get_image(
        repositoryName=REPOSITORY, imageIds=[{"imageDigest": child}]
    )["images"]
    entry = oci.Descriptor(oci.MANIFEST_TYPE, child, len(body["imageManifest"]))
    index = {"schemaVersion": 2, "mediaType": oci.INDEX_TYPE, "manifests": [entry.json()]}
    digest = account.client("ecr").put_image(
        repositoryName=REPOSITORY,
        imageManifest=json.dumps(index),
        imageManifestMediaType=oci.INDEX_TYPE,
        imageTag="multi",
    )["image"]["imageId"]["imageDigest"]
    ask(lambda ecr: ecr.put_tag(REPOSITORY, digest, "again"))
    assert tagged(account)["again"] == digest


def test_an_image_that_is_gone_gets_no_tag(account: Account) -> None:
    with pytest.raises(CloudError, match="no image sha256:000"):
        ask(lambda ecr: ecr.put_tag(REPOSITORY, NOBODYS, "latest"))


def test_immutable_tags_are_told_apart(account: Account) -> None:
    new = push(account, "v2")
    account.client("ecr").put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability="IMMUTABLE")
    with pytest.raises(TagTakenError, match="latest of shop/dev/orders is not moved"):
        ask(lambda ecr: ecr.put_tag(REPOSITORY, new, "latest"))
    ask(lambda ecr: ecr.put_tag(REPOSITORY, new, "v2"))  # its own already
    ask(lambda ecr: ecr.put_tag(REPOSITORY, new, "free"))
    assert tagged(account)["free"] == new != tagged(account)["latest"]


def test_a_put_whose_answer_was_lost_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as api:
        point_at(api.url, monkeypatch.setenv)
        found = ok(images=[{"imageManifest": "{}", "imageId": {"imageDigest": NOBODYS}}])
        api.answers[:] = [found, hang_up, error("ImageAlreadyExistsException")]

        async def go(aws: Aws) -> None:
            await EcrClient(aws).put_tag("re/po", NOBODYS, "latest")

        Session().run(go)
    assert api.seen == ["BatchGetImage", "PutImage", "PutImage"]
