"""ECR's API over the registry: both tell of the same images."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from sdt_console.clients import oci
from tests.registry_server import REPO, Plain, RegistryServer, image_of, seed_image


@pytest.fixture
def http(registry: RegistryServer) -> Plain:
    registry.create(REPO)
    return Plain(registry)


def test_a_push_is_what_ecr_describes(http: Plain, registry: RegistryServer) -> None:
    manifest = image_of(http)
    digest = oci.digest_of(manifest)
    for tag in ("abc123", "latest"):
        answer = http.manifest(manifest, tag)
        assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest)

    (detail,) = registry.ecr.describe_images(repositoryName=REPO)["imageDetails"]
    parsed = json.loads(manifest)
    assert detail["imageDigest"] == digest
    assert detail["imageTags"] == ["abc123", "latest"]
    assert detail["imageSizeInBytes"] == parsed["config"]["size"] + parsed["layers"][0]["size"]
    assert detail["imageManifestMediaType"] == oci.MANIFEST_TYPE
    got = registry.ecr.batch_get_image(repositoryName=REPO, imageIds=[{"imageTag": "abc123"}])
    assert [(i["imageManifest"].encode(), i["imageId"]) for i in got["images"]] == [
        (manifest, {"imageTag": "abc123", "imageDigest": digest})
    ]
    listed = registry.ecr.list_images(repositoryName=REPO)["imageIds"]
    assert {i["imageTag"] for i in listed} == {"abc123", "latest"}


def test_a_moved_tag_leaves_the_old_image_untagged(http: Plain, registry: RegistryServer) -> None:
    old, new = image_of(http, b"old"), image_of(http, b"new")
    http.manifest(old, "latest")
    http.manifest(new, "latest")
    assert registry.tags(REPO) == {"latest": oci.digest_of(new)}
    untagged = registry.ecr.list_images(repositoryName=REPO, filter={"tagStatus": "UNTAGGED"})
    assert untagged["imageIds"] == [{"imageDigest": oci.digest_of(old)}]
    pulled = http("GET", f"/v2/{REPO}/manifests/{oci.digest_of(old)}")
    assert pulled.data == old


def test_what_put_image_puts_can_be_pulled(http: Plain, registry: RegistryServer) -> None:
    manifest = image_of(http)
    http.manifest(manifest, "abc123")
    registry.ecr.put_image(repositoryName=REPO, imageManifest=manifest.decode(), imageTag="again")
    pulled = http("GET", f"/v2/{REPO}/manifests/again")
    assert (pulled.data, pulled.headers["Docker-Content-Digest"]) == (manifest, oci.digest_of(manifest))
    assert http("GET", f"/v2/{REPO}/tags/list").json() == {"name": REPO, "tags": ["abc123", "again"]}


def test_put_image_refuses_what_ecr_refuses(http: Plain, registry: RegistryServer) -> None:
    manifest = image_of(http).decode()
    put = registry.ecr.put_image
    put(repositoryName=REPO, imageManifest=manifest, imageTag="one")
    with pytest.raises(ClientError, match="ImageAlreadyExistsException"):
        put(repositoryName=REPO, imageManifest=manifest, imageTag="one")
    with pytest.raises(ClientError, match="ImageDigestDoesNotMatchException"):
        put(repositoryName=REPO, imageManifest=manifest, imageTag="two", imageDigest="sha256:" + "0" * 64)
    registry.create("sdt/staging/user-service")
    with pytest.raises(ClientError, match="LayersNotFoundException"):
        put(repositoryName="sdt/staging/user-service", imageManifest=manifest, imageTag="one")
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        put(repositoryName="sdt/none", imageManifest=manifest, imageTag="one")


def test_deleting_says_what_is_gone(http: Plain, registry: RegistryServer) -> None:
    old, new, child = image_of(http, b"old"), image_of(http, b"new"), image_of(http, b"child")
    digests = [oci.digest_of(manifest) for manifest in (old, new, child)]
    http.manifest(old, "latest")
    for tag in ("latest", "v2"):
        http.manifest(new, tag)
    http.manifest(child, digests[2])
    entry = oci.Descriptor(oci.MANIFEST_TYPE, digests[2], len(child))
    index = oci.canonical({"schemaVersion": 2, "manifests": [entry.json()]})
    http.manifest(index, "index", oci.INDEX_TYPE)

    def delete(**image_id: str) -> Any:
        answer = registry.ecr.batch_delete_image(repositoryName=REPO, imageIds=[image_id])
        return answer["imageIds"] or answer["failures"][0]["failureCode"]

    assert delete(imageDigest=digests[0]) == [{"imageDigest": digests[0]}]
    assert delete(imageDigest=digests[0]) == "ImageNotFound"
    assert delete(imageTag="v2") == [{"imageDigest": digests[1], "imageTag": "v2"}]
    assert delete(imageDigest=digests[2]) == "ImageReferencedByManifestList"
    assert registry.tags(REPO) == {"latest": digests[1], "index": oci.digest_of(index)}
    assert delete(imageTag="latest") == [{"imageDigest": digests[1], "imageTag": "latest"}]
    assert delete(imageTag="index") == [{"imageDigest": oci.digest_of(index), "imageTag": "index"}]
    assert delete(imageDigest=digests[2]) == [{"imageDigest": digests[2]}]
    assert http("GET", f"/v2/{REPO}/manifests/latest").status == 404


def test_layers_of_the_api_can_be_pulled(http: Plain, registry: RegistryServer) -> None:
    ecr, data = registry.ecr, b"x" * 1000
    upload = ecr.initiate_layer_upload(repositoryName=REPO)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=REPO, uploadId=upload, partFirstByte=0, partLastByte=999, layerPartBlob=data
    )
    digest = oci.digest_of(data)
    ecr.complete_layer_upload(repositoryName=REPO, uploadId=upload, layerDigests=[digest])
    assert http("GET", f"/v2/{REPO}/blobs/{digest}").data == data


def test_excluded_tags_of_an_immutable_repository_move(http: Plain, registry: RegistryServer) -> None:
    registry.create(
        "other",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest*"}],
    )
    for text in (b"one", b"two"):
        digest = seed_image(registry.app, "other", ["latest"], files={"a": text}, labels={}, config={})
    assert registry.tags("other") == {"latest": digest}


def test_the_token_says_where_the_registry_is(registry: RegistryServer) -> None:
    (data,) = registry.ecr.get_authorization_token()["authorizationData"]
    assert data["proxyEndpoint"] == f"http://{registry.host}"
    assert 11.9 * 3600 < data["expiresAt"].timestamp() - time.time() < 12.1 * 3600
    uri = registry.ecr.create_repository(repositoryName="a/b")["repository"]["repositoryUri"]
    assert uri == f"{registry.host}/a/b"


def test_a_layer_can_be_downloaded_by_its_address(http: Plain, registry: RegistryServer) -> None:
    digest = http.blob(b"layer").digest
    answer = registry.ecr.get_download_url_for_layer(repositoryName=REPO, layerDigest=digest)
    assert answer["layerDigest"] == digest
    url = answer["downloadUrl"]
    assert urllib3.request("GET", url, retries=False).data == b"layer"
    other = url.replace(digest, http.blob(b"other").digest)
    assert urllib3.request("GET", other, retries=False).status == 401
    with pytest.raises(ClientError, match="LayersNotFoundException"):
        registry.ecr.get_download_url_for_layer(repositoryName=REPO, layerDigest=oci.digest_of(b"none"))


def test_seeded_images_are_true_and_quick(http: Plain, registry: RegistryServer) -> None:
    settings: dict[str, Any] = {"Cmd": ["java"], "ExposedPorts": {"8084/tcp": {}}}
    labels = {"revision": "abc"}
    digest = seed_image(
        registry.app, REPO, ["v1", "latest"], files={"app/a.jar": b"jar"}, labels=labels, config=settings
    )
    assert registry.tags(REPO) == {"v1": digest, "latest": digest}
    manifest = http("GET", f"/v2/{REPO}/manifests/v1").json()
    config = http("GET", f"/v2/{REPO}/blobs/{manifest['config']['digest']}").json()
    assert config["config"] == settings | {"Labels": labels}
    layer = http("GET", f"/v2/{REPO}/blobs/{manifest['layers'][0]['digest']}").data
    assert "sha256:" + hashlib.sha256(layer).hexdigest() == manifest["layers"][0]["digest"]

    begin = time.perf_counter()
    for n in range(20):
        seed_image(registry.app, REPO, [f"n{n}"], files={"a": b"%d" % n}, labels={}, config={})
    assert (time.perf_counter() - begin) / 20 < 0.05  # about 1 ms; a bound that noise does not reach
