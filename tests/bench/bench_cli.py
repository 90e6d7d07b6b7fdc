"""`sdt --version` against a bare click program: at most twice its time; nothing to do: a second more."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sdt_console.sandbox.repository import generate
from tests.bench.measure import alternate, table, verdict
from tests.catalogs import OURS, ours

RUNS = 25
NOTHING = ("--ci", "--env", "dev", "--base", "HEAD", "--head", "HEAD", "--catalog", str(OURS))
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
        backend = generate(Path(temporary, "backend"), ours())
        os.environ["SDT_STATE"] = str(Path(temporary, "state"))
        sdt = (sys.executable, "-m", "sdt_console")
        figures = alternate(
            {
                "python -c pass": (sys.executable, "-c", "pass"),
                "a bare click program": (sys.executable, str(bare), "--version"),
                "sdt --version": (*sdt, "--version"),
                "sdt --help": (*sdt, "--help"),
                "sdt --ci, nothing changed": (*sdt, *NOTHING, "--repo", str(backend.path)),
            },
            RUNS,
        )
    table(figures)
    version, click = figures["sdt --version"].median, figures["a bare click program"].median
    nothing = figures["sdt --ci, nothing changed"].median - version
    verdict(
        {
            "sdt --version, ms, against 2 × a bare click program": (1000 * version, 2000 * click),
            "a run that finds nothing changed, ms after start, against a second": (1000 * nothing, 1000.0),
        }
    )


if __name__ == "__main__":
    main()
