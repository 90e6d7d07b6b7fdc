"""``sdt sandbox``: the AWS account in a box, alone, for any client; and for ``--sandbox``."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from sdt_console.cli.ci import DOCKER_HELP
from sdt_console.cli.options import command, engine, given
from sdt_console.errors import UsageError

if TYPE_CHECKING:
    from sdt_console.sandbox.sandbox import Sandbox

# What would lead the SDK past the sandbox's own credentials.
_PERSONAL = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_ENDPOINT_URL_ECS",
)


@dataclass(frozen=True)
class Box:
    """A running sandbox and the repository to deploy from."""

    sandbox: Sandbox
    repository: Path


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
    catalog = engine(repo=repo).catalog
    before = dict(os.environ)
    with TemporaryDirectory(prefix="sdt-sandbox-") as folder:
        path = repo or generate(Path(folder, "backend"), catalog).path
        with Sandbox.start(
            catalog, port=port, speed=speed, scenarios=given().scenario, docker=docker
        ) as sandbox:
            for key in _PERSONAL:
                os.environ.pop(key, None)
            os.environ.update(sandbox.environ)
            try:
                yield Box(sandbox, path)
            finally:
                os.environ.clear()
                os.environ.update(before)


@command(
    "sandbox",
    short="An AWS account in a box.",
    example="sdt sandbox --port 4566\naws --endpoint-url http://127.0.0.1:4566 ecs list-clusters",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback (else a free one).")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    help="1 is life-like: minutes a deploy. Else about two seconds.",
)
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
    with opened(repo, port=port, speed=speed, docker=docker) as box:
        settings = dict(box.sandbox.environ)
        if given().json:
            document = {
                "version": 1,
                "endpoint": box.sandbox.endpoint,
                "environ": settings,
                "registry": box.sandbox.registry,
                "load_balancers": dict(box.sandbox.load_balancers),
                "repository": str(box.repository),
            }
            click.echo(json.dumps(document))
        else:
            click.echo("\n".join(f"export {key}={value}" for key, value in settings.items()))
            click.echo(f"# registry: {box.sandbox.registry}")
            for env, url in box.sandbox.load_balancers.items():
                click.echo(f"# load balancer of {env}: {url}")
            click.echo(f"# repository: {box.repository}")
            click.echo(f"# then, in another terminal: sdt --ci --env dev --repo {box.repository}")
        sys.stdout.flush()
        click.echo("running; ctrl-C stops it", err=True)
        _wait()


def _wait() -> None:
    """Until ctrl-C or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    stop.wait()
