"""Ends what must not last for ever: one loop closes watches whose time is up."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from steersman.api.clock import Clock

# How late a deadline may be noticed; one wake-up a second costs nothing that can be measured.
TICK_SECONDS = 1.0


class Deadlines:
    """Callbacks by the time at which they are due. Callbacks must be idempotent: one that is no longer needed still runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def add(self, seconds: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self._clock.monotonic() + seconds, next(self._order), callback))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(TICK_SECONDS)
            now = self._clock.monotonic()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
