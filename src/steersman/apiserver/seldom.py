"""For the log: what may happen any number of times a second is told now and then, with how often it has happened."""

from __future__ import annotations

from steersman.api.clock import Clock


class Seldom:
    """Lets one line through in so many seconds."""

    def __init__(self, clock: Clock, seconds: float = 1.0) -> None:
        self._clock, self._seconds = clock, seconds
        self._next, self._untold = -1.0, 0

    def count(self, events: int = 1) -> int:
        """How many events are to be told of now, these and those untold before; 0 when it is too early."""
        self._untold += events
        now = self._clock.monotonic()
        if now < self._next:
            return 0
        self._next = now + self._seconds
        told, self._untold = self._untold, 0
        return told
