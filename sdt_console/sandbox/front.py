"""The endpoint: takes every AWS call, answers those of ECS and target health, and leaves the rest to moto."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from .control import PATH
from .ecs import api
from .ecs.errors import ApiError
from .faults import ApiFaults
from .heartbeat import Heartbeat
from .logs import live_tail
from .logs.eventstream import CONTENT_TYPE
from .logs.live_tail import LiveTail
from .routes import Operation, Routes
from .target_health import target_health
from .wire_errors import JSON, wire_error

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FORM = "application/x-www-form-urlencoded"
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_logger = logging.getLogger(__name__)


class Front:
    """The WSGI application behind the endpoint.

    :param moto: moto's application; every call to it is made under ``lock``, for moto is not atomic.
    :param registry: answers ``/v2/…``.
    :param control: answers ``/_sandbox…``.
    :param ecs: account and region → its ECS.
    :param routes: who answers a call of the JSON APIs.
    :param account_of: access key → account id.
    :param stopped: set when the sandbox stops.
    :param tail_interval: seconds between two updates of a Live Tail session.
    :param pause: waits for so many seconds; what a slow answer is made of.
    """

    def __init__(
        self,
        *,
        moto: WSGIApplication,
        registry: WSGIApplication,
        control: WSGIApplication,
        faults: ApiFaults,
        ecs: Callable[[str, str], api.Ecs],
        routes: Routes,
        account_of: Callable[[str], str],
        lock: threading.RLock,
        heartbeat: Heartbeat,
        now: Callable[[], float],
        pause: Callable[[float], object],
        stopped: threading.Event,
        tail_interval: float,
    ) -> None:
        self._moto = moto
        self._registry = registry
        self._control = control
        self._faults = faults
        self._ecs = ecs
        self._routes = routes
        self._account_of = account_of
        self._lock = lock
        self._heartbeat = heartbeat
        self._now = now
        self._pause = pause
        self._stopped = stopped
        self._tail_interval = tail_interval

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path == "/v2" or path.startswith("/v2/"):
            return self._registry(environ, start_response)
        if path == PATH or path.startswith(PATH + "/"):
            return self._control(environ, start_response)
        call = self._read(environ)
        with self._lock:
            mishap = self._faults.befalls(call.account, call.region, call.operation, self._now())
        if mishap.delay:
            self._pause(mishap.delay)
        if mishap.refusal is not None:
            refusal = mishap.refusal
            answer = call.refuse(refusal.code, refusal.message, refusal.status)
        elif call.target == live_tail.TARGET:
            return self._tail(call, start_response)
        else:
            answer = self._answer(call)
        if mishap.lost:
            _cut(environ)
        start_response(answer.status, list(answer.headers))
        return [answer.body]

    def _read(self, environ: WSGIEnvironment) -> Call:
        signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        key, region, service = signed.groups() if signed else ("", "", "")
        target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
        return Call(environ, service, self._account_of(key), region, target, _body(environ))

    def _answer(self, call: Call) -> Response:
        operation = self._routes.find(call.target, call.account, call.region)
        if operation is not None:
            return self._answer_json(call, operation)
        if call.service == "elasticloadbalancing":
            form = parse_qs(call.body.decode())
            if form.get("Action") == ["DescribeTargetHealth"]:
                answer = self._target_health(form, call)
                if answer is not None:
                    return answer
        return self._answer_moto(call)

    def _answer_json(self, call: Call, operation: Operation) -> Response:
        try:
            request = json.loads(call.body or b"{}")
            if not isinstance(request, dict):
                raise ValueError
        except ValueError:
            return call.refuse("SerializationException", "The request is not a JSON object.")
        with self._lock:
            self._heartbeat.catch_up()
            try:
                answer = operation(request)
            except ApiError as error:
                return call.refuse(error.code, error.message, error.status)
            except (KeyError, TypeError, AttributeError, ValueError):
                # A member of the wrong type; boto3 checks them before it calls, other clients may not.
                _logger.exception("%s failed", call.operation)
                return call.refuse("SerializationException", "The request cannot be read.")
            body = json.dumps(answer, separators=(",", ":")).encode()
            self._heartbeat.catch_up()
        return _response("200 OK", JSON, body)

    def _target_health(self, form: dict[str, list[str]], call: Call) -> Response | None:
        group = form.get("TargetGroupArn", [""])[0]
        wanted = {v[0] for k, v in form.items() if k.startswith("Targets.member.") and k.endswith(".Id")}
        with self._lock:
            self._heartbeat.catch_up()
            targets = self._ecs(call.account, call.region).targets
            if not targets.knows(group):
                return None
            found = [t for t in targets.of_group(group) if not wanted or t.address in wanted]
            return _response("200 OK", "text/xml", target_health(found))

    def _tail(self, call: Call, start_response: StartResponse) -> Iterable[bytes]:
        """The one answer that goes on while it is read."""
        try:
            with self._lock:
                session = LiveTail(
                    call.account,
                    call.region,
                    json.loads(call.body),
                    lock=self._lock,
                    stopped=self._stopped,
                    interval=self._tail_interval,
                )
        except ApiError as error:
            answer = call.refuse(error.code, error.message, error.status)
            start_response(answer.status, list(answer.headers))
            return [answer.body]
        start_response("200 OK", [("Content-Type", CONTENT_TYPE)])
        return session.updates()

    def _answer_moto(self, call: Call) -> Response:
        environ = call.environ
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = call.account
        if call.operation == "ReceiveMessage" or b"Action=ReceiveMessage" in call.body:
            answer = self._run_moto(call)  # waits for messages: it would hold up everyone
        else:
            with self._lock:
                answer = self._run_moto(call)
        if answer is None:
            # moto would answer 500 with a page of HTML, which clients take for a passing trouble and retry.
            return call.refuse(
                "UnknownOperationException",
                f"The sandbox does not know {call.operation or 'this operation'}.",
            )
        if answer.status.startswith("200") and call.target:
            body = self._routes.amend(call.target, answer.body)
            return answer if body is answer.body else _response("200 OK", JSON, body)
        return answer

    def _run_moto(self, call: Call) -> Response | None:
        started: list[Any] = []

        def capture(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], object]:
            started[:] = [status, headers]
            return lambda data: None

        try:
            response = self._moto(call.environ, capture)
            try:
                body = b"".join(response)
            finally:
                if hasattr(response, "close"):
                    response.close()
        except NotImplementedError:
            return None
        except Exception:
            _logger.exception("moto failed")
            return call.refuse("InternalFailure", "The sandbox failed to answer; see its log.", 500)
        return Response(started[0], tuple(started[1]), body)


@dataclass(frozen=True)
class Response:
    """``status`` with its phrase, as WSGI wants it."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Call:
    """One API call.

    :param service: signing name; empty if the call is not signed.
    :param target: the ``X-Amz-Target`` header of the JSON protocols; empty for others.
    """

    environ: WSGIEnvironment
    service: str
    account: str
    region: str
    target: str
    body: bytes

    @property
    def operation(self) -> str:
        """Name of the call, for the JSON and the query protocols."""
        if self.target or self.environ.get("CONTENT_TYPE", "").partition(";")[0] != FORM:
            return self.target.rpartition(".")[2]
        return parse_qs(self.body.decode("utf-8", "replace")).get("Action", [""])[0]

    def refuse(self, code: str, message: str, status: int = 400) -> Response:
        error = wire_error(self.environ, self.service, code, message, status)
        return _response(
            f"{status} {HTTPStatus(status).phrase}", error.content_type, error.body, error.headers
        )


def _response(
    status: str, content_type: str, body: bytes, more: tuple[tuple[str, str], ...] = ()
) -> Response:
    headers = (
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("x-amzn-RequestId", str(uuid.uuid4())),
    )
    return Response(status, headers + more, body)


def _body(environ: WSGIEnvironment) -> bytes:
    """The request's body, which can be read again afterwards."""
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        data = environ["wsgi.input"].read()
    else:
        data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(data)
    return bytes(data)


def _cut(environ: WSGIEnvironment) -> None:
    """Reset the connection: the call was carried out, and the client does not hear of it."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())  # close() alone waits for the handler's files on the socket
    raise ConnectionResetError("the answer is lost")
