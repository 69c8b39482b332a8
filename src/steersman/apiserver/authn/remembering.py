"""What is remembered of tokens for a while, by a keyed digest: tokens themselves do not stay in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from steersman.api.clock import Clock
from steersman.api.recent import Digest, Recent

T = TypeVar("T")

_REMEMBERED = 4096


class Remembered(Generic[T]):
    """Answers by token and wanted audiences, for `seconds` each (0: none is remembered)."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._seconds = seconds
        self._known: Recent[bytes, T] = Recent(clock, _REMEMBERED)
        self.key = Digest()
        """What stands for a token and audiences (`key(token, *wanted)`)."""

    def get(self, token: str, wanted: Sequence[str]) -> T | None:
        return self._known.get(self.key(token, *wanted))

    def put(self, token: str, wanted: Sequence[str], answer: T) -> None:
        if self._seconds > 0:
            self._known.put(self.key(token, *wanted), answer, self._seconds)
