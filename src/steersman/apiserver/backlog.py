"""What waits in all watches together, in bytes: clients that do not read must not fill the memory, however many they are."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

MOST = 12 * 1024 * 1024
# How many bytes may come before it is looked how much waits.
_LOOK = 2 * 1024 * 1024


class Waiting(Protocol):
    """A watch."""

    @property
    def waiting(self) -> list[bytes]:
        """The lines that its client has not taken."""

    def overflow(self) -> None:
        """End it: its client is too slow."""


class Backlog:
    """`most` bytes at the most, of which each line counts once, for however many watches it is. When there are more, those end
    whose clients have taken nothing for the longest."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._new = 0
        self._waiting: dict[Waiting, None] = {}

    def begin(self, watch: Waiting) -> None:
        """A line waits for somebody who has taken all others."""
        self._waiting[watch] = None

    def end(self, watch: Waiting) -> None:
        """Nothing waits any more, or something has been taken."""
        self._waiting.pop(watch, None)

    def add(self, size: int) -> None:
        """A new line has been given to watches."""
        self._new += size
        if self._new > min(_LOOK, self._most):
            self._new = 0
            self._look()

    def _look(self) -> None:
        lines: Counter[int] = Counter()
        total = 0
        for watch in self._waiting:
            for line in watch.waiting:
                if id(line) not in lines:
                    total += len(line)
                lines[id(line)] += 1
        for watch in tuple(self._waiting):
            if total <= self._most:
                return
            for line in watch.waiting:
                lines[id(line)] -= 1
                if not lines[id(line)]:
                    total -= len(line)
            watch.overflow()
