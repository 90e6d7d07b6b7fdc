"""The registry client: what it does with the sandbox's registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients import registry as module
from sdt_console.clients.oci import CONFIG_TYPE, MANIFEST_TYPE, digest_of, image_config, image_manifest
from sdt_console.clients.oci_layout import OciLayout
from sdt_console.clients.registry import RegistryClient
from sdt_console.clients.registry_errors import split_reference
from sdt_console.errors import BuildError
from tests.clients.images import REPO
from tests.registry_server import RegistryServer

PASSWORD = "s3cret-pass"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_S", 0.0)


def test_a_push_uploads_once_and_tags_all(
    client: RegistryClient, registry: RegistryServer, image: OciLayout
) -> None:
    notes: list[tuple[str, int, int]] = []
    digest = client.push(REPO, ["abc", "latest"], image, lambda *note: notes.append(note))
    assert digest == digest_of(image.manifest())
    assert registry.tags(REPO) == {"abc": digest, "latest": digest}
    assert len([r for r in registry.requests if r.startswith("PATCH")]) == 3
    total = notes[-1][2]
    assert notes[-1] == ("tagged latest", total, total)
    assert all(0 <= done <= total for _, done, total in notes)

    registry.requests.clear()
    assert client.push(REPO, ["again"], image) == digest
    assert {r.split()[0] for r in registry.requests} == {"HEAD", "PUT"}


def test_reading_back(client: RegistryClient, image: OciLayout) -> None:
    digest = client.push(REPO, ["abc"], image)
    for reference in ("abc", digest):
        found = client.manifest(REPO, reference)
        assert found is not None
        assert (found.body, found.digest, found.media_type) == (image.manifest(), digest, MANIFEST_TYPE)
    assert client.manifest(REPO, "none") is None
    assert not client.exists(REPO, digest_of(b"none"))


def test_blobs_are_mounted_from_another_repository(
    client: RegistryClient, registry: RegistryServer, image: OciLayout
) -> None:
    client.push(REPO, ["abc"], image)
    registry.create("sdt/staging/user-service")
    target = "sdt/staging/user-service"
    for blob in [b["digest"] for b in _described(image)]:
        assert client.mount(target, blob, REPO)
        assert client.exists(target, blob)
    assert not client.mount(target, digest_of(b"none"), REPO)
    digest = client.put_manifest(target, "abc", image.manifest(), MANIFEST_TYPE)
    assert registry.tags(target) == {"abc": digest}


def _described(image: OciLayout) -> list[dict[str, Any]]:
    manifest = json.loads(image.manifest())
    return [manifest["config"], *manifest["layers"]]


def test_an_immutable_tag_is_no_error_when_it_is_the_same_image(
    client: RegistryClient, registry: RegistryServer, image: OciLayout, tmp_path: Path
) -> None:
    registry.ecr.put_image_tag_mutability(repositoryName=REPO, imageTagMutability="IMMUTABLE")
    digest = client.push(REPO, ["abc"], image)
    assert client.push(REPO, ["abc"], image) == digest
    other = OciLayout(tmp_path / "other")
    config = other.add(image_config({"Cmd": ["x"]}, []), CONFIG_TYPE)
    other.finish(image_manifest(config, []))
    with pytest.raises(BuildError, match="tag invalid: The image tag 'abc' already exists") as caught:
        client.push(REPO, ["abc"], other)
    assert "immutable" in caught.value.next
    assert registry.tags(REPO) == {"abc": digest}


def test_what_the_registry_says_is_what_we_say(client: RegistryClient, image: OciLayout) -> None:
    with pytest.raises(BuildError, match="cannot read from sdt/none"):
        client.manifest("sdt/none", "abc")
    with pytest.raises(BuildError) as caught:
        client.push("sdt/none", ["abc"], image)
    assert caught.value.what == f"cannot push to sdt/none at {client.host}"
    assert caught.value.cause.startswith("name unknown: The repository with name 'sdt/none' does not exist")
    assert "create the repository" in caught.value.next


def test_an_expired_token(registry: RegistryServer, client: RegistryClient, image: OciLayout) -> None:
    registry.app.expire_tokens()
    with pytest.raises(BuildError, match=r"cannot push to .*: denied: Your authorization token has expired"):
        client.put_manifest(REPO, "abc", image.manifest(), MANIFEST_TYPE)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("127.0.0.1:5000/sdt/dev/a:v1", ("127.0.0.1:5000", "sdt/dev/a", "v1")),
        ("localhost/a", ("localhost", "a", "latest")),
        ("1.dkr.ecr.eu-west-1.amazonaws.com/a/b:c", ("1.dkr.ecr.eu-west-1.amazonaws.com", "a/b", "c")),
    ],
)
def test_references(reference: str, parts: tuple[str, str, str]) -> None:
    assert split_reference(reference) == parts


@pytest.mark.parametrize("reference", ["a", "a/b:c", "host.test/a@sha256:00", "host.test/"])
def test_references_without_a_host_or_with_a_digest(reference: str) -> None:
    with pytest.raises(BuildError, match="is not HOST/REPOSITORY:TAG"):
        split_reference(reference)
