"""Memory: the garbage collector out of the way while much is built, and nothing kept that nobody asks for."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.base_backend import BackendDict
from moto.core.common_models import BaseModel
from moto.core.model_instances import reset_model_data


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


def fresh_account() -> None:
    """Forget what moto knows, and let it keep no list of all that it ever made.

    moto's own web page shows that list; a sandbox that writes logs for days would grow without bound by it.
    """
    BackendDict.reset()
    reset_model_data()
    BaseModel.__new__ = _untracked  # type: ignore[method-assign]


def _untracked(cls: type[Any], *_: Any, **__: Any) -> Any:
    return object.__new__(cls)
