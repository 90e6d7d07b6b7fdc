"""One thing that is wrong, or worth knowing, about a catalog."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Problem:
    """A finding of ``sdt catalog check``.

    :param path: dotted key path, services by name: ``services.task-service.needs[0]``.
    :param value: the value found there; ``None`` if the key is missing or the finding is about the whole.
    :param message: what is wrong and what is allowed, one sentence without a full stop.
    :param severity: an ``error`` makes the catalog unusable, a ``remark`` does not.
    :param line: line in the catalog file, 1-based; ``None`` if it is not known.
    """

    path: str
    value: object
    message: str
    severity: Literal["error", "remark"] = "error"
    line: int | None = None

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {brief(self.value)}"
        return f"{self.path}{shown}: {self.message}"


def brief(value: object, limit: int = 80) -> str:
    """``value`` on one line as TOML-like text, control characters escaped, cut at ``limit`` characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
