"""Metrics of all services at once: what is asked, and what the answers mean.

A period without data is a gap, never zero, but for counts that AWS does not publish while they are zero:
those are zero where the same target group (or load balancer) has published something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sdt_console.model import Ground, MetricPoints, MetricQuery, MetricSheet, Series
from sdt_console.watch.measures import ALB, Line, lines
from sdt_console.watch.metric_ports import MetricReader

_PERIODS = (60, 300, 900, 3600, 6 * 3600, 86400)
_FINEST = 300
"""Points of a series at most, as long as a coarser period is left."""
LONGEST_S = 455 * 86400
"""CloudWatch forgets everything after that."""


@dataclass(frozen=True)
class Window:
    """A span of whole periods, in seconds since the epoch; ``end`` is excluded."""

    start: float
    end: float
    period: int

    @property
    def times(self) -> tuple[float, ...]:
        return tuple(
            self.start + i * self.period for i in range(round((self.end - self.start) / self.period))
        )


def window(now: float, span: float) -> Window:
    """The last ``span`` seconds, in periods as short as CloudWatch still keeps and a picture can show.

    Minutes are kept for 15 days, five minutes for 63 days, hours for 455; aligned, as only then every
    period of the answer is whole. What has not ended yet is left out.
    """
    span = min(max(span, 60.0), LONGEST_S)
    period = next((p for p in _PERIODS if span / p <= _FINEST), _PERIODS[-1])
    end = now // period * period
    return Window(end - max(1, round(span / period)) * period, end, period)


async def read(
    reader: MetricReader, ground: Ground, now: float, span: float, names: Sequence[str] | None = None
) -> MetricSheet:
    """The metrics of the last ``span`` seconds, of all services in one batch.

    :param names: of the services wanted; ``None`` for all of them and for what they stand on.
    :raises CloudError: AWS refused.
    """
    when = window(now, span)
    wanted = lines(ground, None if names is None else frozenset(names))
    asked = queries(wanted, when.period)
    answers = await reader.data(asked, when.start, when.end)
    return MetricSheet(
        environment=ground.environment,
        at=now,
        start=when.start,
        end=when.end,
        period=when.period,
        series=tuple(series(wanted, answers, when)),
        asked=len(set(asked)),
        notes=(*ground.notes, *_notes(ground)),
    )


def queries(wanted: Sequence[Line], period: int) -> list[MetricQuery]:
    """What to ask for ``wanted``, in its order."""
    return [
        MetricQuery(
            line.measure.namespace, line.measure.metric, line.dimensions, line.measure.statistic, period
        )
        for line in wanted
    ]


def series(wanted: Sequence[Line], answers: Sequence[MetricPoints], when: Window) -> list[Series]:
    """The figures of ``wanted``, made of an answer for each."""
    published = _published(wanted, answers)
    return [
        _series(line, answer, when, published.get(line.group, frozenset()))
        for line, answer in zip(wanted, answers, strict=True)
    ]


def _published(wanted: Sequence[Line], answers: Sequence[MetricPoints]) -> Mapping[str, frozenset[float]]:
    """For each target group and load balancer the periods in which it has published anything at all."""
    found: dict[str, set[float]] = {}
    for line, answer in zip(wanted, answers, strict=True):
        if line.measure.namespace == ALB:
            found.setdefault(line.group, set()).update(answer.points)
            found.setdefault(dict(line.dimensions)["LoadBalancer"], set()).update(answer.points)
    return {name: frozenset(times) for name, times in found.items()}


def _series(line: Line, answer: MetricPoints, when: Window, published: frozenset[float]) -> Series:
    measure, points = line.measure, answer.points
    factor = measure.per / when.period if measure.per else 1.0
    values: list[float | None] = []
    for time in when.times:
        value = points.get(time)
        if value is None and measure.counted and time in published:
            value = 0.0
        values.append(None if value is None else value * factor)
    note = answer.note or ("" if any(v is not None for v in values) else "no data")
    return Series(
        name=measure.name,
        service=line.service,
        unit=measure.unit,
        times=when.times,
        values=tuple(values),
        resource=line.resource,
        note=note,
    )


def _notes(ground: Ground) -> list[str]:
    if ground.insights is False:
        return [f"no network figures: {ground.cluster} has no Container Insights"]
    return []
