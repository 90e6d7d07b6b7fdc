"""Clients that nobody here wrote, as commands: the ``aws`` command, fabfuel's ``ecs`` and ``awslogs``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FOLDER = Path(f"{sys.prefix}-clients", "bin")


def program(name: str) -> str:
    """Path of the command; ``make test`` installs it beside the test environment.

    A test that needs it fails where it is missing: what no one ran proves nothing.
    """
    found = FOLDER / name
    if not found.exists():
        pytest.fail(f"{name} is not in {FOLDER}; `make test` puts it there", pytrace=False)
    return str(found)
