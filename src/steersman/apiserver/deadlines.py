"""Ends what must not last for ever: one loop closes watches whose time is up."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from functools import partial

from steersman.api.clock import Clock

# How late a deadline may be noticed; one wake-up a second costs nothing that can be measured.
TICK_SECONDS = 1.0
# So many that were called off may be remembered in any case.
_KEPT = 64


class _Entry:
    """What is due at a time; without a callback once it has been called off."""

    __slots__ = ("call", "due", "number")

    def __init__(self, due: float, number: int, call: Callable[[], None]) -> None:
        self.due = due
        self.number = number
        self.call: Callable[[], None] | None = call

    def __lt__(self, other: _Entry) -> bool:
        return (self.due, self.number) < (other.due, other.number)


class Deadlines:
    """Callbacks by the time at which they are due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[_Entry] = []
        self._order = itertools.count()
        self._called_off = 0

    def __len__(self) -> int:
        return len(self._due)

    def add(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back in so many seconds. What is returned calls it off; who does not use that must bear a late call."""
        entry = _Entry(self._clock.monotonic() + seconds, next(self._order), callback)
        heapq.heappush(self._due, entry)
        return partial(self._call_off, entry)

    def _call_off(self, entry: _Entry) -> None:
        if entry.call is None:
            return
        entry.call = None
        self._called_off += 1
        if self._called_off > max(_KEPT, len(self._due) // 2):
            # Most of it is only remembered: clients that watch and leave must not fill the memory for an hour.
            self._due = [e for e in self._due if e.call is not None]
            heapq.heapify(self._due)
            self._called_off = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(TICK_SECONDS)
            now = self._clock.monotonic()
            while self._due and self._due[0].due <= now:
                self._take(heapq.heappop(self._due))

    def _take(self, entry: _Entry) -> None:
        call, entry.call = entry.call, None
        if call is None:
            self._called_off -= 1
        else:
            call()
