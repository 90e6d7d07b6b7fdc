"""``sdt init``: write a catalog for a repository, a live cluster, or both."""

from __future__ import annotations

from pathlib import Path

import click

from sdt_console.cli.options import command, given, settings
from sdt_console.text import plural, visible


@command(
    "init",
    short="Write a catalog.",
    example="sdt init --repo ../backend\nsdt init --repo ../backend --cluster shop-dev-cluster",
)
@click.option("--repo", metavar="DIR", type=click.Path(path_type=Path), help="Read this repository.")
@click.option("--cluster", metavar="NAME", help="Read this ECS cluster; with --repo, both are compared.")
@click.option("--dry-run", is_flag=True, help="Print the catalog; write nothing.")
def init(repo: Path | None, cluster: str | None, dry_run: bool) -> None:
    """Write catalog.toml from what a repository holds, from what a cluster runs, or both.

    It goes to --catalog FILE, else into the repository, else here; what is there is never overwritten.
    Whatever is guessed says so in a comment.
    """
    import asyncio

    from sdt_console.cli.output import write_json
    from sdt_console.drafting import draft_catalog, render, save

    if repo is None and cluster is None:
        repo = Path.cwd()
    named = given().catalog
    target = Path(named) if named else (repo or Path.cwd()) / "catalog.toml"
    if given().sandbox:
        raise click.UsageError(
            "init reads what is real; for the sandbox's cluster use `sdt sandbox` and --cluster"
        )
    made = asyncio.run(draft_catalog(settings(), repo, cluster))
    if dry_run:
        click.echo(render(made), nl=False)
    else:
        save(made, target)
    found = {
        "services": [s.name for s in made.services],
        "shared": [s.name for s in made.shared],
        "data": [d.name for d in made.data],
    }
    if given().json and not dry_run:
        write_json({"version": 1, "file": str(target), **found, "remarks": list(made.remarks)})
        return
    counts = ", ".join(
        plural(len(names), noun)
        for names, noun in zip(found.values(), ("service", "shared module", "data service"), strict=True)
    )
    for remark in made.remarks:
        click.echo(f"note: {visible(remark)}", err=True)
    if not dry_run:
        click.echo(f"{visible(str(target))} written: {counts}")
        click.echo(f"next: read it, then sdt catalog check --catalog {visible(str(target))}", err=True)
