"""The sandbox's registry and moto's ECR on one port of loopback, without the rest of the sandbox."""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from sdt_console.sandbox.ecr import install
from sdt_console.sandbox.registry import RegistryApp

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
