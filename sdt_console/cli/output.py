"""What goes to the terminal: JSON documents, error sentences, and a console for pictures."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from sdt_console.errors import SdtError
from sdt_console.text import visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_PIPED_WIDTH = 160


def write_json(document: Any) -> None:
    """One JSON document on stdout; ASCII only, so that nothing in it reaches a terminal as a command."""
    click.echo(json.dumps(document, indent=2))


def error_text(error: SdtError, *, colour: bool) -> str:
    """``error: what`` and, a line each, why, what it was read from, and what to do next."""
    label = click.style("error:", fg="red", bold=True) if colour else "error:"
    lines = [f"{label} {visible(error.what)}"]
    if error.cause:
        # A list of problems comes as a block of lines, a plain cause as one.
        block = error.cause.strip("\n").splitlines()
        if len(block) > 1 or error.cause.startswith("\n"):
            lines += [visible(line) for line in block]
        else:
            lines.append(f"  why:  {visible(error.cause)}")
    lines += [f"        {visible(line)}" for line in error.evidence]
    if error.next:
        lines.append(f"  next: {visible(error.next)}")
    return "\n".join(lines)


def show(picture: RenderableType) -> None:
    """A picture on stdout; into a pipe without the spaces that only a terminal's edge needs."""
    if sys.stdout.isatty():
        console().print(picture)
        return
    out = console()
    with out.capture() as captured:
        out.print(picture)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def console() -> Console:
    """For pictures on stdout: as wide as the terminal, or wide enough for a log when piped."""
    from rich.console import Console

    piped = not sys.stdout.isatty()
    columns = os.environ.get("COLUMNS", "")
    width = (int(columns) if columns.isdecimal() and int(columns) > 0 else _PIPED_WIDTH) if piped else None
    return Console(width=width, markup=False, highlight=False, emoji=False, soft_wrap=False)
