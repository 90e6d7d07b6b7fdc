"""``sdt build``: images, built and pushed; nothing is deployed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from sdt_console.cli.options import command, service_names
from sdt_console.cli.running import BUILDER, REPO, confirmed, report, running


@command(
    "build",
    short="Build and push images.",
    example="sdt build user-service\nsdt build --no-push",
    params=[REPO, BUILDER],
)
@click.argument("services", nargs=-1, shell_complete=service_names, metavar="[SERVICE…]")
@click.option("--head", metavar="REV", default="", help="Commit to build (else HEAD).")
@click.option("--rebuild", is_flag=True, help="Build although the commit's image is in the registry.")
@click.option("--no-push", is_flag=True, help="Leave the images in the builder.")
def build(
    services: tuple[str, ...], repo: Path | None, builder: str, head: str, rebuild: bool, no_push: bool
) -> int:
    """Build SERVICE, or all active services, from a commit, and push the images under its tag.

    A run finds them there and builds nothing: so a matrix of jobs can build what one job deploys.
    """
    from sdt_console.model import Request

    with running(repo, builder=builder) as door:
        names = tuple(dict.fromkeys(services)) or tuple(door.names("active"))
        request = Request("build", head=head, services=names, rebuild=rebuild, push=not no_push)
        confirmed(door, names if request.push else ())
        return report(door, partial(door.conduct, request))
