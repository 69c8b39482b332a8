"""How many seats a priority level could use: averages over time, from which lending and borrowing are worked out."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Of the smoothed demand, what is left after one period; half of it is gone after five minutes of periods of ten seconds.
_SMOOTHING = 0.977


class Demand:
    """Integrates a number over time. `set` is called at every change, and must cost next to nothing."""

    __slots__ = ("_area", "_began", "_peak", "_since", "_squares", "value")

    def __init__(self, now: float) -> None:
        self.value = 0
        self._began = self._since = now
        self._area = self._squares = 0.0
        self._peak = 0

    def set(self, value: int, now: float) -> None:
        """The number is `value` from now on."""
        area = (now - self._since) * self.value
        self._area += area
        self._squares += area * self.value
        self._since = now
        self.value = value
        if value > self._peak:
            self._peak = value

    def take(self, now: float) -> Observed:
        """What was seen since the last time, and begin anew."""
        self.set(self.value, now)
        seconds = now - self._began
        average = self._area / seconds if seconds > 0 else 0.0
        variance = self._squares / seconds - average * average if seconds > 0 else 0.0
        found = Observed(seconds, average, math.sqrt(max(variance, 0.0)), self._peak)
        self._began, self._area, self._squares, self._peak = now, 0.0, 0.0, self.value
        return found


@dataclass(frozen=True, slots=True)
class Observed:
    """A number over some seconds: its average, its standard deviation and its highest value."""

    seconds: float
    average: float
    deviation: float
    peak: int


@dataclass(slots=True)
class Statistics:
    """What is known of a level's demand. `smoothed` follows rises at once and falls slowly."""

    average: float = 0.0
    deviation: float = 0.0
    peak: int = 0
    smoothed: float = 0.0

    def update(self, seen: Observed) -> None:
        self.peak = seen.peak
        if seen.seconds <= 0:
            return
        self.average, self.deviation = seen.average, seen.deviation
        envelope = seen.average + seen.deviation
        self.smoothed = max(envelope, _SMOOTHING * self.smoothed + (1 - _SMOOTHING) * envelope)
