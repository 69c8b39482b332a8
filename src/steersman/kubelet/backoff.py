"""Exponential back-off per key, as the kubelet keeps it for crashing containers and failing image pulls."""

from __future__ import annotations

from dataclasses import dataclass

INITIAL = 10.0
MAXIMUM = 300.0


@dataclass(slots=True)
class _Entry:
    delay: float
    last_update: float


class Backoff:
    """Delays in seconds that double with each failure up to a maximum, and are forgotten after twice the maximum of quiet.

    Times are the caller's monotonic seconds.
    """

    def __init__(self, initial: float = INITIAL, maximum: float = MAXIMUM) -> None:
        self._initial = initial
        self._maximum = maximum
        self._entries: dict[str, _Entry] = {}

    def next(self, key: str, now: float) -> None:
        """Count one more failure of `key`."""
        entry = self._entries.get(key)
        if entry is None or now - entry.last_update > 2 * self._maximum:
            self._entries[key] = _Entry(self._initial, now)
            return
        entry.delay = min(entry.delay * 2, self._maximum)
        entry.last_update = now

    def delay(self, key: str) -> float:
        """The present delay of `key`; 0 when it has not failed."""
        entry = self._entries.get(key)
        return entry.delay if entry else 0.0

    def remaining(self, key: str, since: float, now: float) -> float:
        """Seconds until `key`, whose last failure was at `since`, may be tried again."""
        entry = self._entries.get(key)
        if entry is None or now - entry.last_update > 2 * self._maximum:
            return 0.0
        return max(0.0, since + entry.delay - now)

    def forget(self, prefix: str) -> None:
        """Drop every key that starts with `prefix` (a pod's uid)."""
        for key in [k for k in self._entries if k.startswith(prefix)]:
            del self._entries[key]
