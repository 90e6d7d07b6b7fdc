"""Who asked for a run, what for, and where it can be watched."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from sdt_console.model import Request


def title_of(request: Request) -> str:
    """What a run of services by name is about; empty for one about commits."""
    if request.undo:
        return f"undo run {request.undo}"
    names = ", ".join(request.services)
    verb = {"deploy": "restart" if request.force else "deploy", "rollback": "roll back", "build": "build"}
    of = f" {request.tag or request.revision}" if request.tag or request.revision else ""
    return f"{verb[request.kind]} {names}{of}" if request.kind in verb else ""


def request_of(data: Mapping[str, Any]) -> Request:
    """The request that a run recorded; fields of a newer version are left aside."""
    known = {f.name for f in fields(Request)}
    values: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known
    }
    return replace(Request(), **values)


def who(environ: Mapping[str, str]) -> str:
    """Whoever started this: the actor in GitHub Actions, else the user of this machine."""
    if environ.get("GITHUB_ACTOR"):
        return environ["GITHUB_ACTOR"]
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def url(environ: Mapping[str, str]) -> str:
    """Where this run can be watched, if it runs in GitHub Actions."""
    server, repository, run = (
        environ.get(f"GITHUB_{key}", "") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID")
    )
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""
