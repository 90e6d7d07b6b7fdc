"""The registry behind the sandbox's ECR: Docker Registry HTTP API v2 / OCI Distribution 1.1 under ``/v2/``.

Blobs lie in a folder, everything else is ECR's: what is pushed here is what ``DescribeImages`` shows, and
what ``PutImage`` puts can be pulled. As in ECR, repositories must exist before a push and images are
deleted through the API of ECR only.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from sdt_console.clients import oci
from sdt_console.sandbox import registry_manifest as manifests
from sdt_console.sandbox.ecr_images import EcrImages
from sdt_console.sandbox.ecr_lifecycle import Lifecycle
from sdt_console.sandbox.ecr_scan import Scans
from sdt_console.sandbox.registry_answers import (
    RegistryError,
    created,
    from_ecr,
    held_range,
    json_answer,
    page,
    upload_state,
)
from sdt_console.sandbox.registry_store import BlobStore, DigestMismatchError, Upload, WrongRangeError
from sdt_console.sandbox.registry_tokens import Tokens

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_NAME = r"(?P<name>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"


class RegistryApp:
    """A WSGI application that answers ``/v2/…``.

    :param folder: where blobs are kept; the caller removes it.
    :param host: ``address:port`` under which clients reach it, asked when it is needed.
    :param lock: held while moto's objects are read or changed; must be reentrant.
    :param now: the time at which images are pushed, scanned and expired, in seconds since the epoch.
    :param scan_seconds: how long the scan of an image takes.
    """

    def __init__(
        self,
        *,
        account: str,
        region: str,
        folder: Path,
        host: Callable[[], str],
        lock: AbstractContextManager[Any] | None = None,
        now: Callable[[], float] = time.time,
        scan_seconds: float = 0.0,
    ) -> None:
        self.host = host
        self.store = BlobStore(folder)
        self.scans = Scans(now, scan_seconds)
        self.images = EcrImages(
            account, region, self.store, lock or threading.RLock(), now=now, pushed=self.scans.pushed
        )
        self.lifecycle = Lifecycle(self.images, now)
        self._tokens = Tokens()
        self._routes: tuple[tuple[re.Pattern[str], Mapping[str, Callable[..., Response]]], ...] = (
            (re.compile(r"/v2/?"), {"GET": self._hello}),
            (re.compile(r"/v2/_catalog"), {"GET": self._catalog}),
            (re.compile(rf"/v2/{_NAME}/tags/list"), {"GET": self._tag_list}),
            (
                re.compile(rf"/v2/{_NAME}/manifests/(?P<reference>[^/]+)"),
                {"GET": self._get_manifest, "PUT": self._put_manifest},
            ),
            (re.compile(rf"/v2/{_NAME}/blobs/uploads/?"), {"POST": self._start_upload}),
            (
                re.compile(rf"/v2/{_NAME}/blobs/uploads/(?P<upload>[^/]+)"),
                {
                    "GET": self._upload_status,
                    "PATCH": self._append,
                    "PUT": self._finish,
                    "DELETE": self._cancel,
                },
            ),
            (re.compile(rf"/v2/{_NAME}/blobs/(?P<digest>[^/]+)"), {"GET": self._get_blob}),
        )

    def issue_token(self) -> tuple[str, float]:
        """A password for the user ``AWS`` and when it expires, in seconds since the epoch."""
        return self._tokens.issue()

    def expire_tokens(self) -> None:
        """Every token given so far is refused from now on, as one of yesterday is."""
        self._tokens.expire()

    def layer_url(self, name: str, digest: str) -> str:
        """Where anyone can download that blob, and no other, without a token."""
        path = f"/v2/{name}/blobs/{digest}"
        return f"http://{self.host()}{path}?signature={self._tokens.sign(path)}"

    def _authorize(self, request: Request, path: str) -> None:
        if request.method == "GET" and self._tokens.signed(path, request.args.get("signature", "")):
            return
        given = request.authorization
        basic = given is not None and given.type == "basic"
        match self._tokens.check(given.username, given.password) if given and basic else None:
            case True:
                return
            case False:
                raise RegistryError(
                    403, "DENIED", "Your authorization token has expired. Reauthenticate and try again."
                )
        challenge = f'Basic realm="http://{self.host()}/",service="ecr.amazonaws.com"'
        raise RegistryError(401, "UNAUTHORIZED", "Not Authorized", {"WWW-Authenticate": challenge})

    # --- requests ------------------------------------------------------------

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        try:
            response = self._answer(request)
        except RegistryError as error:
            response = error.response()
        except ServiceException as error:
            response = from_ecr(error).response()
        response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        path = request.root_path.rstrip("/") + request.path
        self._authorize(request, path)
        for pattern, methods in self._routes:
            if found := pattern.fullmatch(path):
                handler = methods.get("GET" if request.method == "HEAD" else request.method)
                if handler is None:
                    raise RegistryError(405, "UNSUPPORTED", "The operation is unsupported.")
                return handler(request, **found.groupdict())
        raise RegistryError(404, "NAME_INVALID", f"no such address: {path}")

    def _hello(self, request: Request) -> Response:
        return json_answer({})

    def _catalog(self, request: Request) -> Response:
        names, headers = page(request, self.images.names())
        return json_answer({"repositories": names}, headers=headers)

    def _tag_list(self, request: Request, name: str) -> Response:
        tags, headers = page(request, self.images.tags(name))
        return json_answer({"name": name, "tags": tags}, headers=headers)

    # --- manifests -----------------------------------------------------------

    def _get_manifest(self, request: Request, name: str, reference: str) -> Response:
        image = self.images.find(name, reference)
        if image is None:
            raise RegistryError(404, "MANIFEST_UNKNOWN", "Requested image not found")
        accept = request.headers.getlist("Accept")
        media_type = image.image_manifest_media_type
        if not manifests.accepted(accept, media_type):
            if media_type not in manifests.INDEXES:
                raise RegistryError(
                    404,
                    "MANIFEST_UNKNOWN",
                    f"the image's manifest is {media_type}, which the Accept header does not name",
                )
            manifest, _ = manifests.parse(image.image_manifest.encode(), media_type)
            return self._get_manifest(request, name, manifests.for_platform(manifest) or "")
        response = Response(image.image_manifest.encode(), mimetype=media_type)
        response.headers["Docker-Content-Digest"] = image.image_digest
        response.set_etag(image.image_digest)
        return response

    def _put_manifest(self, request: Request, name: str, reference: str) -> Response:
        body = request.stream.read(manifests.LARGEST + 1)
        try:
            manifest, media_type = manifests.parse(body, request.headers.get("Content-Type", ""))
        except manifests.InvalidManifestError as error:
            raise RegistryError(400, "MANIFEST_INVALID", str(error)) from None
        digest = oci.digest_of(body)
        by_digest = ":" in reference
        if by_digest and reference != digest:
            raise RegistryError(400, "DIGEST_INVALID", f"the manifest's digest is {digest}")
        if not by_digest and not _TAG.fullmatch(reference):
            raise RegistryError(400, "TAG_INVALID", f"{reference!r} is not a tag")
        for missing in self.images.missing(name, manifest):
            raise RegistryError(404, "MANIFEST_BLOB_UNKNOWN", f"blob unknown to registry: {missing}")
        self._check_sizes(manifest)
        self.images.put(name, body.decode(), media_type, None if by_digest else reference)
        return created(f"/v2/{name}/manifests/{digest}", digest)

    def _check_sizes(self, manifest: Mapping[str, Any]) -> None:
        for entry in [*([manifest["config"]] if "config" in manifest else []), *manifest.get("layers", ())]:
            size = self.store.size(entry["digest"])
            if size is not None and size != entry["size"]:
                raise RegistryError(
                    400, "MANIFEST_INVALID", f"{entry['digest']} has {size} bytes, not {entry['size']}"
                )

    # --- blobs ---------------------------------------------------------------

    def _get_blob(self, request: Request, name: str, digest: str) -> Response:
        size = self.store.size(digest) if self.images.linked(name, digest) else None
        if size is None:
            raise RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry")
        response = Response(mimetype="application/octet-stream")
        response.headers["Docker-Content-Digest"] = digest
        response.content_length = size
        if request.method != "HEAD":
            response.response = wrap_file(request.environ, self.store.path(digest).open("rb"), 1 << 18)
            response.direct_passthrough = True
        try:
            return response.make_conditional(request.environ, accept_ranges=True, complete_length=size)
        except RequestedRangeNotSatisfiable:
            response.close()
            raise RegistryError(
                416, "RANGE_INVALID", "invalid content range", {"Content-Range": f"bytes */{size}"}
            ) from None

    def _start_upload(self, request: Request, name: str) -> Response:
        self.images.repository(name)
        digest, source = request.args.get("mount"), request.args.get("from")
        if digest and source:
            size = self.store.size(digest)
            if size is not None and source in self.images.names() and self.images.linked(source, digest):
                self.images.link(name, digest, size)
                return created(f"/v2/{name}/blobs/{digest}", digest)
        upload = self.store.begin(name)
        if digest := request.args.get("digest"):
            return self._finish(request, name, upload, digest)
        return upload_state(name, upload, 0)

    def _upload(self, name: str, upload: str) -> Upload:
        self.images.repository(name)
        found = self.store.upload(upload, name)
        if found is None:
            raise RegistryError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return found

    def _upload_status(self, request: Request, name: str, upload: str) -> Response:
        return upload_state(name, upload, self._upload(name, upload).size, status=204)

    def _append(self, request: Request, name: str, upload: str) -> Response:
        return upload_state(name, upload, self._receive(request, name, upload))

    def _receive(self, request: Request, name: str, upload: str) -> int:
        start = None
        if header := request.headers.get("Content-Range"):
            first = re.match(r"(?:bytes )?(\d+)-\d+", header)
            if first is None:
                raise RegistryError(400, "BLOB_UPLOAD_INVALID", f"Content-Range {header!r} is not a range")
            start = int(first[1])
        try:
            return self.store.append(self._upload(name, upload), request.stream, start)
        except WrongRangeError as error:
            held = {"Range": held_range(error.args[0]), "Location": f"/v2/{name}/blobs/uploads/{upload}"}
            raise RegistryError(416, "BLOB_UPLOAD_INVALID", "chunk out of order", held) from None

    def _finish(self, request: Request, name: str, upload: str, digest: str | None = None) -> Response:
        digest = digest or request.args.get("digest", "")
        self._receive(request, name, upload)
        try:
            size = self.store.finish(upload, digest)
        except DigestMismatchError:
            raise RegistryError(
                400, "DIGEST_INVALID", "provided digest did not match uploaded content"
            ) from None
        except KeyError:  # finished or cancelled by another request in the meantime
            raise RegistryError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry") from None
        self.images.link(name, digest, size)
        return created(f"/v2/{name}/blobs/{digest}", digest)

    def _cancel(self, request: Request, name: str, upload: str) -> Response:
        self._upload(name, upload)
        self.store.cancel(upload)
        return Response(status=204)
