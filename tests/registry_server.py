"""The sandbox's registry and moto's ECR on one port of loopback, without the rest of the sandbox."""

from __future__ import annotations

import io
import threading
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import urllib3
from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from sdt_console.clients import oci
from sdt_console.sandbox.ecr import install
from sdt_console.sandbox.registry import RegistryApp

REPO = "sdt/dev/user-service"
ACCOUNT, REGION = "123456789012", "eu-west-1"


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: Any = "-", size: Any = "-") -> None: ...


@dataclass
class RegistryServer:
    """:param host: ``127.0.0.1:PORT``; ``requests``: method and path of every request to ``/v2/``."""

    app: RegistryApp
    host: str
    ecr: Any
    requests: list[str]

    def password(self) -> str:
        """A token of ``GetAuthorizationToken``, for the user ``AWS``."""
        data = self.ecr.get_authorization_token()["authorizationData"][0]
        return b64decode(data["authorizationToken"]).decode().removeprefix("AWS:")

    def create(self, *names: str, **settings: Any) -> None:
        for name in names:
            self.ecr.create_repository(repositoryName=name, **settings)

    def tags(self, name: str) -> dict[str, str]:
        """Tag → digest, as ``DescribeImages`` tells it."""
        details = self.ecr.describe_images(repositoryName=name)["imageDetails"]
        return {tag: image["imageDigest"] for image in details for tag in image.get("imageTags", [])}


@contextmanager
def serve(folder: Path) -> Iterator[RegistryServer]:
    lock = threading.RLock()
    host = ""
    app = RegistryApp(account=ACCOUNT, region=REGION, folder=folder, host=lambda: host, lock=lock)
    moto: Any = DomainDispatcherApplication(create_backend_app)
    requests: list[str] = []

    def both(environ: Any, start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if path == "/v2" or path.startswith("/v2/"):
            requests.append(f"{environ['REQUEST_METHOD']} {path}")
            return app(environ, start_response)
        with lock:
            return moto(environ, start_response)

    server = make_server("127.0.0.1", 0, both, threaded=True, request_handler=_Quiet)
    host = f"127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    uninstall = install(app)
    ecr = boto3.client(
        "ecr",
        region_name=REGION,
        endpoint_url=f"http://{host}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    try:
        yield RegistryServer(app, host, ecr, requests)
    finally:
        uninstall()
        get_backend("ecr")[ACCOUNT][REGION].reset()
        server.shutdown()
        thread.join()
        server.server_close()


def seed_image(
    app: RegistryApp,
    repository: str,
    tags: Sequence[str],
    *,
    files: Mapping[str, bytes],
    labels: Mapping[str, str],
    config: Mapping[str, Any],
) -> str:
    """Put a small true image there without HTTP; its digest.

    :param files: path in the image → content, one layer; those under a ``bin`` folder are executable.
    :param config: the ``config`` object of the image configuration (``Cmd``, ``ExposedPorts``, …).
    :raises ServiceException: no such repository.
    """
    packed = io.BytesIO()
    layer = oci.write_layer(
        (
            oci.Entry(path, mode=0o755 if "bin" in path.split("/")[:-1] else 0o644, content=data)
            for path, data in files.items()
        ),
        packed,
    )
    settings = dict(config) | {"Labels": dict(labels) | dict(config.get("Labels", {}))}
    body = oci.image_config(settings, [layer], steps=["seed"])
    described = oci.Descriptor(oci.CONFIG_TYPE, app.store.add(body), len(body))
    app.store.add(packed.getvalue())
    for blob in (described, layer.descriptor):
        app.images.link(repository, blob.digest, blob.size)
    manifest = oci.image_manifest(described, [layer]).decode()
    each: Sequence[str | None] = tags or [None]
    for tag in each:
        image = app.images.put(repository, manifest, oci.MANIFEST_TYPE, tag)
    return str(image.image_digest)


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


def image_of(http: Plain, text: bytes = b"layer") -> bytes:
    layer = oci.Layer(http.blob(text), "sha256:" + "0" * 64)
    config = http.blob(oci.image_config({}, [layer]))
    return oci.image_manifest(config, [layer])
