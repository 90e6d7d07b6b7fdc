"""An application load balancer: routes a path to a healthy target, and answers as ALB does when it cannot."""

from __future__ import annotations

import fnmatch
import itertools
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .application import Answer, Application
from .ecs.api import Ecs
from .ecs.targets import Target

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


_KNOWN = frozenset(int(status) for status in HTTPStatus)
_HOP_BY_HOP = frozenset(("HTTP_CONNECTION", "HTTP_TRANSFER_ENCODING", "HTTP_TE", "HTTP_UPGRADE"))


class LoadBalancer:
    """The WSGI application behind one load balancer's address.

    :param listeners: moto's listeners of this load balancer, asked at every request.
    :param now: the sandbox's time.
    """

    def __init__(
        self,
        listeners: Callable[[], Iterable[Any]],
        ecs: Callable[[], Ecs],
        application: Application,
        lock: threading.RLock,
        now: Callable[[], float],
    ) -> None:
        self._listeners = listeners
        self._ecs = ecs
        self._application = application
        self._lock = lock
        self._now = now
        self._turn = itertools.count()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", "/")) or "/"
        with self._lock:
            target = self._choose(path)
            if isinstance(target, Target) and target.task.process is None:
                target = self._application.answer(target.task, path, self._now()) or _page(502)
        answer = _pass_on(target, environ) if isinstance(target, Target) else target
        reason = HTTPStatus(answer.status).phrase if answer.status in _KNOWN else "Status"
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
        if answer.content_type == "text/html":
            headers.append(("Server", "awselb/2.0"))
        start_response(f"{answer.status} {reason}", headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [answer.body]

    def _choose(self, path: str) -> Target | Answer:
        """Who answers; the balancer itself where nobody does."""
        group = self._route(path)
        if group is None:
            return _page(404)
        targets = [t for t in self._ecs().targets.of_group(group) if t.state != "draining"]
        # With no healthy target at all ALB fails open: it sends the request to any of them.
        candidates = [t for t in targets if t.state == "healthy"] or targets
        if not candidates:
            return _page(503)
        return candidates[next(self._turn) % len(candidates)]

    def _route(self, path: str) -> str | None:
        for listener in self._listeners():
            rules = sorted(
                (r for r in listener.rules.values() if not r.is_default), key=lambda rule: int(rule.priority)
            )
            for rule in rules:
                if all(_matches(condition, path) for condition in rule.conditions):
                    return _forward(rule.actions)
            return _forward(listener.default_actions)
        return None


def _pass_on(target: Target, environ: WSGIEnvironment) -> Answer:
    """Send the request to a container; the lock must not be held."""
    headers = {
        key.removeprefix("HTTP_").replace("_", "-").title(): value
        for key, value in environ.items()
        if key.startswith("HTTP_") and key not in _HOP_BY_HOP
    }
    headers |= {"X-Forwarded-For": str(environ.get("REMOTE_ADDR", "")), "X-Forwarded-Proto": "http"}
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    query = environ.get("QUERY_STRING", "")
    path = quote(str(environ.get("PATH_INFO", "")) or "/", encoding="latin-1")
    path += f"?{query}" if query else ""
    process = target.task.process
    answer = process and process.request(target.port, environ["REQUEST_METHOD"], path, headers, body)
    return answer or _page(502)


def _matches(condition: dict[str, Any], path: str) -> bool:
    if condition.get("Field") != "path-pattern":
        return False
    values = condition.get("Values") or condition.get("PathPatternConfig", {}).get("Values", [])
    return any(fnmatch.fnmatchcase(path, value) for value in values)


def _forward(actions: Iterable[Any]) -> str | None:
    for action in actions:
        data = action.data
        if action.type == "forward":
            groups = data.get("ForwardConfig", {}).get("TargetGroups", [])
            return str(data.get("TargetGroupArn") or groups[0]["TargetGroupArn"])
    return None


def _page(status: int) -> Answer:
    title = f"{status} {HTTPStatus(status).phrase}"
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )
    return Answer(status, body.encode(), "text/html")
