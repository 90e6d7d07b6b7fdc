"""Blobs on disk, by digest, and the uploads that become them."""

from __future__ import annotations

import hashlib
import re
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class DigestMismatchError(ValueError):
    """The bytes that arrived are not those that the digest names."""


class WrongRangeError(ValueError):
    """A chunk does not begin where the one before it ended; ``args[0]`` is where it should."""


@dataclass
class Upload:
    """A blob on its way in; ``size`` is how many bytes have arrived."""

    repository: str
    path: Path
    size: int = 0
    hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    lock: threading.Lock = field(default_factory=threading.Lock)


class BlobStore:
    """Blobs of all repositories; which repository may see which is not decided here.

    :param folder: where to keep them; created if it is missing, never removed.
    """

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs"
        self._incoming = folder / "uploads"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._uploads: dict[str, Upload] = {}

    def path(self, digest: str) -> Path:
        """Where the blob is, or would be.

        :raises ValueError: not a ``sha256:`` digest.
        """
        if not DIGEST.fullmatch(digest):
            raise ValueError(digest)
        return self._blobs / digest.removeprefix("sha256:")

    def size(self, digest: str) -> int | None:
        """Bytes of the blob; ``None`` if it is not here."""
        try:
            return self.path(digest).stat().st_size
        except (FileNotFoundError, ValueError):
            return None

    def add(self, data: bytes) -> str:
        """Keep ``data``; its digest."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        target = self.path(digest)
        if not target.exists():
            part = self._incoming / uuid.uuid4().hex
            part.write_bytes(data)
            part.replace(target)
        return digest

    def begin(self, repository: str) -> str:
        """Start an upload; its id."""
        name = str(uuid.uuid4())
        upload = Upload(repository, self._incoming / name)
        upload.path.touch()
        self._uploads[name] = upload
        return name

    def upload(self, name: str, repository: str) -> Upload | None:
        """The upload of that id, if it is one of this repository."""
        upload = self._uploads.get(name)
        return upload if upload is not None and upload.repository == repository else None

    def append(self, upload: Upload, stream: IO[bytes], start: int | None = None) -> int:
        """Add what ``stream`` holds; bytes so far.

        :param start: offset at which the client says these bytes begin.
        :raises WrongRangeError: it is not where the upload stands.
        """
        with upload.lock:
            if start is not None and start != upload.size:
                raise WrongRangeError(upload.size)
            with upload.path.open("ab") as out:
                while chunk := stream.read(1 << 18):
                    out.write(chunk)
                    upload.hash.update(chunk)
                    upload.size += len(chunk)
            return upload.size

    def finish(self, name: str, digest: str) -> int:
        """Make the upload a blob; its size in bytes. The upload is gone afterwards, whatever happens.

        :raises DigestMismatchError: its bytes have another digest.
        """
        upload = self._uploads.pop(name)
        with upload.lock:
            if "sha256:" + upload.hash.hexdigest() != digest:
                upload.path.unlink()
                raise DigestMismatchError(digest)
            upload.path.replace(self.path(digest))
            return upload.size

    def cancel(self, name: str) -> None:
        self._uploads.pop(name).path.unlink(missing_ok=True)
