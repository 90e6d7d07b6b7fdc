"""``sdt images``: what lies in the repositories, what runs of it, and what could not start again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import command, given, service_names
from sdt_console.cli.running import REPO, running

if TYPE_CHECKING:
    from sdt_console.model import Shelf, ShelfImage, Shelves


@command(
    "images",
    short="Images: what lies in ECR, and what runs of it.",
    example="sdt images --env dev\n"
    "sdt images user-service --limit 5\n"
    "sdt images --audit\n"
    "sdt images --json | jq -r '.services[] | select(.problems != []) | .name'",
    params=[REPO],
)
@click.argument("services", nargs=-1, shell_complete=service_names, metavar="[SERVICE…]")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Images of a service."
)
@click.option("--audit", is_flag=True, help="Hold each repository against the catalog's lifecycle policy.")
def images(services: tuple[str, ...], limit: int, audit: bool, repo: Path | None) -> None:
    """One line a service: the image that runs, and whether its tasks could start again.

    With SERVICE all its images, newest first; the one that runs is marked with a triangle. Findings are those
    of the image's scan, as critical/high/medium/low; a dash stands for an image that was not scanned.
    """
    import asyncio

    from sdt_console.cli.images_picture import overview, shelf_picture
    from sdt_console.cli.output import console, show, write_json
    from sdt_console.watching.images import look, policy

    with running(repo) as door:
        named = bool(services)
        found = asyncio.run(look(door, services, audit=audit, scans=limit if named else 0, everywhere=named))
        wanted = policy(door)
    if given().json:
        write_json(document(found, limit if named else None, wanted.document() if audit else None))
        return
    width = console().width
    if named:
        for shelf in found.shelves:
            show(shelf_picture(shelf, found, limit, width))
    else:
        show(overview(found, width))
    if audit and any(shelf.audit for shelf in found.shelves):
        import json

        text = json.dumps(wanted.document(), separators=(",", ":"))
        click.echo(f"the catalog's lifecycle policy: {text}", err=True)


def document(
    found: Shelves, limit: int | None = None, policy: dict[str, Any] | None = None
) -> dict[str, Any]:
    """``sdt images --json``: fields may be added, never changed.

    :param limit: how many images of each service; ``None`` leaves the lists out.
    """
    from dataclasses import asdict

    return {
        "version": 1,
        "environment": found.environment,
        "cluster": found.cluster,
        "at": found.at,
        "policy": policy,
        "notes": [asdict(note) for note in found.notes],
        "services": [_service(shelf, limit) for shelf in found.shelves],
    }


def _service(shelf: Shelf, limit: int | None) -> dict[str, Any]:
    from dataclasses import asdict

    current = shelf.current
    item = shelf.of(current.digest) if current else None
    return {
        "name": shelf.service,
        "repository": shelf.repository,
        "exists": bool(shelf.uri),
        "scan_on_push": shelf.scan_on_push,
        "tagged": sum(bool(i.image.tags) for i in shelf.images),
        "untagged": sum(not i.image.tags for i in shelf.images),
        "running": [asdict(running) for running in shelf.running],
        "image": _image(item) if item else None,
        "images": None if limit is None else [_image(i) for i in shelf.images[:limit]],
        "problems": [asdict(problem) for problem in shelf.problems],
        "audit": None if shelf.audit is None else [asdict(finding) for finding in shelf.audit],
    }


def _image(item: ShelfImage) -> dict[str, Any]:
    from dataclasses import asdict

    image = item.image
    return {
        "digest": image.digest,
        "tags": list(image.tags),
        "pushed_at": image.pushed_at,
        "size": image.size,
        "scan": asdict(image.scan) if image.scan.status else None,
        "commit": asdict(item.commit) if item.commit else None,
        "running": [asdict(running) for running in item.running],
    }
