"""A sandbox on a clock that the tests move by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from tests.sandbox.account import CATALOG, Account


@pytest.fixture
def account() -> Iterator[Account]:
    """One environment at life-like speed, everything up, the time standing still."""
    catalog = Catalog.model_validate(CATALOG)
    with Sandbox.start(catalog, clock=ManualClock(), speed=1, environments=["dev"]) as sandbox:
        yield Account(sandbox, catalog)
