"""``sdt demo``: the main job on the sandbox, nothing else needed."""

from __future__ import annotations

import click

from sdt_console.cli.ci import pipeline
from sdt_console.cli.options import command, given
from sdt_console.cli.running import DOCKER_HELP


@command("demo", short="The whole pipeline on a sandbox.", example="sdt demo")
@click.option(
    "--builder",
    type=click.Choice(["auto", "engine", "sandbox"]),
    default="auto",
    show_default=True,
    help="Who builds: a Docker Engine, or sdt itself.",
)
@click.option("--docker", is_flag=True, help=DOCKER_HELP)
def demo(builder: str, docker: bool) -> int:
    """The whole pipeline on an AWS account in a box: a real Git change is built, pushed, deployed, checked.

    Needs no AWS account and no Docker; about ten seconds.
    """
    given().sandbox = True
    return pipeline(repo=None, base=None, head=None, force_full_build=False, builder=builder, docker=docker)
