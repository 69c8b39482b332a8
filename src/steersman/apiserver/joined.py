"""The items of lists that clients ask for again and again: joined once, for as long as none of the objects changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from steersman.apiserver.cached import Cached, join_bodies

LIMIT = 8 * 1024 * 1024
SHORTEST = 16
"""Items of a list that is worth remembering."""
_ENTRIES = 64

_Key = tuple[str, int]


class _Known(NamedTuple):
    items: list[Cached]
    """Empty when the list was asked for once only: then it keeps none of the objects."""
    joined: bytes
    mark: int
    """Of the objects; others may have the same, and are then remembered a little too soon."""

    @property
    def size(self) -> int:
        # The objects are kept, too: they may have changed since.
        return 2 * len(self.joined)


class Joined:
    """`limit` bytes of joined lists and their objects at the most. A list is known by its objects, in whatever way it was selected."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._size = 0
        self._known: dict[_Key, _Known] = {}

    def find(self, items: list[Cached]) -> bytes:
        """What is remembered of the list, if anything is."""
        known = self._known.get((items[0].key, len(items))) if len(items) >= SHORTEST else None
        return known.joined if known is not None and known.joined and known.items == items else b""

    def items(self, items: list[Cached], join: Callable[[list[Cached]], bytes] = join_bodies) -> bytes:
        """What stands between the brackets of the list."""
        if len(items) < SHORTEST:
            return join(items)
        key = items[0].key, len(items)
        known = self._known.get(key)
        # Versions of objects never change, so that the same ones have the same bytes; compared by identity.
        if known is not None and known.joined and known.items == items:
            return known.joined
        joined, mark = join(items), hash(tuple(map(id, items)))
        self._forget(key)
        if 2 * len(joined) <= self._limit:
            again = known is not None and known.mark == mark
            found = self._known[key] = _Known(items, joined, mark) if again else _Known([], b"", mark)
            self._size += found.size
            while self._size > self._limit or len(self._known) > _ENTRIES:
                self._forget(next(iter(self._known)))
        return joined

    def _forget(self, key: _Key) -> None:
        known = self._known.pop(key, None)
        if known is not None:
            self._size -= known.size
