"""What every service lived through, as far as its metrics show it."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field, replace

from sdt_console.sandbox.ecs.model import Task

MOMENTS_KEPT = 2_000


@dataclass(frozen=True)
class Moment:
    """How many tasks of a service were in which state from ``at`` (seconds since the epoch) on.

    :param crashes: how many have crashed up to then.
    """

    at: float
    running: int = 0
    starting: int = 0
    failing: int = 0
    crashes: int = 0
    started_at: float = 0.0


@dataclass
class _Track:
    moments: list[Moment] = field(default_factory=lambda: [Moment(0.0)])
    states: dict[str, str] = field(default_factory=dict)


class Story:
    """Fed with what tasks live through; asked for the state of a service at any time."""

    def __init__(self) -> None:
        self._tracks: dict[tuple[str, str], _Track] = {}

    def note(self, task: Task, what: str, now: float) -> None:
        """``what`` as the tasks' logs are told it: ``started``, ``ready``, ``crashed``, ``stopping``…"""
        if task.service is None:
            return
        track = self._tracks.setdefault((task.cluster.name, task.service.name), _Track())
        last = track.moments[-1]
        counts = {"running": last.running, "starting": last.starting, "failing": last.failing}
        before = track.states.pop(task.id, None)
        if before is not None:
            counts[before] -= 1
        state = {"started": "starting", "ready": "running"}.get(what)
        if state == "running" and task.faults & {"unhealthy", "breaker-rollback"}:
            state = "failing"
        if state is not None:
            counts[state] += 1
            track.states[task.id] = state
        crashed = what in ("crashed", "out-of-memory")
        track.moments.append(
            replace(
                last,
                at=now,
                crashes=last.crashes + crashed,
                started_at=now if what == "started" else last.started_at,
                **counts,
            )
        )
        if len(track.moments) > MOMENTS_KEPT:
            del track.moments[1 : MOMENTS_KEPT // 2]

    def services(self) -> list[tuple[str, str]]:
        """Cluster and service names of all that ever ran."""
        return list(self._tracks)

    def at(self, cluster: str, service: str, when: float) -> Moment:
        """The state of a service at ``when``; nothing runs in a service that is not known."""
        track = self._tracks.get((cluster, service))
        if track is None:
            return Moment(0.0)
        index = bisect.bisect_right(track.moments, when, key=lambda moment: moment.at)
        return track.moments[max(index - 1, 0)]

    def between(self, cluster: str, service: str, start: float, end: float) -> list[Moment]:
        """Every state of a service in a span of time, the one it began with first."""
        track = self._tracks.get((cluster, service))
        if track is None:
            return [Moment(0.0)]
        first = bisect.bisect_right(track.moments, start, key=lambda moment: moment.at)
        last = bisect.bisect_left(track.moments, end, key=lambda moment: moment.at)
        return track.moments[max(first - 1, 0) : max(last, first)]
