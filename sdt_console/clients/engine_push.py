"""Pushing what a Docker Engine has built, by its own API."""

from __future__ import annotations

import contextlib
from typing import Any

from sdt_console.clients.docker_engine import START, Session, connect, root_cause
from sdt_console.clients.registry_errors import split_reference
from sdt_console.clients.stoppable import Progress
from sdt_console.errors import BuildError
from sdt_console.model import BuiltImage, RegistryLogin


def push_image(
    session: Session, image: BuiltImage, login: RegistryLogin, progress: Progress, keep: bool
) -> str:
    """Push ``image`` under every reference, whatever these point to in the Engine meanwhile; its digest.

    :param keep: leave the references in the Engine.
    :raises BuildError: the Engine has no such image, the registry refused, or one of them did not answer.
    """
    import docker
    import docker.auth

    api = connect(session.what)
    account = {"username": login.username, "password": login.password, "serveraddress": login.host}
    headers = {"X-Registry-Auth": docker.auth.encode_header(account).decode()}
    digest = ""
    try:
        for reference in image.references:
            host, repository, tag = split_reference(reference)
            if host != login.host:
                raise BuildError(f"cannot push {reference}", f"the login is for {login.host}")
            _name(api, image.image_id, f"{host}/{repository}", tag)
            layers: dict[str, tuple[int, int]] = {}
            path = f"/images/{host}/{repository}/push"
            for event in session.events(api, path, [("tag", tag)], headers):
                if "error" in event:
                    words = str(event["error"]).replace(login.password or "\0", "***")
                    raise BuildError(f"cannot push {reference}", words)
                _count(event, layers, progress)
                digest = (event.get("aux") or {}).get("Digest", digest)
            if not digest:
                raise BuildError(f"cannot push {reference}", "the Docker Engine named no digest")
        for reference in () if keep else image.references:
            with contextlib.suppress(docker.errors.DockerException, OSError):  # gone already: what we want
                api.remove_image(reference, noprune=True)
    finally:
        api.close()
    return digest


def _name(api: Any, image_id: str, repository: str, tag: str) -> None:
    """Point the reference at our image: another run may have built under the same name since."""
    import docker

    what = f"cannot push {repository}:{tag}"
    try:
        api.tag(image_id, repository, tag)
    except docker.errors.NotFound as error:
        raise BuildError(what, "the Docker Engine has this image no more", "build it again") from error
    except (docker.errors.DockerException, OSError) as error:
        raise BuildError(what, f"the Docker Engine broke off: {root_cause(error)}", START) from error


def _count(event: dict[str, Any], layers: dict[str, tuple[int, int]], progress: Progress) -> None:
    """Add up the bytes of all layers under way."""
    detail = event.get("progressDetail") or {}
    layer, status = str(event.get("id", "")), str(event.get("status", ""))
    if layer and "total" in detail:
        layers[layer] = (min(int(detail["current"]), int(detail["total"])), int(detail["total"]))
    if layer and status == "Pushed" and layer in layers:
        layers[layer] = (layers[layer][1], layers[layer][1])
    if layer:
        done, total = (sum(numbers) for numbers in zip(*layers.values(), strict=True)) if layers else (0, 0)
        progress(f"{layer} {status.lower()}", done, total)
