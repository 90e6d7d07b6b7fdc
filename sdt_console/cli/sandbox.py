"""``sdt sandbox``: the AWS account in a box, alone, for any client; and for ``--sandbox``."""

from __future__ import annotations

import json
import math
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import command, engine, given
from sdt_console.cli.running import DOCKER_HELP
from sdt_console.errors import SdtError, UsageError

if TYPE_CHECKING:
    from sdt_console.sandbox.sandbox import Sandbox

# What would lead the SDK past the sandbox's own credentials.
_PERSONAL = (
    *(
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_CA_BUNDLE"),
    *("ECS_CLUSTER", "ECS_SERVICE", "ECR_REPOSITORY"),
)
_LOOPBACK = "127.0.0.1,localhost"


@dataclass(frozen=True)
class Box:
    """A running sandbox and the repository to deploy from.

    :param base: image for the build argument ``BASE`` of the generated repository, so that what it builds
        can run; empty where tasks are no containers.
    """

    sandbox: Sandbox
    repository: Path
    base: str = ""


@contextmanager
def opened(
    repo: Path | None, *, port: int = 0, speed: float | None = None, docker: bool = False
) -> Iterator[Box]:
    """A sandbox for the catalog of this call; this process's AWS settings point to it meanwhile.

    :param repo: the repository to use; ``None`` for a generated one.
    :param docker: run tasks as containers.
    """
    try:
        from sdt_console.sandbox.repository import generate
        from sdt_console.sandbox.sandbox import Sandbox
    except ModuleNotFoundError as error:
        raise UsageError(
            "the sandbox is not installed", f"no module {error.name}", "pip install 'sdt-console[sandbox]'"
        ) from None
    with _its_own_environment():
        asked = engine(repo=repo)
        catalog, _ = asked.catalog, asked.environment
        if repo is not None and not repo.is_dir():
            raise UsageError(
                f"no repository at {repo}", "there is no such folder", "leave out --repo for one"
            )
        with TemporaryDirectory(prefix="sdt-sandbox-") as folder:
            path, running = repo, ""
            if path is None:
                backend = generate(Path(folder, "backend"), catalog)
                path, running = backend.path, backend.base
            with Sandbox.start(
                catalog, port=port, speed=speed, scenarios=given().scenario, commit=running, docker=docker
            ) as sandbox:
                os.environ.update(sandbox.environ)
                with _base(docker and repo is None and "BASE" not in catalog.source.build_args) as base:
                    yield Box(sandbox, path, base)


@contextmanager
def _its_own_environment() -> Iterator[None]:
    """Nothing of the real account, its endpoints or a proxy stands between us and the sandbox meanwhile."""
    before = dict(os.environ)
    for key in list(os.environ):
        if key in _PERSONAL or key.startswith("AWS_ENDPOINT_URL"):
            del os.environ[key]
    for key in ("NO_PROXY", "no_proxy"):
        os.environ[key] = ",".join(filter(None, (_LOOPBACK, before.get(key, ""))))
    options = given()
    options.profile = options.region = None
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def session(repo: Path | None, *, offline: bool = False) -> Iterator[Path | None]:
    """The repository to read: with ``--sandbox`` that of a sandbox started for this call.

    :raises UsageError: ``--scenario`` without a sandbox, or a sandbox for what asks no AWS.
    """
    options = given()
    if options.scenario and not options.sandbox:
        raise UsageError("--scenario needs --sandbox", "a real account is not made to fail", "add --sandbox")
    if not options.sandbox:
        yield repo
        return
    if offline:
        raise UsageError("--sandbox and --offline exclude each other", next="leave one of them out")
    with opened(repo) as box:
        yield box.repository


@contextmanager
def _base(wanted: bool) -> Iterator[str]:
    if not wanted:
        yield ""
        return
    from sdt_console.sandbox.containers.base import base_image

    with base_image() as name:
        if not name:
            click.echo("no static busybox to base images on: tasks stay simulated", err=True)
        yield name


@command(
    "sandbox",
    short="An AWS account in a box.",
    example="sdt sandbox --port 4566\naws --endpoint-url http://127.0.0.1:4566 ecs list-clusters",
)
@click.option("--port", type=int, default=0, help="Port on loopback (else a free one).")
@click.option("--speed", type=float, help="1 is life-like: minutes a deploy. Else about two seconds.")
@click.option(
    "--repo",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Your repository, instead of a generated one.",
)
@click.option("--docker", is_flag=True, help=DOCKER_HELP)
def sandbox(port: int, speed: float | None, repo: Path | None, docker: bool) -> None:
    """Run an AWS account in a box until ctrl-C, for sdt, the aws command or any AWS client.

    Loopback only; nothing of it outlives the command.

    \b
    With --scenario it fails on purpose, in AWS's own words: image-missing, crash-loop, out-of-memory,
    unhealthy, slow-start, no-capacity, secret-missing, breaker-rollback (each for one service or all);
    throttling, flaky-api, expired-credentials (of the API itself).
    """
    if not 0 <= port <= 65535:
        raise UsageError(f"no such port: {port}", "ports are 0 to 65535", "0 takes a free one")
    if speed is not None and not 0 < speed < math.inf:
        raise UsageError(f"the speed must be above 0, not {speed:g}", next="1 is life-like, 60 the default")
    with _ended_by_signals() as stop:
        try:
            with opened(repo, port=port, speed=speed, docker=docker) as box:
                click.echo(json.dumps(_document(box)) if given().json else "\n".join(_lines(box)))
                sys.stdout.flush()
                click.echo("running; ctrl-C stops it", err=True)
                stop.wait()
        except SdtError:
            if not stop.is_set():  # ctrl-C reaches the children as well, and what they then miss is no error
                raise


def _document(box: Box) -> dict[str, Any]:
    """What another program needs to know of it."""
    return {
        "version": 1,
        "endpoint": box.sandbox.endpoint,
        "environ": dict(box.sandbox.environ),
        "registry": box.sandbox.registry,
        "load_balancers": dict(box.sandbox.load_balancers),
        "repository": str(box.repository),
        "base_image": box.base,
        "control": _control(box),
    }


def _control(box: Box) -> str:
    """Where the sandbox is switched at run time."""
    from sdt_console.sandbox.control import PATH

    return box.sandbox.endpoint + PATH


def _lines(box: Box) -> list[str]:
    """What a shell can take as it is: settings, and the rest as comments."""
    known = engine()
    service = next((part.name for part in known.catalog.active), known.catalog.all_names[0])
    skipped = "".join(f" --skip-gate {gate}" for gate in known.gates_beyond("reactor"))
    again = f"sdt --ci --env {known.environment} --repo {shlex.quote(str(box.repository))}{skipped}"
    switch = f"{_control(box)}/scenarios/crash-loop:{service}"
    return [
        *(f"export {key}={value}" for key, value in box.sandbox.environ.items()),
        f"# registry: {box.sandbox.registry}",
        *(f"# load balancer of {env}: {url}" for env, url in box.sandbox.load_balancers.items()),
        f"# repository: {box.repository}",
        *(
            [f'# its images can run with: [source] build_args = {{ BASE = "{box.base}" }}']
            if box.base
            else []
        ),
        f"# make it fail:   curl -X POST {switch}",
        f"# and mend it:    curl -X DELETE {switch}",
        f"# what can fail:  curl {_control(box)}/scenarios",
        f"# then, in another terminal: {again}",
    ]


@contextmanager
def _ended_by_signals() -> Iterator[threading.Event]:
    """An event that ctrl-C and SIGTERM set, from the first moment on: even a start is undone in order."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda _number, _frame: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
