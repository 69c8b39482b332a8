"""Memory that was needed once goes back to the system: the allocator keeps what lies between pieces that are in use."""

import ctypes
import gc
import math
import os
from collections.abc import Callable
from pathlib import Path

from steersman.api.clock import Clock

INTERVAL = 0.25
# Less is not worth the milliseconds that it takes to look through the heap.
_WORTH, _SOME = 4 * 1024 * 1024, 1024 * 1024
_SHARE = 0.01
# In intervals: when it gives nothing for so long, what is there is in use.
_LONGEST = 64
_STATM = Path("/proc/self/statm")


def resident() -> int:
    """Bytes of memory that the process has."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def trimmer() -> Callable[[], None]:
    """What returns free pages; nothing where the C library has no such function."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return (lambda: None) if trim is None else (lambda: trim(0))


def collect() -> None:
    """Find circles that nobody knows."""
    gc.collect()


class _Sparing:
    """Does something unless it has taken more than its share of the thread's time; with much in memory it takes long."""

    def __init__(self, clock: Clock, act: Callable[[], None]) -> None:
        self._clock, self._act, self._rests = clock, act, 0.0

    def __call__(self) -> None:
        if self._clock.monotonic() < self._rests:
            return
        began = self._clock.worked()
        self._act()
        self._rests = self._clock.monotonic() + (self._clock.worked() - began) / _SHARE


async def keep_trimmed(
    clock: Clock,
    size: Callable[[], int] = resident,
    trim: Callable[[], None] | None = None,
    find: Callable[[], None] = collect,
    interval: float = INTERVAL,
) -> None:
    """Return free memory whenever the process has grown by much since the last time, until cancelled.

    What made it grow may be there still, as an answer that its client is slow to take: so it is tried again, after twice as long
    each time that it gives nothing. `find` lets go of more.
    """
    least, pause, again = size(), interval, math.inf
    finds, trims = _Sparing(clock, find), _Sparing(clock, trim or trimmer())
    while True:
        await clock.sleep(interval)
        now = size()
        if now > least + _WORTH:
            pause, again = interval, 0.0
        if clock.monotonic() >= again:
            finds()
            trims()
            least = size()
            pause = interval if now - least > _SOME else 2 * pause
            again = clock.monotonic() + pause if pause <= _LONGEST * interval else math.inf
        least = min(least, now)
