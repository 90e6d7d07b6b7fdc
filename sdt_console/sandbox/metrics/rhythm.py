"""What all metrics are made of: the day's rhythm, and chance that is the same in every run."""

from __future__ import annotations

import math
import zlib


def rhythm(number: int) -> float:
    """The day's rhythm at a minute (since the epoch): 0.1 at night, 1 in the afternoon (UTC)."""
    hour = number / 60 % 24
    return 0.55 - 0.45 * math.cos((hour - 3) / 24 * 2 * math.pi)


def noise(key: str, number: int) -> float:
    """Between 0 and 1; the same for the same key and minute in every run."""
    return zlib.crc32(f"{key}/{number}".encode()) / 2**32
