"""What a registry says when it refuses, in our words: what, why, what next."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from sdt_console.errors import BuildError

_NEXT = {
    "NAME_UNKNOWN": "create the repository in ECR, or correct `repository` in the catalog",
    "UNAUTHORIZED": "log in again: the registry's token is missing or wrong",
    "DENIED": "log in again, and have the role granted the rights to push to this repository",
    "TAG_INVALID": "the repository's tags are immutable: build another commit, or delete the tag",
    "TOOMANYREQUESTS": "wait a minute, then run again",
}
_LONGEST = 600


class RefusedError(BuildError):
    """The registry answered with an error.

    :param code: of the specification, such as ``TAG_INVALID``; empty where the answer had none.
    """

    def __init__(self, code: str, what: str, cause: str, next: str) -> None:
        super().__init__(what, cause, next)
        self.code = code


def refusal(host: str, method: str, path: str, answer: Any, scrub: Callable[[str], str]) -> RefusedError:
    """The error for an answer that is none of those hoped for.

    :param scrub: removes secrets from what the registry says.
    """
    code, message = (scrub(text) for text in reason(answer))
    repository = re.match(r"/v2/(.+?)/(blobs|manifests|tags)/", path)
    doing = "read from" if method in ("GET", "HEAD") else "push to"
    what = f"cannot {doing} {repository[1]} at {host}" if repository else f"{host} refused {method} {path}"
    words = f"{code.lower().replace('_', ' ')}: {message}" if code else message
    return RefusedError(code, what, words or f"the registry answered {answer.status}", _NEXT.get(code, ""))


def reason(answer: Any) -> tuple[str, str]:
    """Code and message of the first error in the body; without one, the body's beginning."""
    text = bytes(answer.data or b"").decode(errors="replace")
    try:
        first = json.loads(text)["errors"][0]
        return str(first.get("code", "")), str(first.get("message", ""))[:_LONGEST]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        code = {401: "UNAUTHORIZED", 403: "DENIED", 429: "TOOMANYREQUESTS"}.get(answer.status, "")
        plain = f"the registry answered {answer.status}"
        return code, plain if not text.strip() else f"{plain}: {' '.join(text.split())[:_LONGEST]}"


def unreachable(host: str, error: Exception) -> BuildError:
    """The error for a registry that does not answer, or breaks off."""
    inner = getattr(error, "reason", None) or error
    words = re.sub(r"^<[^>]*>: |^HTTPS?Connection\([^)]*\): ", "", str(inner))
    return BuildError(
        f"{host} does not answer",
        words[:_LONGEST],
        "check that the registry can be reached from here, then run again",
    )


def split_reference(reference: str) -> tuple[str, str, str]:
    """Host, repository and tag of a full image reference; the tag is ``latest`` where none is given.

    :raises BuildError: it has no host, or names a digest.
    """
    host, _, rest = reference.partition("/")
    if not rest or "@" in rest or not ("." in host or ":" in host or host == "localhost"):
        raise BuildError(f"cannot push {reference!r}", "it is not HOST/REPOSITORY:TAG")
    repository, colon, tag = rest.rpartition(":")
    return (host, repository, tag) if colon else (host, rest, "latest")
