"""``python -m sdt_console`` and the command ``sdt``."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run ``sdt``; the version is told without loading the command line."""
    if sys.argv[1:] == ["--version"]:
        from sdt_console import __version__

        try:
            print(f"sdt {__version__}", flush=True)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            print(f"error: cannot write the output: {error.strerror}", file=sys.stderr)
            sys.exit(3)
        return
    # A command makes its objects once and keeps them. Looking through them for rubbish every 700 objects,
    # the default, takes a tenth of its time.
    gc.set_threshold(50_000, 20, 20)
    from sdt_console.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
