"""Memory that was needed once goes back to the system: the allocator keeps what lies between pieces that are in use."""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

from steersman.api.clock import Clock

INTERVAL = 1.0
# Less is not worth the milliseconds that it takes to look through the heap.
_WORTH = 6 * 1024 * 1024
_STATM = Path("/proc/self/statm")


def resident() -> int:
    """Bytes of memory that the process has."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def trimmer() -> Callable[[], None]:
    """What returns free pages; nothing where the C library has no such function."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return (lambda: None) if trim is None else (lambda: trim(0))


async def keep_trimmed(
    clock: Clock, size: Callable[[], int] = resident, trim: Callable[[], None] | None = None, interval: float = INTERVAL
) -> None:
    """Return free pages whenever the process has grown by much since the last time, until cancelled."""
    least = size()
    while True:
        await clock.sleep(interval)
        now = size()
        if now > least + _WORTH:
            trim = trim or trimmer()
            trim()
            now = size()
            least = now
        least = min(least, now)
