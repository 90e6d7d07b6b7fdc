"""The registry behind ECR, seen by plain HTTP and by boto3."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from sdt_console.clients import oci
from sdt_console.sandbox.registry import seed_image
from tests.registry_server import RegistryServer

REPO = "sdt/dev/user-service"


class Plain:
    """Requests with a valid token, answers as they are."""

    def __init__(self, server: RegistryServer) -> None:
        self.server = server
        self.http = urllib3.PoolManager(retries=False)
        self.auth = urllib3.make_headers(basic_auth=f"AWS:{server.password()}")

    def __call__(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.http.request(
            method, f"http://{self.server.host}{path}", body=body, headers=self.auth | named
        )

    def blob(self, data: bytes, repository: str = REPO) -> oci.Descriptor:
        digest = oci.digest_of(data)
        answer = self("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", data)
        assert answer.status == 201, answer.data
        return oci.Descriptor(oci.LAYER_TYPE, digest, len(data))

    def manifest(self, text: bytes, reference: str, media_type: str = oci.MANIFEST_TYPE) -> Any:
        return self("PUT", f"/v2/{REPO}/manifests/{reference}", text, Content_Type=media_type)


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status, answer.json()["errors"][0]["code"]


@pytest.fixture
def http(registry: RegistryServer) -> Plain:
    registry.create(REPO)
    return Plain(registry)


def image_of(http: Plain, text: bytes = b"layer") -> bytes:
    layer = oci.Layer(http.blob(text), "sha256:" + "0" * 64)
    config = http.blob(oci.image_config({}, [layer]))
    return oci.image_manifest(config, [layer])


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


def test_layers_of_the_api_can_be_pulled(http: Plain, registry: RegistryServer) -> None:
    ecr, data = registry.ecr, b"x" * 1000
    upload = ecr.initiate_layer_upload(repositoryName=REPO)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=REPO, uploadId=upload, partFirstByte=0, partLastByte=999, layerPartBlob=data
    )
    digest = oci.digest_of(data)
    ecr.complete_layer_upload(repositoryName=REPO, uploadId=upload, layerDigests=[digest])
    assert http("GET", f"/v2/{REPO}/blobs/{digest}").data == data


def test_immutable_tags_stay(http: Plain, registry: RegistryServer) -> None:
    registry.ecr.put_image_tag_mutability(repositoryName=REPO, imageTagMutability="IMMUTABLE")
    first = image_of(http, b"one")
    assert http.manifest(first, "v1").status == 201
    for manifest in (first, image_of(http, b"two")):
        answer = http.manifest(manifest, "v1")
        assert error_of(answer) == (400, "TAG_INVALID")
        assert f"The image tag 'v1' already exists in the '{REPO}' repository" in answer.data.decode()
    with pytest.raises(ClientError, match="ImageTagAlreadyExistsException"):
        registry.ecr.put_image(repositoryName=REPO, imageManifest=first.decode(), imageTag="v1")
    assert registry.tags(REPO) == {"v1": oci.digest_of(first)}


def test_excluded_tags_of_an_immutable_repository_move(http: Plain, registry: RegistryServer) -> None:
    registry.create(
        "other",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest*"}],
    )
    for text in (b"one", b"two"):
        digest = seed_image(registry.app, "other", ["latest"], files={"a": text}, labels={}, config={})
    assert registry.tags("other") == {"latest": digest}


def test_a_repository_that_ecr_has_not(http: Plain) -> None:
    for method, path in (
        ("GET", "/v2/sdt/none/tags/list"),
        ("GET", "/v2/sdt/none/manifests/latest"),
        ("POST", "/v2/sdt/none/blobs/uploads/"),
        ("PUT", "/v2/sdt/none/manifests/latest"),
    ):
        body = image_of(http) if method == "PUT" else None
        answer = http(method, path, body, Content_Type=oci.MANIFEST_TYPE)
        assert error_of(answer) == (404, "NAME_UNKNOWN"), path
        assert "The repository with name 'sdt/none' does not exist" in answer.data.decode()


def test_only_the_token_opens_the_door(registry: RegistryServer) -> None:
    anonymous = urllib3.request("GET", f"http://{registry.host}/v2/", retries=False)
    assert anonymous.status == 401
    assert anonymous.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert error_of(anonymous) == (401, "UNAUTHORIZED")
    http = Plain(registry)
    assert http("GET", "/v2/").status == 200
    for pair in ("AWS:wrong", f"root:{registry.password()}"):
        http.auth = urllib3.make_headers(basic_auth=pair)
        assert http("GET", "/v2/").status == 401
    http.auth = urllib3.make_headers(basic_auth=f"AWS:{registry.password()}")
    registry.app.expire_tokens()
    assert error_of(http("GET", "/v2/")) == (403, "DENIED")


def test_the_token_says_where_the_registry_is(registry: RegistryServer) -> None:
    (data,) = registry.ecr.get_authorization_token()["authorizationData"]
    assert data["proxyEndpoint"] == f"http://{registry.host}"
    assert 11.9 * 3600 < data["expiresAt"].timestamp() - time.time() < 12.1 * 3600
    uri = registry.ecr.create_repository(repositoryName="a/b")["repository"]["repositoryUri"]
    assert uri == f"{registry.host}/a/b"


def test_chunks_must_follow_each_other(http: Plain) -> None:
    place = http("POST", f"/v2/{REPO}/blobs/uploads/").headers["Location"]
    assert http("PATCH", place, b"hello ", Content_Range="0-5").headers["Range"] == "0-5"
    wrong = http("PATCH", place, b"world", Content_Range="7-11")
    assert (wrong.status, wrong.headers["Range"]) == (416, "0-5")
    assert http("GET", place).headers["Range"] == "0-5"
    assert http("PATCH", place, b"world", Content_Range="6-10").status == 202
    digest = oci.digest_of(b"hello world!")
    done = http("PUT", f"{place}?digest={digest}", b"!")
    assert (done.status, done.headers["Docker-Content-Digest"]) == (201, digest)
    assert http("GET", f"/v2/{REPO}/blobs/{digest}").data == b"hello world!"
    assert error_of(http("PATCH", place, b"more")) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_wrong_digest_is_not_kept(http: Plain) -> None:
    digest = oci.digest_of(b"right")
    answer = http("POST", f"/v2/{REPO}/blobs/uploads/?digest={digest}", b"wrong")
    assert error_of(answer) == (400, "DIGEST_INVALID")
    assert http("HEAD", f"/v2/{REPO}/blobs/{digest}").status == 404


def test_a_cancelled_upload_is_gone(http: Plain) -> None:
    place = http("POST", f"/v2/{REPO}/blobs/uploads/").headers["Location"]
    assert http("DELETE", place).status == 204
    assert error_of(http("PUT", f"{place}?digest={oci.digest_of(b'')}")) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_ranges_of_a_blob(http: Plain) -> None:
    path = f"/v2/{REPO}/blobs/{http.blob(b'0123456789').digest}"
    head = http("HEAD", path)
    assert (head.status, head.headers["Content-Length"], head.data) == (200, "10", b"")
    part = http("GET", path, Range="bytes=2-4")
    assert (part.status, part.data, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert http("GET", path, Range="bytes=20-").status == 416


def test_mounting_takes_a_blob_from_where_it_is(http: Plain, registry: RegistryServer) -> None:
    digest = http.blob(b"shared").digest
    registry.create("target")
    base = "/v2/target/blobs"
    assert http("HEAD", f"{base}/{digest}").status == 404
    unseen = http("POST", f"{base}/uploads/?mount={oci.digest_of(b'none')}&from={REPO}")
    assert (unseen.status, "Location" in unseen.headers) == (202, True)
    assert http("POST", f"{base}/uploads/?mount={digest}&from=sdt/none").status == 202
    mounted = http("POST", f"{base}/uploads/?mount={digest}&from={REPO}")
    assert (mounted.status, mounted.headers["Docker-Content-Digest"]) == (201, digest)
    assert http("GET", f"{base}/{digest}").data == b"shared"


@pytest.mark.parametrize(
    ("text", "media_type", "code"),
    [
        (b"{", oci.MANIFEST_TYPE, "MANIFEST_INVALID"),
        (b"[]", oci.MANIFEST_TYPE, "MANIFEST_INVALID"),
        (b'{"schemaVersion": 1}', oci.MANIFEST_TYPE, "MANIFEST_INVALID"),
        (b'{"schemaVersion": 2, "layers": []}', oci.MANIFEST_TYPE, "MANIFEST_INVALID"),
        (b'{"schemaVersion": 2}', "text/plain", "MANIFEST_INVALID"),
        (
            oci.image_manifest(oci.Descriptor(oci.CONFIG_TYPE, oci.digest_of(b"gone"), 4), []),
            oci.MANIFEST_TYPE,
            "MANIFEST_BLOB_UNKNOWN",
        ),
        (oci.image_manifest(oci.Descriptor("", "md5:1", 4), []), oci.MANIFEST_TYPE, "MANIFEST_INVALID"),
        (
            oci.image_manifest(oci.Descriptor(oci.CONFIG_TYPE, oci.digest_of(b"gone"), 4), []),
            oci.DOCKER_MANIFEST_TYPE,
            "MANIFEST_INVALID",
        ),
    ],
)
def test_manifests_are_checked(http: Plain, text: bytes, media_type: str, code: str) -> None:
    answer = http.manifest(text, "v1", media_type)
    assert error_of(answer)[1] == code
    assert http("GET", f"/v2/{REPO}/tags/list").json()["tags"] == []


def test_a_manifest_must_tell_true_sizes_and_digests(http: Plain) -> None:
    config = http.blob(b"{}")
    lying = oci.image_manifest(oci.Descriptor(oci.CONFIG_TYPE, config.digest, 99), [])
    assert error_of(http.manifest(lying, "v1")) == (400, "MANIFEST_INVALID")
    true = oci.image_manifest(config, [])
    assert error_of(http.manifest(true, oci.digest_of(lying))) == (400, "DIGEST_INVALID")
    assert error_of(http.manifest(true, "-v1")) == (400, "TAG_INVALID")
    assert http.manifest(true, oci.digest_of(true)).status == 201


def test_an_index_and_a_client_that_does_not_know_it(http: Plain, registry: RegistryServer) -> None:
    manifest = image_of(http)
    child = oci.Descriptor(oci.MANIFEST_TYPE, oci.digest_of(manifest), len(manifest))
    platform = {"platform": {"os": "linux", "architecture": "amd64"}}
    index = oci.canonical({"schemaVersion": 2, "manifests": [child.json() | platform]})
    assert error_of(http.manifest(index, "v1", oci.INDEX_TYPE)) == (404, "MANIFEST_BLOB_UNKNOWN")
    http.manifest(manifest, child.digest)
    assert http.manifest(index, "v1", oci.INDEX_TYPE).status == 201

    path = f"/v2/{REPO}/manifests/v1"
    assert http("GET", path).data == index
    both = http("GET", path, Accept=f"{oci.INDEX_TYPE}, {oci.MANIFEST_TYPE};q=0.5")
    assert (both.data, both.headers["Content-Type"]) == (index, oci.INDEX_TYPE)
    single = http("GET", path, Accept=oci.MANIFEST_TYPE)
    assert (single.data, single.headers["Docker-Content-Digest"]) == (manifest, child.digest)
    assert error_of(http("GET", path, Accept=oci.DOCKER_MANIFEST_TYPE)) == (404, "MANIFEST_UNKNOWN")
    assert registry.tags(REPO) == {"v1": oci.digest_of(index)}


def test_lists_come_in_pages(http: Plain, registry: RegistryServer) -> None:
    tags = [f"v{n}" for n in range(5)]
    seed_image(registry.app, REPO, tags, files={"a": b"1"}, labels={}, config={})
    found: list[str] = []
    path = f"/v2/{REPO}/tags/list?n=2"
    while path:
        answer = http("GET", path)
        assert len(answer.json()["tags"]) <= 2
        found += answer.json()["tags"]
        path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert found == tags
    registry.create("aa", "bb")
    assert http("GET", "/v2/_catalog").json() == {"repositories": ["aa", "bb", REPO]}


def test_what_ecr_does_not_offer(http: Plain) -> None:
    assert error_of(http("DELETE", f"/v2/{REPO}/manifests/latest")) == (405, "UNSUPPORTED")
    assert http("GET", f"/v2/{REPO}/unknown").status == 404
    assert error_of(http("GET", f"/v2/{REPO}/blobs/sha512:00")) == (404, "BLOB_UNKNOWN")


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
