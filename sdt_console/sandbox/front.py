"""The endpoint: takes every AWS call, answers those of ECS and target health, and leaves the rest to moto."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from .ecs import api
from .ecs.errors import ApiError
from .heartbeat import Heartbeat

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_CREDENTIAL = re.compile(
    r"Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)
_JSON = "application/x-amz-json-1.1"
_log = logging.getLogger(__name__)

Body = list[bytes]


class Front:
    """The WSGI application behind the endpoint.

    :param moto: moto's application; every call to it is made under ``lock``, for moto is not atomic.
    :param registry: answers ``/v2/…``.
    :param ecs: account and region → its ECS.
    :param account_of: access key → account id.
    """

    def __init__(
        self,
        *,
        moto: WSGIApplication,
        registry: WSGIApplication,
        ecs: Callable[[str, str], api.Ecs],
        account_of: Callable[[str], str],
        lock: threading.RLock,
        heartbeat: Heartbeat,
    ) -> None:
        self._moto = moto
        self._registry = registry
        self._ecs = ecs
        self._account_of = account_of
        self._lock = lock
        self._heartbeat = heartbeat

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path == "/v2" or path.startswith("/v2/"):
            return self._registry(environ, start_response)
        signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        key, region, service = (
            (signed["key"], signed["region"], signed["service"]) if signed else ("", "", "")
        )
        target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
        if target.startswith(api.TARGET):
            operation = target.removeprefix(api.TARGET)
            if operation in api.OPERATIONS:
                return self._answer_ecs(operation, self._account_of(key), region, environ, start_response)
        if service == "elasticloadbalancing":
            form = parse_qs(_body(environ).decode())
            if form.get("Action") == ["DescribeTargetHealth"]:
                answer = self._target_health(form, self._account_of(key), region, start_response)
                if answer is not None:
                    return answer
        return self._answer_moto(environ, self._account_of(key), start_response)

    def _answer_ecs(
        self,
        operation: str,
        account: str,
        region: str,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Body:
        try:
            request = json.loads(_body(environ) or b"{}")
        except ValueError:
            return _error(
                start_response, ApiError("SerializationException", "The request is not valid JSON.")
            )
        with self._lock:
            self._heartbeat.catch_up()
            try:
                answer = self._ecs(account, region).call(operation, request)
            except ApiError as error:
                return _error(start_response, error)
            except (KeyError, TypeError, AttributeError, ValueError):
                _log.exception("%s failed", operation)
                return _error(
                    start_response, ApiError("SerializationException", "The request cannot be read.")
                )
            body = json.dumps(answer, separators=(",", ":")).encode()
            self._heartbeat.catch_up()
        return _send(start_response, "200 OK", _JSON, body)

    def _target_health(
        self, form: dict[str, list[str]], account: str, region: str, start_response: StartResponse
    ) -> Body | None:
        group = form.get("TargetGroupArn", [""])[0]
        with self._lock:
            self._heartbeat.catch_up()
            targets = self._ecs(account, region).targets
            if not targets.knows(group):
                return None
            wanted = {v[0] for k, v in form.items() if k.startswith("Targets.member.") and k.endswith(".Id")}
            found = [t for t in targets.of_group(group) if not wanted or t.address in wanted]
            members = "".join(
                f"<member><Target><Id>{t.address}</Id><Port>{t.port}</Port>"
                f"<AvailabilityZone>{t.task.interface['zone']}</AvailabilityZone></Target>"
                f"<HealthCheckPort>{t.port}</HealthCheckPort><TargetHealth><State>{t.state}</State>"
                + (
                    f"<Reason>{t.reason}</Reason><Description>{escape(t.description)}</Description>"
                    if t.reason
                    else ""
                )
                + "</TargetHealth></member>"
                for t in found
            )
        body = (
            '<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">'
            f"<DescribeTargetHealthResult><TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
            f"</DescribeTargetHealthResult><ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId>"
            "</ResponseMetadata></DescribeTargetHealthResponse>"
        )
        return _send(start_response, "200 OK", "text/xml", body.encode())

    def _answer_moto(self, environ: WSGIEnvironment, account: str, start_response: StartResponse) -> Body:
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        started: list[Any] = []

        def capture(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            started[:] = [status, headers]
            return lambda data: None

        body = _body(environ)
        if (
            environ.get("HTTP_X_AMZ_TARGET", "").endswith("AmazonSQS.ReceiveMessage")
            or b"Action=ReceiveMessage" in body
        ):
            chunks = self._run_moto(environ, capture)  # waits for messages: it would hold up everyone
        else:
            with self._lock:
                chunks = self._run_moto(environ, capture)
        if chunks is None:
            operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2] or "this operation"
            return _error(
                start_response,
                ApiError("UnknownOperationException", f"The sandbox does not know {operation}."),
            )
        start_response(started[0], started[1])
        return chunks

    def _run_moto(self, environ: WSGIEnvironment, capture: Any) -> Body | None:
        try:
            response = self._moto(environ, capture)
            try:
                return [bytes(chunk) for chunk in response]
            finally:
                if hasattr(response, "close"):
                    response.close()
        except NotImplementedError:
            # moto would answer 500 with a page of HTML, which clients take for a passing trouble and retry.
            return None


def _body(environ: WSGIEnvironment) -> bytes:
    """The request's body, which can be read again afterwards."""
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        data = environ["wsgi.input"].read()
    else:
        data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(data)
    return bytes(data)


def _send(start_response: StartResponse, status: str, content_type: str, body: bytes) -> Body:
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("x-amzn-RequestId", str(uuid.uuid4())),
    ]
    start_response(status, headers)
    return [body]


def _error(start_response: StartResponse, error: ApiError) -> Body:
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    status = "400 Bad Request" if error.status == 400 else f"{error.status} Error"
    return _send(start_response, status, _JSON, body)
