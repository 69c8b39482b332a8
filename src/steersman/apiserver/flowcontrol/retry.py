"""When those whose requests were refused are to come again: the longer, the more of them there are."""

from __future__ import annotations

from collections import deque

LONGEST = 32


class RetryAfter:
    """Counts one level's refusals by the second. The delay doubles while they are many, and falls by a second when few."""

    def __init__(self) -> None:
        self.seconds = 1
        self._history: deque[tuple[int, int]] = deque()
        self._second = self._count = 0
        self._raised = 0

    def note(self, time: float) -> int:
        """One more refusal; returns the delay to be told, in whole seconds."""
        now = int(time)
        if now == self._second:
            self._count += 1
            return self.seconds
        self._history.append((self._second, self._count))
        while now - self._history[0][0] > min(2 * self.seconds, LONGEST):
            self._history.popleft()
            if not self._history:
                break
        self._second, self._count = now, 1
        self._adjust(now)
        return self.seconds

    def _adjust(self, now: int) -> None:
        refused = sum(count for second, count in self._history if now - second <= self.seconds)
        if now - self._raised >= self.seconds and refused >= 3 * self.seconds:
            self.seconds = min(2 * self.seconds, LONGEST)
            self._raised = now
        elif refused < self.seconds and self.seconds > 1:
            self.seconds -= 1
