"""What the registry answers: errors, created things, the state of an upload, pages of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from moto.core.exceptions import ServiceException
from werkzeug.wrappers import Request, Response

from sdt_console.clients import oci


class RegistryError(Exception):
    """An answer that is an error; codes are those of the specification."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    def response(self) -> Response:
        body = {"errors": [{"code": self.code, "message": self.message}]}
        return json_answer(body, self.status, self.headers)


def from_ecr(error: ServiceException) -> RegistryError:
    """The registry's form of an error of ECR."""
    status, code = {
        "RepositoryNotFoundException": (404, "NAME_UNKNOWN"),
        "ImageTagAlreadyExistsException": (400, "TAG_INVALID"),
    }.get(error.code, (400, "MANIFEST_INVALID"))
    return RegistryError(status, code, error.message)


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(oci.canonical(body), status, dict(headers or {}), mimetype="application/json")


def created(location: str, digest: str) -> Response:
    return Response(status=201, headers={"Location": location, "Docker-Content-Digest": digest})


def upload_state(name: str, upload: str, size: int, status: int = 202) -> Response:
    headers = {
        "Location": f"/v2/{name}/blobs/uploads/{upload}",
        "Docker-Upload-UUID": upload,
        "Range": held_range(size),
    }
    return Response(status=status, headers=headers)


def held_range(size: int) -> str:
    return f"0-{max(size - 1, 0)}"


def page(request: Request, names: list[str]) -> tuple[list[str], dict[str, str]]:
    """The names after ``last``, at most ``n``, and a ``Link`` header where more follow."""
    last, limit = request.args.get("last"), request.args.get("n", type=int)
    if last is not None:
        names = [name for name in names if name > last]
    if limit is None or limit < 0 or len(names) <= limit:
        return names, {}
    page = names[:limit]
    if not page:
        return page, {}
    query = urlencode({"last": page[-1], "n": limit})
    return page, {"Link": f'<{request.root_path.rstrip("/")}{request.path}?{query}>; rel="next"'}
