"""What is remembered of tokens for a while, by a keyed digest: tokens themselves do not stay in memory."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, TypeVar

from steersman.api.clock import Clock

T = TypeVar("T")

_REMEMBERED = 4096


class Remembered(Generic[T]):
    """Answers by token and wanted audiences, for `seconds` each (0: none is remembered)."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._key = os.urandom(32)
        self._known: OrderedDict[bytes, tuple[float, T]] = OrderedDict()

    def get(self, token: str, wanted: Sequence[str]) -> T | None:
        found = self._known.get(self._digest(token, wanted))
        if found is None or found[0] <= self._clock.monotonic():
            return None
        return found[1]

    def put(self, token: str, wanted: Sequence[str], answer: T) -> None:
        if self._seconds <= 0:
            return
        key = self._digest(token, wanted)
        self._known[key] = self._clock.monotonic() + self._seconds, answer
        self._known.move_to_end(key)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _digest(self, token: str, wanted: Sequence[str]) -> bytes:
        text = "\0".join((token, *wanted)).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()
