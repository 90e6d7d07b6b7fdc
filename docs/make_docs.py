"""``make docs``: what the documentation shows, made anew from the program itself so that it stays true.

Writes ``catalog.schema.json`` and, from real runs in a pseudo-terminal, the pictures beside it.
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parent
ROOT = DOCS.parent
WIDTH = 108


def in_terminal(*arguments: str) -> str:
    """What ``sdt`` shows in a terminal of ``WIDTH`` columns, with its colours."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (50, WIDTH))
    with tempfile.TemporaryDirectory() as state:
        process = subprocess.Popen(
            [sys.executable, "-m", "sdt_console", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env={**os.environ, "SDT_STATE": state, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        os.close(slave)
        shown = b""
        while chunk := _read(master):
            shown += chunk
        if process.wait() != 0:
            sys.exit(f"sdt {' '.join(arguments)} ended with {process.returncode}:\n{shown.decode()}")
    os.close(master)
    return shown.decode()


def _read(file: int) -> bytes:
    try:
        return os.read(file, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""


def settled(shown: str) -> str:
    """What is left on the screen when a live picture has come and gone."""
    lines, row = [""], 0
    for part in re.split(r"(\r\n|\r|\n|\x1b\[1A|\x1b\[2K|\x1b\[\?25[hl])", shown):
        if part in ("\r\n", "\n"):
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part != "\r" and not part.startswith("\x1b[?25"):
            lines[row] += part
    return "\n".join(lines)


def picture(title: str, shown: str) -> str:
    """An SVG of a terminal's text; it refers to nothing outside itself."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(settled(shown).strip("\n")))
    svg = console.export_svg(title=title)
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL)
    svg = re.sub(r"@font-face \{.*?\}\n", "", svg, flags=re.DOTALL)
    return re.sub(r"terminal-\d+", "terminal", svg)


def examples(backend: Path) -> dict[str, str]:
    """Name → a command line and what it prints, for the README; all but ``failure`` the same every time."""
    broken = backend.parent / "catalog.toml"
    text = (ROOT / "catalog.toml").read_text()
    text = text.replace(
        'build_after = ["user-service"]', 'build_after = ["user-servce"]\nneeds = ["confg-server"]'
    )
    broken.write_text(
        text.replace("port = 8096", "prot = 8096").replace('group = "support"', 'group = "suport"', 1)
    )
    ours = {"SDT_CATALOG": str(ROOT / "catalog.toml")}
    return {
        "detect": printed("sdt detect --base HEAD~4", backend, ours),
        "plan": printed("sdt plan --base HEAD~4 --offline", backend, ours),
        "check": printed("sdt catalog check --catalog catalog.toml", broken.parent, {}),
        "failure": printed(
            "sdt --ci --sandbox --builder sandbox --scenario image-missing:task-service", ROOT, {}
        ),
    }


def printed(line: str, folder: Path, environment: dict[str, str]) -> str:
    """``$ line`` and its standard output, as a pipe gets it."""
    with tempfile.TemporaryDirectory() as state:
        done = subprocess.run(
            [sys.executable, "-m", "sdt_console", *line.split()[1:]],
            cwd=folder,
            env={**os.environ, "SDT_STATE": state, "COLUMNS": "130", **environment},
            capture_output=True,
            text=True,
            check=False,
        )
    return f"$ {line}\n{done.stdout.strip()}"


def filled(readme: str, made: dict[str, str]) -> str:
    """``readme`` with each marked block holding what its command prints."""

    def block(match: re.Match[str]) -> str:
        return f"{match[1]}```console\n{made[match[2]]}\n```" if match[2] in made else match[0]

    return re.sub(
        r"(<!-- made by `make docs`: (\w+) -->\n)```console\n.*?```", block, readme, flags=re.DOTALL
    )


def main() -> None:
    from sdt_console.catalog.load import load
    from sdt_console.sandbox.repository import generate

    schema = subprocess.run(
        [sys.executable, "-m", "sdt_console", "catalog", "schema"], check=True, capture_output=True, text=True
    )
    (DOCS / "catalog.schema.json").write_text(schema.stdout)
    shown = in_terminal("demo", "--builder", "sandbox")
    (DOCS / "demo.svg").write_text(picture("sdt demo", shown))
    with tempfile.TemporaryDirectory() as folder:
        backend = generate(Path(folder, "backend"), load(ROOT / "catalog.toml")).path
        plan = in_terminal("plan", "--offline", "--base", "HEAD~4", "--repo", str(backend))
        (DOCS / "plan.svg").write_text(picture("sdt plan", plan))
        readme = ROOT / "README.md"
        readme.write_text(filled(readme.read_text(), examples(backend)))


if __name__ == "__main__":
    main()
