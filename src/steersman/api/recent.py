"""What counts for a while is remembered for that long: answers of servers that are not asked again for each request."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from steersman.api.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, each for so many seconds, and no more than `size` of them.

    What nobody has asked for the longest goes first. Where clients choose the keys, a `Digest` keeps them short.
    """

    __slots__ = ("_clock", "_kept", "_size")

    def __init__(self, clock: Clock, size: int) -> None:
        self._clock = clock
        self._size = size
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """The value, as long as it counts."""
        found = self._kept.get(key)
        if found is None:
            return None
        if found[0] <= self._clock.monotonic():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return found[1]

    def forget(self, key: K) -> None:
        """It counts no more."""
        self._kept.pop(key, None)

    def put(self, key: K, value: V, seconds: float) -> None:
        """Remember a value; not at all for 0 seconds."""
        if seconds <= 0:
            return
        self._kept[key] = self._clock.monotonic() + seconds, value
        self._kept.move_to_end(key)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)


class Digest:
    """Short keys in the place of texts that clients choose: nothing can be read from them, and nobody can make two alike."""

    __slots__ = ("_secret",)

    def __init__(self) -> None:
        self._secret = os.urandom(32)

    def __call__(self, *parts: str | bytes) -> bytes:
        """32 bytes for these parts, in this order."""
        made = hashlib.blake2b(key=self._secret, digest_size=32)
        for part in parts:
            data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
            # With its length: ("a", "b") is not ("ab",).
            made.update(len(data).to_bytes(8, "big"))
            made.update(data)
        return made.digest()
