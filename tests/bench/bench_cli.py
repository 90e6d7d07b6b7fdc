"""`sdt --version` against a bare click program: at most twice its time."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.measure import alternate, table, verdict

RUNS = 25
BARE = """\
import click
@click.command()
@click.version_option("1.0", prog_name="bare")
def main(): ...
main()
"""


def main() -> None:
    with TemporaryDirectory(prefix="sdt-bench-") as temporary:
        bare = Path(temporary, "bare.py")
        bare.write_text(BARE)
        figures = alternate(
            {
                "python -c pass": (sys.executable, "-c", "pass"),
                "a bare click program": (sys.executable, str(bare), "--version"),
                "sdt --version": (sys.executable, "-m", "sdt_console", "--version"),
                "sdt --help": (sys.executable, "-m", "sdt_console", "--help"),
            },
            RUNS,
        )
    table(figures)
    ours, click = figures["sdt --version"].median, figures["a bare click program"].median
    verdict({"sdt --version, ms, against 2 × a bare click program": (1000 * ours, 2000 * click)})


if __name__ == "__main__":
    main()
