"""What happens when: timers in one queue, run in order by whoever moves the time on."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from .clock import Pace

Action = Callable[[], None]


class Timeline:
    """A queue of timers, driven by :meth:`advance`; a thread in real life, a test by hand.

    :param now: seconds since the epoch at the start.
    """

    def __init__(self, now: float, pace: Pace) -> None:
        self.now = now
        self.pace = pace
        self._queue: list[tuple[float, int, Action]] = []
        self._sequence = 0

    def after(self, life_like: float, action: Action) -> None:
        """Run ``action`` when ``life_like`` seconds, divided by the speed, have passed."""
        self.at(self.now + self.pace.seconds(life_like), action)

    def at(self, moment: float, action: Action) -> None:
        """Run ``action`` at ``moment`` on the clock; timers of one moment run in the order they were set."""
        self._sequence += 1
        heapq.heappush(self._queue, (moment, self._sequence, action))

    @property
    def next_due(self) -> float | None:
        """When the next timer is due, in seconds since the epoch; ``None`` if nothing is set."""
        return self._queue[0][0] if self._queue else None

    def advance(self, until: float) -> None:
        """Run every timer that is due at ``until``, each with :attr:`now` at its own moment."""
        while self._queue and self._queue[0][0] <= until:
            moment, _, action = heapq.heappop(self._queue)
            self.now = max(self.now, moment)
            action()
        self.now = max(self.now, until)
