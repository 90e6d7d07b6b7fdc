"""Proving to a registry who we are: basic authentication, or the bearer token that it asks for.

Source: the Distribution project's token authentication specification.
"""

from __future__ import annotations

import ipaddress
import json
import re
from urllib.parse import urlencode, urlsplit

import urllib3

from sdt_console.errors import BuildError
from sdt_console.model import RegistryLogin

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


def is_loopback(host: str) -> bool:
    """Whether ``host`` (with or without a port) is this machine, by name or address."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Authenticator:
    """The ``Authorization`` header of one registry; basic until the registry asks for a bearer token."""

    def __init__(self, login: RegistryLogin, http: urllib3.PoolManager) -> None:
        self._login = login
        self._http = http
        self._basic = _basic(login)
        self._bearer = ""

    def __repr__(self) -> str:
        return f"Authenticator(host={self._login.host!r})"

    def headers(self) -> dict[str, str]:
        if self._bearer:
            return {"Authorization": f"Bearer {self._bearer}"}
        return dict(self._basic)

    def challenged(self, answer: urllib3.BaseHTTPResponse) -> bool:
        """Get what a 401 asks for; whether the request may succeed now.

        :raises BuildError: the token service refused, or may not be sent a password.
        """
        scheme, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        asked = dict(_PARAMETER.findall(rest))
        realm = asked.pop("realm", "")
        parts = urlsplit(realm)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.netloc)):
            raise BuildError(
                f"cannot log in to {self._login.host}", f"its token service is not on HTTPS: {realm!r}"
            )
        known = {key: asked[key] for key in ("service", "scope") if key in asked}
        token = self._http.request("GET", f"{realm}?{urlencode(known)}", headers=self._basic)
        if token.status != 200:
            raise BuildError(
                f"cannot log in to {self._login.host}",
                f"its token service {parts.netloc} answered {token.status}",
                "check user and password of the registry",
            )
        try:
            given = json.loads(token.data)
            self._bearer = str(given.get("token") or given["access_token"])
        except (ValueError, KeyError, AttributeError):
            raise BuildError(
                f"cannot log in to {self._login.host}", f"its token service {parts.netloc} gave no token"
            ) from None
        return True

    def scrub(self, text: str) -> str:
        """``text`` without the secrets that an answer may have repeated."""
        for secret in (self._login.password, self._basic.get("authorization", "")[6:], self._bearer):
            text = text.replace(secret, "***") if secret else text
        return text


def _basic(login: RegistryLogin) -> dict[str, str]:
    if not login.username:
        return {}
    return dict(urllib3.make_headers(basic_auth=f"{login.username}:{login.password}"))
