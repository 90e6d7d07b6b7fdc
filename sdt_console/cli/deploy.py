"""``sdt deploy``: one service, or a few, by name."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from sdt_console.cli.options import command, service_names
from sdt_console.cli.running import BUILDER, REPO, confirmed, report, running


@command(
    "deploy",
    short="Deploy a service by name.",
    example="sdt deploy user-service --env dev\nsdt deploy user-service --tag 3f2a91c\n"
    "sdt deploy redis --force          # restart",
    params=[REPO, BUILDER],
)
@click.argument("services", nargs=-1, required=True, shell_complete=service_names, metavar="SERVICE…")
@click.option("--tag", metavar="TAG", default="", help="Image tag (else the image pushed last).")
@click.option("--rebuild", is_flag=True, help="Build the image first, from --tag as a commit or HEAD.")
@click.option("--no-health-check", is_flag=True, help="Do not judge health after the rollout.")
@click.option("--allow-older", is_flag=True, help="Deploy an older image over a newer one.")
@click.option("--force", is_flag=True, help="Restart what runs this image already.")
def deploy(
    services: tuple[str, ...],
    repo: Path | None,
    builder: str,
    tag: str,
    rebuild: bool,
    no_health_check: bool,
    allow_older: bool,
    force: bool,
) -> int:
    """Deploy SERVICE with an image from the registry, follow it, judge it, roll it back if it fails."""
    from sdt_console.model import Request

    with running(repo, builder=builder) as door:
        request = Request(
            "deploy",
            services=tuple(dict.fromkeys(services)),
            tag=tag,
            rebuild=rebuild,
            health_check=not no_health_check,
            allow_older=allow_older,
            force=force,
        )
        confirmed(door, request.services)
        return report(door, partial(door.conduct, request))
