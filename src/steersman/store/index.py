"""Sorted keys with their items in memory: the store's current entries, and the watch cache's objects."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import Generic, TypeVar

V = TypeVar("V")

LAST = "\U0010ffff"
"""Greater than any key."""


def bounds(prefix: str) -> tuple[str, str]:
    """The half-open range of the keys under `prefix`. Raises ValueError for what is no folder."""
    if not prefix:
        return "", LAST
    if not prefix.endswith("/"):
        raise ValueError(f"prefix {prefix!r} does not end with '/'")
    return prefix, prefix[:-1] + chr(ord("/") + 1)


class KeyIndex(Generic[V]):
    """A dict that also lists ranges in the order of the keys.

    One sorted list serves every prefix; inserting into it moves pointers, which at 150,000 keys costs
    about as much as making the object that is inserted.
    """

    def __init__(self, items: dict[str, V] | None = None) -> None:
        self._items: dict[str, V] = items if items is not None else {}
        self._keys: list[str] = sorted(self._items)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def get(self, key: str) -> V | None:
        """The item at `key`."""
        return self._items.get(key)

    def put(self, key: str, item: V) -> None:
        """Adds or replaces."""
        if key not in self._items:
            keys = self._keys
            if not keys or keys[-1] < key:
                keys.append(key)
            else:
                insort(keys, key)
        self._items[key] = item

    def remove(self, key: str) -> V:
        """Removes and returns the item; KeyError if there is none."""
        item = self._items.pop(key)
        del self._keys[bisect_left(self._keys, key)]
        return item

    def span(self, low: str, high: str, after: str = "") -> tuple[int, int]:
        """Positions of the keys in [low, high) that are greater than `after`."""
        start = bisect_right(self._keys, after) if after >= low else bisect_left(self._keys, low)
        return start, max(start, bisect_left(self._keys, high))

    def keys(self, start: int, end: int) -> list[str]:
        """The keys at these positions."""
        return self._keys[start:end]

    def items(self, start: int, end: int) -> list[V]:
        """The items at these positions, in the order of their keys."""
        items = self._items
        return [items[key] for key in self._keys[start:end]]
