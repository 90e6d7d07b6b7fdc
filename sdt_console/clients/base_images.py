"""Base images from private registries, pulled before BuildKit builds.

BuildKit asks its client for credentials over a session, which we do not hold; what the Engine has already, it
does not ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdt_console.clients.docker_engine import Session
from sdt_console.clients.dockerfile import DockerfileError, Instruction, parse
from sdt_console.clients.operands import expanded, named
from sdt_console.clients.stoppable import Progress
from sdt_console.errors import BuildError


def pull_private(
    session: Session, api: Any, text: str, build_args: Mapping[str, str], platform: str, progress: Progress
) -> None:
    """Pull each image that ``text`` builds from, where the person has a login for its registry and the Engine
    has no such image.

    A refused pull is left to the build, which fails with the Engine's own words.
    """
    import docker
    from docker import auth
    from docker.utils import parse_repository_tag

    try:
        logins = auth.load_config()
    except docker.errors.DockerException:  # unreadable: public images still build
        return
    if logins.is_empty:
        return
    for image in bases(text, build_args):
        repository, tag = parse_repository_tag(image)
        try:
            host, _ = auth.resolve_repository_name(repository)
            login = logins.resolve_authconfig(host)
        except docker.errors.DockerException:  # no reference, or a credential helper that fails
            continue
        if login is None or _is_there(api, image):
            continue
        headers = {"X-Registry-Auth": auth.encode_header(login).decode()}
        params = [("fromImage", repository), ("tag", tag or "latest"), ("platform", platform)]
        progress(f"pulling {image}", 0, 0)
        try:
            for event in session.events(api, "/images/create", params, headers):
                if event.get("id") and event.get("status"):
                    progress(f"pulling {image}: {event['id']} {str(event['status']).lower()}", 0, 0)
        except BuildError:
            session.check()  # it was stopped, or else the build will tell


def _is_there(api: Any, image: str) -> bool:
    import docker

    try:
        api.inspect_image(image)
    except docker.errors.DockerException:
        return False
    return True


def bases(text: str, build_args: Mapping[str, str]) -> list[str]:
    """The images outside this Dockerfile that it builds from or copies from, in its order.

    Nothing if it cannot be read: then the Engine says what is wrong with it.
    """
    try:
        dockerfile = parse(text)
        variables: dict[str, str] = {}
        stages = {"scratch"}
        found: list[str] = []
        begun = False
        for step in dockerfile.instructions:
            if step.name == "ARG" and not begun:
                variables |= _argument(step, variables, build_args, dockerfile.escape)
            elif step.name == "FROM":
                begun = True
                image, *alias = step.text.split()
                found += _named(expanded(step, image, variables, dockerfile.escape), stages)
                stages |= {name.lower() for name in alias[1:]}
            elif step.name == "COPY" and "from" in step.flags:
                found += _named(expanded(step, step.flags["from"], variables, dockerfile.escape), stages)
    except DockerfileError:
        return []
    return list(dict.fromkeys(found))


def _argument(
    step: Instruction, variables: Mapping[str, str], build_args: Mapping[str, str], escape: str
) -> dict[str, str]:
    """What ``ARG`` before the first ``FROM`` sets."""
    if "=" not in step.text:
        return {name: build_args.get(name, "") for name in step.text.split()}
    return {name: build_args.get(name, value) for name, value in named(step, variables, escape).items()}


def _named(image: str, stages: set[str]) -> list[str]:
    """``image``, unless it is a stage by its name or number."""
    return [] if not image or image.isdecimal() or image.lower() in stages else [image]
