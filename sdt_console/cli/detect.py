"""``sdt detect``: which services changed, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import command, engine, given
from sdt_console.text import clipped, decodable, plural, visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdt_console.model import Detection

_FILES_SHOWN = 3

RANGE = (
    click.Option(
        ["--repo"],
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="The repository that services are built from (else the one here).",
    ),
    click.Option(
        ["--base"],
        metavar="REV",
        help="Compare with this commit: a revision, 'auto' (first parent of a merge, else the merge base), "
        "or all zeros for a new branch. Else the first parent of the head.",
    ),
    click.Option(["--head"], metavar="REV", help="The commit to deploy (else HEAD)."),
    click.Option(["--force-full-build"], is_flag=True, help="Select every active service."),
)


@command(
    "detect",
    short="Which services changed, and why.",
    example="sdt detect --base origin/main --head HEAD\n"
    "sdt detect --json | jq -r '.services[] | select(.selected).name'",
    params=RANGE,
)
@click.option("--worktree", is_flag=True, help="Compare with the files on disk, committed or not.")
def detect(
    repo: Path | None, base: str | None, head: str | None, force_full_build: bool, worktree: bool
) -> None:
    """Which services changed between two commits, and the reason for each."""
    from sdt_console.cli.output import show, write_json

    if given().sandbox:
        raise click.UsageError("detect asks Git only: --sandbox has nothing to do here")
    found = engine(repo=repo).detect(base, head, worktree=worktree, force_full_build=force_full_build)
    if given().json:
        write_json(document(found))
        return
    show(picture(found))


def picture(found: Detection) -> RenderableType:
    """A line a service: built or skipped, and why; the first of its files below."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for _ in range(2):
        table.add_column(no_wrap=True)
    for selection in found.selections:
        style = "green" if selection.selected else "dim"
        files = ", ".join(clipped(visible(f), 60, end=True) for f in selection.files[:_FILES_SHOWN])
        more = len(selection.files) - _FILES_SHOWN
        table.add_row(
            Text("● build" if selection.selected else "○ skip", style=style),
            Text(selection.name, style=style),
            Text(
                selection.reason + (f"\n{files}{f' … and {more} more' if more > 0 else ''}" if files else ""),
                style="" if selection.selected else "dim",
                overflow="fold",
            ),
        )
    remarks = [Text(f"  {remark}", style="dim") for remark in found.remarks]
    return Group(Text(heading(found), style="bold"), *remarks, table)


def heading(found: Detection) -> str:
    base = found.base[:12] or "nothing"
    count = plural(len(found.selected), "service")
    return f"{base} → {found.head[:12]}: {count} of {len(found.selections)} to build"


def document(found: Detection) -> dict[str, Any]:
    """The JSON document of ``sdt detect --json``, version 1."""
    return {
        "version": 1,
        "base": found.base,
        "head": found.head,
        "remarks": list(found.remarks),
        "services": [
            {
                "name": s.name,
                "selected": s.selected,
                "reason": s.reason,
                "files": [decodable(f) for f in s.files],
            }
            for s in found.selections
        ],
    }
