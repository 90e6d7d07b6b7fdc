"""Who may use the registry: passwords of ``GetAuthorizationToken``, and signed addresses of single blobs."""

from __future__ import annotations

import hmac
import secrets
import time

USER = "AWS"
SECONDS = 12 * 3600
"""How long a token of ECR is good."""


class Tokens:
    """Passwords for the user ``AWS``, and when each expires: in real time, with which clients compare it."""

    def __init__(self) -> None:
        self._expiry: dict[str, float] = {}
        self._key = secrets.token_bytes(32)

    def issue(self) -> tuple[str, float]:
        """A new password, and when it expires in seconds since the epoch."""
        password, expires = secrets.token_urlsafe(48), time.time() + SECONDS
        self._expiry[password] = expires
        return password, expires

    def expire(self) -> None:
        """End all that were issued."""
        self._expiry = dict.fromkeys(self._expiry, 0.0)

    def check(self, user: str | None, password: str | None) -> bool | None:
        """``True`` for a good password, ``False`` for one that has expired, ``None`` for any other."""
        expires = self._expiry.get(password or "") if user == USER else None
        return None if expires is None else expires > time.time()

    def sign(self, path: str) -> str:
        """A signature with which anyone may read ``path``."""
        return hmac.new(self._key, path.encode(), "sha256").hexdigest()

    def signed(self, path: str, signature: str) -> bool:
        return hmac.compare_digest(signature.encode(), self.sign(path).encode())
