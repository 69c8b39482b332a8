"""Memory that was needed once goes back to the system: the allocator keeps what lies between pieces that are in use."""

import ctypes
import gc
import math
import os
from collections.abc import Callable
from pathlib import Path

from steersman.api.clock import Clock

INTERVAL = 0.5
# Less is not worth the milliseconds that it takes to look through the heap.
_WORTH, _SOME = 6 * 1024 * 1024, 1024 * 1024
# So much of the time may pass with looking for circles of objects: with many objects it takes long.
_SHARE = 0.01
# In intervals: when it gives nothing for so long, what is there is in use.
_LONGEST = 64
_STATM = Path("/proc/self/statm")


def resident() -> int:
    """Bytes of memory that the process has."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def trimmer() -> Callable[[], None]:
    """What finds circles that nobody knows, and returns free pages where the C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)

    def collect_and_trim() -> None:
        gc.collect()
        if trim is not None:
            trim(0)

    return collect_and_trim


async def keep_trimmed(
    clock: Clock, size: Callable[[], int] = resident, trim: Callable[[], None] | None = None, interval: float = INTERVAL
) -> None:
    """Return free memory whenever the process has grown by much since the last time, until cancelled.

    What made it grow may be there still, as an answer that its client is slow to take: so it is tried again, after twice as long
    each time that it gives nothing.
    """
    least, rested, pause, again = size(), 0.0, interval, math.inf
    while True:
        await clock.sleep(interval)
        now, began = size(), clock.monotonic()
        if now > least + _WORTH:
            pause, again = interval, began
        if began >= max(again, rested):
            trim = trim or trimmer()
            trim()
            least, ended = size(), clock.monotonic()
            rested = ended + (ended - began) / _SHARE
            pause = interval if now - least > _SOME else 2 * pause
            again = ended + pause if pause <= _LONGEST * interval else math.inf
        least = min(least, now)
