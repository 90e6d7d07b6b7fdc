"""An AWS error in the protocol that the client speaks: JSON, CBOR, or one of the XML forms."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

JSON = "application/x-amz-json-1.1"


@dataclass(frozen=True)
class WireError:
    """A response; ``status`` is the HTTP code."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def wire_error(environ: WSGIEnvironment, service: str, code: str, message: str, status: int) -> WireError:
    """``code`` and ``message`` as a client of ``service`` expects them.

    :param service: signing name, from the credential scope.
    :param code: as the JSON APIs spell it; XML APIs drop the ending ``Exception``.
    """
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        body = b"\xa2" + b"".join(_text(part) for part in ("__type", code, "message", message))
        return WireError(status, "application/cbor", body, (("smithy-protocol", "rpc-v2-cbor"),))
    if environ.get("HTTP_X_AMZ_TARGET"):
        body = json.dumps({"__type": code, "message": message}).encode()
        return WireError(status, JSON, body, (("x-amzn-errortype", code),))
    short = code.removesuffix("Exception")
    if service == "s3":
        return WireError(
            status,
            "application/xml",
            f"<Error><Code>{short}</Code><Message>{escape(message)}</Message></Error>".encode(),
        )
    kind = "Receiver" if status >= 500 else "Sender"
    request = uuid.uuid4()
    error = f"<Code>{short}</Code><Message>{escape(message)}</Message>"
    if service == "ec2":
        text = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{request}</RequestID></Response>"
    else:
        error = f"<Error><Type>{kind}</Type>{error}</Error>"
        text = f"<ErrorResponse>{error}<RequestId>{request}</RequestId></ErrorResponse>"
    return WireError(status, "text/xml", text.encode())


def _text(value: str) -> bytes:
    """A CBOR text string of less than 65,536 bytes."""
    data = value.encode()
    head = bytes([0x60 | len(data)]) if len(data) < 24 else b"\x79" + len(data).to_bytes(2, "big")
    return head + data
