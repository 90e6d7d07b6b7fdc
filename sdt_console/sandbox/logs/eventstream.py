"""AWS's event stream encoding: messages with headers and a payload in one HTTP response."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7


def message(event: str, payload: dict[str, Any]) -> bytes:
    """One event of a JSON service.

    :param event: its name in the API, or ``initial-response``, which comes first.
    """
    headers = b"".join(
        _header(name, value)
        for name, value in {
            ":event-type": event,
            ":content-type": "application/json",
            ":message-type": "event",
        }.items()
    )
    body = json.dumps(payload, separators=(",", ":")).encode()
    # Two lengths and their checksum, the headers, the payload, and a checksum of all that.
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    whole = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + body
    return whole + struct.pack("!I", zlib.crc32(whole))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", _STRING, len(text)) + text
