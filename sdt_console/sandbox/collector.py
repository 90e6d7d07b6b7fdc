"""Python's garbage collector, out of the way while much is built that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Hold the collector back.

    moto reads megabytes of JSON for EC2, and the collector would walk over all of it again and again:
    half of the time that a sandbox takes to start.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
