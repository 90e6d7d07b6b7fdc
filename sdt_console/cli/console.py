"""``sdt`` without a command: the console."""

from __future__ import annotations

from pathlib import Path

from sdt_console.cli.running import running


def open_console(repo: Path | None = None, *, builder: str = "auto", docker: bool = False) -> int:
    """Open the console, on a sandbox of its own with ``--sandbox``; its exit code."""
    with running(repo, builder=builder, docker=docker) as door:
        _ = door.environment  # a catalog or an environment that is wrong is told in the terminal as it is
        from screens.app import Console

        console = Console(door)
        result = console.run()
        return console.return_code or result or 0
