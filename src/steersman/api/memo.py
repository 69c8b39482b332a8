"""Remembers what has been worked out for a value, by the bytes that stand for it: most pods repeat the spec of a template."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sized
from functools import lru_cache, wraps
from typing import Generic, TypeVar

V = TypeVar("V")
K = TypeVar("K", bound=Sized)

ENTRIES = 512
LARGEST = 16 * 1024
"""Bytes of a value that is worth remembering; what is larger is not likely to come again."""


class Memo(Generic[V]):
    """Bounded in number and size; forgets what it has known the longest. Values are shared and must not be changed."""

    __slots__ = ("_entries", "_known", "_largest")

    def __init__(self, entries: int = ENTRIES, largest: int = LARGEST) -> None:
        self._known: dict[tuple[Hashable, bytes], V] = {}
        self._entries = entries
        self._largest = largest

    def get(self, about: Hashable, data: bytes) -> V | None:
        """What was remembered for these bytes; `about` keeps apart what may have the same bytes."""
        return self._known.get((about, data))

    def put(self, about: Hashable, data: bytes, value: V) -> None:
        if len(data) > self._largest:
            return
        if len(self._known) >= self._entries:
            del self._known[next(iter(self._known))]
        self._known[about, data] = value


def short(entries: int, longest: int = 256) -> Callable[[Callable[[K], V]], Callable[[K], V]]:
    """Remembers what a function makes of so many texts (or bytes), as long as they are not long.

    Clients choose the texts: what is remembered of them must be bounded in size, not only in number.
    """

    def decorate(function: Callable[[K], V]) -> Callable[[K], V]:
        known = lru_cache(maxsize=entries)(function)

        @wraps(function)
        def call(text: K) -> V:
            return known(text) if len(text) <= longest else function(text)  # type: ignore[arg-type]

        return call

    return decorate
