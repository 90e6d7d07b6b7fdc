"""The sandbox's own HTTP path, ``/_sandbox``: what runs here, and switching scenarios at run time.

``GET /_sandbox`` tells where everything is. ``GET /_sandbox/scenarios`` lists the scenarios,
``POST /_sandbox/scenarios/NAME[:SERVICE]`` switches one on, ``DELETE`` off (all of them without a name).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sdt_console.errors import UsageError

from .scenarios import KNOWN, Scenarios

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATH = "/_sandbox"


class Control:
    """A WSGI application.

    :param about: what ``GET /_sandbox`` tells.
    """

    def __init__(self, scenarios: Scenarios, about: Callable[[], Mapping[str, Any]]) -> None:
        self._scenarios = scenarios
        self._about = about

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, answer = self._answer(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        body = (json.dumps(answer, indent=2) + "\n").encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, method: str, path: str) -> tuple[str, Mapping[str, Any]]:
        parts = path.removeprefix(PATH).strip("/").split("/")
        if parts == [""] and method == "GET":
            return "200 OK", self._about()
        if parts[0] == "scenarios" and len(parts) <= 2:
            name = parts[1] if len(parts) == 2 else ""
            try:
                if method == "POST" and name:
                    self._scenarios.on(name)
                elif method == "DELETE":
                    self._scenarios.off(name)
                elif method != "GET":
                    return "405 Method Not Allowed", {"error": "use GET, POST or DELETE"}
            except UsageError as error:
                return "400 Bad Request", {"error": str(error)}
            return "200 OK", {"active": self._scenarios.active, "known": KNOWN}
        return "404 Not Found", {"error": f"use {PATH} or {PATH}/scenarios"}
