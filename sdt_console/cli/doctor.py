"""``sdt doctor``: is all in place?"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdt_console.cli.options import command, engine, given
from sdt_console.text import plural, visible

if TYPE_CHECKING:
    from sdt_console.model import Finding

_MARKS = {"ok": ("✔", "green"), "warning": ("▲", "yellow"), "error": ("✖", "red")}


@command(
    "doctor",
    short="Is all in place?",
    example="sdt doctor --env staging\nsdt doctor --json | jq -r '.findings[].next'",
)
@click.option(
    "--repo",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The backend's repository (else the one this folder is in).",
)
@click.option("--create-table", is_flag=True, help="First make the table that [store] in the catalog names.")
def doctor(repo: Path | None, create_table: bool) -> int:
    """All that a run rests on, looked at in one go: machine, catalog, account, services, secrets, rights.

    Only reads, but for --create-table, and never a secret's value. Exit code 0 if there is no error, 2 if
    the catalog or the repository is wrong, 3 for anything else; warnings alone are fine.
    """
    from sdt_console.cli.output import write_json
    from sdt_console.cli.sandbox import session
    from sdt_console.examining import create_table as make_table
    from sdt_console.examining import examine

    with session(repo) as folder:
        door = engine(repo=folder)
        if create_table:
            click.echo(make_table(door), err=True)
        found = asyncio.run(examine(door))
    if given().json:
        rows = [asdict(finding) for finding in found.findings]
        write_json({"version": 1, "environment": found.environment, "findings": rows})
    else:
        colour = sys.stdout.isatty() and not given().ci and "NO_COLOR" not in os.environ
        click.echo("\n".join(_lines(found.findings, colour)))
        click.echo(f"{found.environment or 'doctor'}: {_count(found.findings)}", err=True)
    return found.exit_code


def _lines(findings: Sequence[Finding], colour: bool) -> Iterator[str]:
    """A line for each finding, those about the same thing together; its cause and cure below it."""
    width = max((len(visible(finding.where)) for finding in findings), default=0)
    for where, group in groupby(findings, key=lambda finding: finding.where):
        shown = visible(where)
        for finding in group:
            mark, tint = _MARKS[finding.severity]
            mark = click.style(mark, fg=tint) if colour else mark
            yield f"{mark} {shown:{width}}  {visible(finding.what)}"
            indent = " " * (width + 4)
            if finding.cause:
                yield f"{indent}why:  {visible(finding.cause)}"
            if finding.next:
                yield f"{indent}next: {visible(finding.next)}"
            shown = ""


def _count(findings: Sequence[Finding]) -> str:
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    if not errors and not warnings:
        return "all is in place"
    return f"{plural(errors, 'error')}, {plural(warnings, 'warning')}"
