"""The thread that moves the sandbox's time on."""

from __future__ import annotations

import logging
import threading

from .clock import Clock
from .timeline import Timeline

_logger = logging.getLogger(__name__)


class Heartbeat:
    """Runs a timeline's timers when they are due.

    :param lock: held while timers run; the one that API calls hold.
    """

    def __init__(self, timeline: Timeline, clock: Clock, lock: threading.RLock) -> None:
        self._timeline = timeline
        self._clock = clock
        self._wake = threading.Condition(lock)
        self._stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="sandbox-heartbeat", daemon=True)
        self._thread.start()

    def catch_up(self) -> None:
        """Bring the timeline to now, and let the thread see timers that were set; the lock must be held."""
        self._timeline.advance(self._clock.now())
        self._wake.notify_all()

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self) -> None:
        with self._wake:
            while not self._stopped:
                try:
                    self._timeline.advance(self._clock.now())
                except Exception:
                    # One broken timer must not stop the time for everyone; it is off the queue already.
                    _logger.exception("a timer failed")
                due = self._timeline.next_due
                self._wake.wait(None if due is None else max(due - self._clock.now(), 0.001))
