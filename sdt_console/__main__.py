"""``python -m sdt_console`` and the command ``sdt``."""

from __future__ import annotations

from sdt_console.cli.main import main

if __name__ == "__main__":
    main()
