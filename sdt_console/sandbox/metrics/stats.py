"""Minutes of a metric, and the statistics CloudWatch makes of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_PERCENTILE = re.compile(r"[pP](\d{1,2}(?:\.\d+)?|100)")
_TAIL = ((0, 0.2), (50, 0.8), (90, 1.9), (95, 2.6), (99, 4.5), (99.9, 7.0), (100, 9.0))
"""Percentile → multiple of the average, for durations: a long tail."""


@dataclass(frozen=True)
class Minute:
    """One minute of a metric.

    :param average: of the samples; for counts the sum.
    :param samples: how many there were.
    :param spread: half the width between minimum and maximum; for durations ignored.
    """

    average: float
    samples: float = 1.0
    spread: float = 0.0


def statistic(name: str, kind: str, minutes: Sequence[Minute]) -> float | None:
    """``name`` over some minutes.

    :param name: ``Average``, ``Sum``, ``Minimum``, ``Maximum``, ``SampleCount`` or a percentile (``p99``).
    :param kind: ``gauge``, ``count`` or ``duration``.
    :returns: ``None`` if there is no such statistic or no data.
    """
    if not minutes:
        return None
    samples = sum(minute.samples for minute in minutes)
    if name == "SampleCount":
        return samples
    if kind == "count":
        total = sum(minute.average for minute in minutes)
        return {"Sum": total, "Average": total / len(minutes)}.get(name, max(m.average for m in minutes))
    if samples == 0:
        return None
    mean = sum(minute.average * minute.samples for minute in minutes) / samples
    if name == "Average":
        return mean
    if name == "Sum":
        return mean * samples
    percentile = {"Minimum": 0.0, "Maximum": 100.0}.get(name)
    if percentile is None:
        found = _PERCENTILE.fullmatch(name)
        if found is None:
            return None
        percentile = float(found[1])
    if kind == "duration":
        return mean * _interpolate(percentile)
    spread = sum(minute.spread for minute in minutes) / len(minutes)
    low, high = (min(m.average for m in minutes) - spread, max(m.average for m in minutes) + spread)
    return max(0.0, low + (high - low) * percentile / 100)


def _interpolate(percentile: float) -> float:
    for (low, at_low), (high, at_high) in pairwise(_TAIL):
        if percentile <= high:
            return at_low + (at_high - at_low) * (percentile - low) / (high - low)
    return _TAIL[-1][1]
