"""``sdt catalog check`` and ``sdt catalog schema``."""

from __future__ import annotations

from pathlib import Path

import click

from sdt_console.cli.options import add_global_options, command, engine, given
from sdt_console.text import plural, visible


@click.group(
    "catalog",
    epilog="\b\nExample:\n  sdt catalog check --repo ../backend",
    short_help="Check the catalog, or print its schema.",
    no_args_is_help=True,
)
def catalog() -> None:
    """Check the catalog, or print its JSON Schema."""


@command(
    "check", short="Every problem at once.", example="sdt catalog check\nsdt catalog check --repo ../backend"
)
@click.option(
    "--repo",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Also compare with this repository: folders and the Maven reactor.",
)
def check(repo: Path | None) -> int:
    """Every problem of the catalog at once: where, what, what is allowed.

    Exit code 2 if there is an error; remarks alone are fine.
    """
    from sdt_console.cli.output import write_json
    from sdt_console.drafting import problems_of
    from sdt_console.errors import UsageError

    door = engine(repo=repo)
    if repo is not None and not repo.is_dir():
        raise UsageError(f"no folder {repo}", next="name the repository with --repo DIR")
    problems = problems_of(door.catalog_file, repo)
    errors = [p for p in problems if p.severity == "error"]
    file = door.catalog_file
    if given().json:
        rows = [
            {"path": p.path, "value": p.value, "message": p.message, "severity": p.severity, "line": p.line}
            for p in problems
        ]
        write_json({"version": 1, "file": str(file), "ok": not errors, "problems": rows})
    else:
        for problem in problems:
            where = f"{file}:{problem.line}" if problem.line else f"{file}"
            click.echo(visible(f"{where}: {problem.severity}: {problem}"))
        remarks = len(problems) - len(errors)
        told = (
            f"{plural(len(errors), 'error')}, {plural(remarks, 'remark')}" if problems else "no problem found"
        )
        click.echo(f"{file}: {told}", err=True)
    return 2 if errors else 0


@command("schema", short="JSON Schema for editors.", example="sdt catalog schema > catalog.schema.json")
def schema() -> None:
    """The catalog's JSON Schema, for editors that complete and check TOML."""
    from sdt_console.cli.output import write_json
    from sdt_console.drafting import catalog_schema

    write_json(catalog_schema())


add_global_options(catalog)
catalog.add_command(check)
catalog.add_command(schema)
