"""Time as an argument: the real clock, and one that tests and simulations drive by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time.

    `time` and `now` may jump with the machine's clock; `monotonic` never goes back and is what deadlines are measured by.
    `worked` is for how long the calling thread has run. All values are seconds.
    """

    def time(self) -> float: ...

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def worked(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class RealClock:
    """The machine's clock."""

    # Read several times for every request: without a call of Python's.
    monotonic = staticmethod(time.monotonic)

    def time(self) -> float:
        return time.time()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def worked(self) -> float:
        return time.thread_time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FakeClock:
    """A clock that stands still until `advance` moves it.

    Sleepers wake in the order of their deadlines, and each one runs until it waits again before the next is woken, so a
    run is the same every time.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._time = start
        self._start = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def time(self) -> float:
        return self._time

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._time, UTC)

    def monotonic(self) -> float:
        return self._time - self._start

    def worked(self) -> float:
        return self._time - self._start

    @property
    def sleepers(self) -> int:
        """How many tasks sleep now."""
        return sum(not f.done() for _, _, f in self._sleepers)

    async def sleep(self, seconds: float) -> None:
        if self._time + seconds <= self._time:
            # Nothing to wait for, or less than the clock can tell apart.
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._time + seconds, next(self._order), woken))
        await woken

    async def advance(self, seconds: float, turns: int = 20) -> None:
        """Move time on by `seconds`, waking sleepers in order; `turns` event-loop turns are given to each one woken."""
        end = self._time + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            deadline, _, woken = heapq.heappop(self._sleepers)
            if woken.done():
                continue
            self._time = deadline
            woken.set_result(None)
            await _turns(turns)
        self._time = end
        await _turns(turns)


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
