"""A recorded run, played again with its pauses."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

from sdt_console.events import Event

SHOW_SECONDS = 15.0
"""How long a run takes to play if nobody says otherwise."""
_LONGEST_PAUSE = 30.0
"""In recorded seconds: a night between a crash and its resume is not waited for."""


class Playback:
    """Hands a run's events out, with the recorded pauses divided by ``speed``.

    :param events: one run's, in order.
    :param speed: 1 is as it happened; infinite is without a pause; ``None`` so that a long run takes about
        15 seconds and a short one its own time.
    :param clock: the time that passes here, seconds; ``sleep`` waits in it.
    """

    def __init__(
        self,
        events: Sequence[Event],
        *,
        speed: float | None,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._events = events
        self._clock = clock
        self._sleep = sleep
        gaps = [max(0.0, b.at - a.at) for a, b in pairwise(events)]
        if speed is None:
            gaps = [min(gap, _LONGEST_PAUSE) for gap in gaps]
            speed = max(1.0, sum(gaps) / SHOW_SECONDS)
        self.speed = speed
        self._gaps = gaps
        self._at = events[0].at if events else 0.0
        self._since = clock()
        self._gap = 0.0

    @property
    def seconds(self) -> float:
        """How long it takes to play."""
        return sum(self._gaps) / self.speed

    def now(self) -> float:
        """The recorded time that the playback has come to: between two events it goes on at its speed."""
        if not self._gap or math.isinf(self.speed):
            return self._at
        return self._at + min((self._clock() - self._since) * self.speed, self._gap)

    async def play(self, tell: Callable[[Event], None], first: int = 0) -> None:
        """Tell the events with the pauses between them.

        :param first: the number of the event to begin with.
        """
        due = self._clock()
        for index, event in enumerate(self._events[first:], first):
            self._at, self._gap = event.at, 0.0
            tell(event)
            if index >= len(self._gaps):
                return
            # against one beginning, so that what telling costs does not add up
            due += self._gaps[index] / self.speed
            self._since, self._gap = self._clock(), self._gaps[index]
            if due > self._since:
                await self._sleep(due - self._since)
