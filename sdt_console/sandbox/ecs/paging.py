"""Pages of a list, with the opaque tokens of the API."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from .errors import invalid

T = TypeVar("T")


def page(
    items: Sequence[T],
    request: dict[str, Any],
    *,
    default: int = 100,
    limit: int = 100,
) -> tuple[list[T], str | None]:
    """One page of ``items`` as ``maxResults`` and ``nextToken`` of ``request`` ask for it.

    :returns: the page, and the token of the next one, or ``None`` after the last.
    :raises ApiError: ``InvalidParameterException`` for a token or a size that cannot be.
    """
    size = request.get("maxResults")
    size = default if size is None else size
    if not isinstance(size, int) or not 1 <= size <= limit:
        raise invalid(f"maxResults must be between 1 and {limit}.")
    start = _offset(request.get("nextToken"))
    end = start + size
    return list(items[start:end]), _token(end) if end < len(items) else None


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset:{offset}".encode()).decode()


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        name, _, number = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if name == "offset":
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise invalid("Invalid token.")
