"""``python -m sdt_console`` and the command ``sdt``."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run ``sdt``; the version is told without loading the command line."""
    if sys.argv[1:] == ["--version"]:
        from sdt_console import __version__

        sys.stdout.write(f"sdt {__version__}\n")
        return
    # A command makes its objects once and keeps them. Looking through them for rubbish every 700 objects,
    # the default, takes a tenth of its time.
    gc.set_threshold(50_000, 20, 20)
    from sdt_console.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
