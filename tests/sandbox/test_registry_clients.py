"""The registry used by clients that nobody here wrote: skopeo and a Docker Engine."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients.oci import CONFIG_TYPE, Entry, image_config, image_manifest
from sdt_console.clients.oci_layout import OciLayout
from tests.registry_server import RegistryServer, seed_image

pytestmark = pytest.mark.docker  # an Engine, or skopeo beside it

REPO, OTHER = "sdt/dev/user-service", "sdt/staging/user-service"

Skopeo = Callable[..., str]


@pytest.fixture
def skopeo(registry: RegistryServer) -> Skopeo:
    """Runs skopeo with the registry's credentials; its output."""
    program = shutil.which("skopeo")
    assert program is not None, "the Docker tests need skopeo on the path"
    registry.create(REPO, OTHER)
    credentials = f"AWS:{registry.password()}"

    def run(command: str, *arguments: str, ok: bool = True) -> str:
        sides = ("src-", "dest-") if command == "copy" else ("",)
        flags = [f"--{side}creds={credentials}" for side in sides]
        flags += [f"--{side}tls-verify=false" for side in sides]
        done = subprocess.run(
            [program, "--insecure-policy", command, *flags, *arguments],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (done.returncode == 0) == ok, done.stderr
        return done.stdout if ok else done.stderr

    return run


@pytest.fixture
def layout(tmp_path: Path) -> OciLayout:
    image = OciLayout(tmp_path / "image")
    layer = image.add_layer([Entry("hello", content=b"world" * 1000)])
    config = image.add(image_config({"Labels": {"commit": "abc"}, "Env": ["A=1"]}, [layer]), CONFIG_TYPE)
    image.finish(image_manifest(config, [layer]))
    return image


def test_skopeo_copies_in_and_out(
    skopeo: Skopeo, registry: RegistryServer, layout: OciLayout, tmp_path: Path
) -> None:
    place = f"docker://{registry.host}/{REPO}:abc"
    skopeo("copy", f"oci:{layout.folder}", place)
    index = json.loads((layout.folder / "index.json").read_text())
    digest = index["manifests"][0]["digest"]
    assert registry.tags(REPO) == {"abc": digest}

    told = json.loads(skopeo("inspect", place))
    assert (told["Digest"], told["Labels"], told["Env"]) == (digest, {"commit": "abc"}, ["A=1"])
    assert told["RepoTags"] == ["abc"]
    assert json.loads(skopeo("list-tags", f"docker://{registry.host}/{REPO}"))["Tags"] == ["abc"]

    skopeo("copy", f"docker://{registry.host}/{REPO}@{digest}", f"oci:{tmp_path / 'pulled'}:abc")
    pulled = OciLayout(tmp_path / "pulled")
    assert pulled.manifest() == layout.manifest()


def test_skopeo_promotes_between_repositories(
    skopeo: Skopeo, registry: RegistryServer, layout: OciLayout
) -> None:
    skopeo("copy", f"oci:{layout.folder}", f"docker://{registry.host}/{REPO}:abc")
    skopeo("copy", f"docker://{registry.host}/{REPO}:abc", f"docker://{registry.host}/{OTHER}:abc")
    assert registry.tags(OTHER) == registry.tags(REPO)


def test_skopeo_pushes_the_docker_format(skopeo: Skopeo, registry: RegistryServer, layout: OciLayout) -> None:
    place = f"docker://{registry.host}/{REPO}:v2s2"
    skopeo("copy", "--format=v2s2", f"oci:{layout.folder}", place)
    (detail,) = registry.ecr.describe_images(repositoryName=REPO)["imageDetails"]
    assert detail["imageManifestMediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    assert json.loads(skopeo("inspect", place))["Digest"] == detail["imageDigest"]


def test_skopeo_is_told_why_not(skopeo: Skopeo, registry: RegistryServer, layout: OciLayout) -> None:
    source = f"oci:{layout.folder}"
    refused = skopeo("copy", source, f"docker://{registry.host}/sdt/none:abc", ok=False)
    assert "The repository with name 'sdt/none' does not exist" in refused
    registry.ecr.put_image_tag_mutability(repositoryName=REPO, imageTagMutability="IMMUTABLE")
    seed_image(registry.app, REPO, ["abc"], files={"a": b"1"}, labels={}, config={})
    refused = skopeo("copy", source, f"docker://{registry.host}/{REPO}:abc", ok=False)
    assert "cannot be overwritten because the tag is immutable" in refused
    registry.app.expire_tokens()
    refused = skopeo("inspect", f"docker://{registry.host}/{REPO}:abc", ok=False)
    assert "Your authorization token has expired" in refused


def test_skopeo_reads_a_seeded_image(skopeo: Skopeo, registry: RegistryServer) -> None:
    digest = seed_image(
        registry.app, REPO, ["v1"], files={"app/a": b"1"}, labels={"commit": "abc"}, config={"Cmd": ["run"]}
    )
    told = json.loads(skopeo("inspect", f"docker://{registry.host}/{REPO}:v1"))
    assert (told["Digest"], told["Labels"], told["Architecture"]) == (digest, {"commit": "abc"}, "amd64")


@pytest.fixture
def engine() -> Iterator[Any]:
    import docker

    client = docker.from_env()
    yield client
    client.close()


def test_an_engine_mounts_what_another_repository_has(registry: RegistryServer, engine: Any) -> None:
    registry.create(REPO, OTHER)
    digest = seed_image(registry.app, REPO, ["abc"], files={"a": b"1"}, labels={}, config={"Cmd": ["a"]})
    login = {"username": "AWS", "password": registry.password()}
    image = engine.images.pull(f"{registry.host}/{REPO}", tag="abc", auth_config=login)
    try:
        assert image.attrs["RepoDigests"] == [f"{registry.host}/{REPO}@{digest}"]
        target = f"{registry.host}/{OTHER}"
        image.tag(target, "abc")
        events = list(engine.images.push(target, tag="abc", auth_config=login, stream=True, decode=True))
        assert not [event for event in events if "error" in event]
        assert any(event.get("status") == f"Mounted from {REPO}" for event in events)
        assert list(registry.tags(OTHER)) == ["abc"]
    finally:
        engine.images.remove(image.id, force=True)


@pytest.mark.parametrize(
    ("tag", "words"), [("none", "manifest unknown: Requested image not found"), ("abc", "no basic auth")]
)
def test_an_engine_is_told_why_it_cannot_pull(
    registry: RegistryServer, engine: Any, tag: str, words: str
) -> None:
    import docker

    registry.create(REPO)
    seed_image(registry.app, REPO, ["abc"], files={"a": b"1"}, labels={}, config={})
    login = {"username": "AWS", "password": registry.password()} if tag == "none" else {}
    with pytest.raises(docker.errors.APIError, match=words):
        engine.images.pull(f"{registry.host}/{REPO}", tag=tag, auth_config=login)
