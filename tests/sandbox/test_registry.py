"""The registry behind ECR, seen by plain HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3
from botocore.exceptions import ClientError

from sdt_console.clients import oci
from tests.registry_server import REPO, Plain, RegistryServer, error_of, image_of, seed_image


@pytest.fixture
def http(registry: RegistryServer) -> Plain:
    registry.create(REPO)
    return Plain(registry)


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


def test_many_pushes_at_once_lose_nothing(http: Plain, registry: RegistryServer) -> None:
    """Sixteen clients push images that share a layer, under a tag of their own and one for all."""

    def one(number: int) -> str:
        each = Plain(registry)
        shared, own = each.blob(b"shared" * 1000), each.blob(b"%d" % number)
        config = each.blob(b'{"number": %d}' % number)
        layers = [oci.Layer(blob, "") for blob in (shared, own)]
        manifest = oci.image_manifest(config, layers)
        for tag in (f"v{number}", "latest"):
            assert each.manifest(manifest, tag).status == 201
        return oci.digest_of(manifest)

    with ThreadPoolExecutor(16) as pool:
        digests = list(pool.map(one, range(16)))
    tags = registry.tags(REPO)
    assert tags.pop("latest") in digests
    assert tags == {f"v{number}": digest for number, digest in enumerate(digests)}
    assert http("GET", f"/v2/{REPO}/tags/list").json()["tags"] == sorted([*tags, "latest"])


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
