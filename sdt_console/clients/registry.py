"""A container registry by its HTTP API v2 (OCI Distribution 1.1): look, upload, tag, push.

Blocking; runs in a thread. What may be repeated is repeated on 429, 5xx and broken connections, a bounded
number of times. Plain HTTP is spoken with loopback hosts only.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import quote, urlencode, urljoin, urlsplit

import urllib3

from sdt_console.clients import oci
from sdt_console.clients.oci_layout import OciLayout
from sdt_console.clients.registry_auth import Authenticator, is_loopback
from sdt_console.clients.registry_errors import RefusedError, refusal, unreachable
from sdt_console.clients.stoppable import Progress
from sdt_console.errors import BuildError
from sdt_console.model import RegistryLogin

T = TypeVar("T")

ATTEMPTS = 5
_BASE_S, _LONGEST_S = 0.2, 5.0
_AGAIN = frozenset({429, 500, 502, 503, 504})
_TIMEOUT = urllib3.Timeout(connect=10, read=30)
_ACCEPT = ", ".join((oci.MANIFEST_TYPE, oci.DOCKER_MANIFEST_TYPE, oci.INDEX_TYPE, oci.DOCKER_INDEX_TYPE))


@dataclass(frozen=True)
class Manifest:
    """A manifest as the registry keeps it; ``digest`` is that of ``body``."""

    body: bytes
    media_type: str
    digest: str


class _AgainError(Exception):
    """This attempt failed in a way that another may not; ``cause`` is what to say if none does."""

    def __init__(self, cause: BuildError, after_s: float = 0.0) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.after_s = after_s


class RegistryClient:
    """One registry host.

    :param stop: set it from another thread to end what is under way, with a ``BuildError``.
    """

    def __init__(self, login: RegistryLogin, *, stop: threading.Event | None = None) -> None:
        self.host = login.host
        loopback = is_loopback(login.host)
        if login.plain_http and not loopback:
            raise BuildError(
                f"will not speak plain HTTP with {login.host}",
                "the password would be readable on the way",
                "use a registry with TLS, or one on this machine",
            )
        self._base = f"{'http' if loopback else 'https'}://{login.host}"
        self._stop = stop or threading.Event()
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT, maxsize=4)
        self._auth = Authenticator(login, self._http)

    def __repr__(self) -> str:
        return f"RegistryClient(host={self.host!r})"

    def close(self) -> None:
        self._http.clear()

    # --- looking -------------------------------------------------------------

    def exists(self, repository: str, digest: str) -> bool:
        """Whether the repository has this blob."""
        answer = self._call("HEAD", f"/v2/{repository}/blobs/{digest}", ok=(200, 302, 303, 307, 404))
        return bool(answer.status != 404)

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """The manifest of a tag or digest; ``None`` if the repository has none of it.

        :raises BuildError: among others, when there is no such repository, or it is not what its digest says.
        """
        path = f"/v2/{repository}/manifests/{quote(reference, safe=':')}"
        try:
            answer = self._call("GET", path, headers={"Accept": _ACCEPT}, ok=(200,))
        except RefusedError as error:
            if error.code == "MANIFEST_UNKNOWN":
                return None
            raise
        digest = oci.digest_of(answer.data)
        if digest != answer.headers.get("Docker-Content-Digest", digest):
            raise BuildError(f"{self.host} sent a damaged manifest of {repository}:{reference}")
        return Manifest(answer.data, answer.headers.get("Content-Type", ""), digest)

    # --- writing -------------------------------------------------------------

    def mount(self, repository: str, digest: str, source: str) -> bool:
        """Take a blob from another repository of the registry; ``False`` if it was not to be had there."""
        query = urlencode({"mount": digest, "from": source})
        answer = self._call("POST", f"/v2/{repository}/blobs/uploads/?{query}", ok=(201, 202))
        if answer.status == 202:
            self._call("DELETE", answer.headers["Location"], ok=(200, 202, 204, 404, 405))
        return bool(answer.status == 201)

    def upload(
        self, repository: str, digest: str, content: Path, sent: Callable[[int], None] = lambda _: None
    ) -> None:
        """Put a blob there.

        :param sent: called with bytes sent so far; goes back to 0 when the upload is repeated.
        """
        self._repeat(lambda: self._upload_once(repository, digest, content, sent))

    def _upload_once(self, repository: str, digest: str, content: Path, sent: Callable[[int], None]) -> None:
        begun = self._call("POST", f"/v2/{repository}/blobs/uploads/", ok=(202,))
        size = content.stat().st_size
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with content.open("rb") as file:
            body = _Watched(file, self._check, sent)
            patched = self._once("PATCH", begun.headers["Location"], body, headers, ok=(202, 204))
        place = patched.headers.get("Location", begun.headers["Location"])
        query = "&" if "?" in place else "?"
        try:
            self._call("PUT", f"{place}{query}{urlencode({'digest': digest})}", b"", ok=(201, 204))
        except RefusedError as error:
            # Where the answer to the first PUT got lost, the upload is gone and the blob is there.
            if error.code != "BLOB_UPLOAD_UNKNOWN":
                raise
            if not self.exists(repository, digest):
                raise _AgainError(error) from error

    def put_manifest(self, repository: str, reference: str, body: bytes, media_type: str) -> str:
        """Put a manifest under a tag or its digest; the digest. A tag that has it already is no error."""
        digest = oci.digest_of(body)
        path = f"/v2/{repository}/manifests/{quote(reference, safe=':')}"
        try:
            answer = self._call("PUT", path, body, {"Content-Type": media_type}, ok=(201,))
        except RefusedError as error:
            # An immutable tag refuses a second push of the same image too, as after an answer that got lost.
            held = self.manifest(repository, reference) if error.code == "TAG_INVALID" else None
            if held is None or held.digest != digest:
                raise
            return digest
        if answer.headers.get("Docker-Content-Digest", digest) != digest:
            raise BuildError(f"{self.host} keeps {repository}:{reference} under another digest")
        return digest

    def push(
        self,
        repository: str,
        tags: Sequence[str],
        image: OciLayout,
        progress: Progress = lambda *_: None,
    ) -> str:
        """Upload what is missing of ``image`` and put it under every tag; the manifest's digest.

        :param progress: ``(note, bytes done, bytes in all)``.
        """
        manifest = image.manifest()
        parsed = oci.parse_manifest(manifest)
        blobs = {blob.digest: blob for blob in (*parsed.layers, parsed.config)}.values()
        total, done = sum(blob.size for blob in blobs), 0
        for blob in blobs:
            short, before = blob.digest.removeprefix("sha256:")[:12], done
            if self.exists(repository, blob.digest):
                progress(f"{short} already there", done + blob.size, total)
            else:
                self.upload(
                    repository,
                    blob.digest,
                    image.path(blob.digest),
                    lambda sent, note=short, before=before: progress(note, before + sent, total),  # type: ignore[misc]
                )
            done += blob.size
        for tag in tags:
            digest = self.put_manifest(repository, tag, manifest, parsed.media_type)
            progress(f"tagged {tag}", total, total)
        return digest

    # --- one request ---------------------------------------------------------

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        ok: tuple[int, ...],
    ) -> urllib3.BaseHTTPResponse:
        return self._repeat(lambda: self._once(method, path, body, headers, ok=ok))

    def _repeat(self, attempt: Callable[[], T]) -> T:
        for number in range(1, ATTEMPTS + 1):
            self._check()
            try:
                return attempt()
            except _AgainError as error:
                if number == ATTEMPTS:
                    raise error.cause from error.__cause__
                wait = random.uniform(0, min(_LONGEST_S, _BASE_S * 2**number))  # noqa: S311
                self._stop.wait(max(wait, min(error.after_s, _LONGEST_S)))
        raise AssertionError("unreachable")

    def _once(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        ok: tuple[int, ...],
    ) -> urllib3.BaseHTTPResponse:
        url = urljoin(self._base, path)
        ours = urlsplit(url)[:2] == urlsplit(self._base)[:2]
        try:
            answer = self._send(method, url, body, headers, ours)
            if answer.status == 401 and ours and self._auth.challenged(answer):
                if hasattr(body, "rewind"):
                    body.rewind()
                answer = self._send(method, url, body, headers, ours)
        except urllib3.exceptions.HTTPError as error:
            raise _AgainError(unreachable(self.host, error)) from error
        if answer.status in ok:
            return answer
        failure = refusal(self.host, method, urlsplit(path).path, answer, self._auth.scrub)
        if answer.status in _AGAIN:
            after = answer.headers.get("Retry-After", "")
            raise _AgainError(failure, float(after) if after.isdecimal() else 0.0)
        raise failure

    def _send(
        self, method: str, url: str, body: Any, headers: Mapping[str, str] | None, ours: bool
    ) -> urllib3.BaseHTTPResponse:
        # Credentials go to the registry only, not where an upload's Location may point to.
        sent = dict(headers or {}) | (self._auth.headers() if ours else {})
        return self._http.request(method, url, body=body, headers=sent, redirect=False)

    def _check(self) -> None:
        if self._stop.is_set():
            raise BuildError(f"push to {self.host} stopped", "the run was cancelled")


class _Watched:
    """A file that tells how much of it was read, and stops being read when asked to."""

    def __init__(self, file: IO[bytes], check: Callable[[], None], sent: Callable[[int], None]) -> None:
        self._file, self._check, self._sent = file, check, sent

    def read(self, size: int = -1) -> bytes:
        self._check()
        data = self._file.read(size)
        self._sent(self._file.tell())
        return data

    def rewind(self) -> None:
        self._file.seek(0)
