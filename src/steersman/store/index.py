"""Sorted keys with their items in memory: the store's current entries, and the watch cache's objects."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")

LAST = "\U0010ffff"
"""Greater than any key."""

CHUNK = 1000
"""Keys in a chunk when it was just split; it may grow to twice as many."""


def bounds(prefix: str) -> tuple[str, str]:
    """The half-open range of the keys under `prefix`. Raises ValueError for what is no folder."""
    if not prefix:
        return "", LAST
    if not prefix.endswith("/"):
        raise ValueError(f"prefix {prefix!r} does not end with '/'")
    return prefix, prefix[:-1] + chr(ord("/") + 1)


class KeyIndex(Generic[V]):
    """A dict that also lists ranges in the order of the keys.

    The keys are in chunks, each sorted and all greater than those of the chunk before, so that inserting
    one moves a thousand pointers and not all of them. Ranges are half open.
    """

    def __init__(self, items: dict[str, V] | None = None) -> None:
        self._items: dict[str, V] = items if items is not None else {}
        keys = sorted(self._items)
        self._chunks = [keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK)]
        self._firsts = [chunk[0] for chunk in self._chunks]

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def get(self, key: str) -> V | None:
        """The item at `key`."""
        return self._items.get(key)

    def put(self, key: str, item: V) -> None:
        """Adds or replaces."""
        if key not in self._items:
            self._insert(key)
        self._items[key] = item

    def remove(self, key: str) -> V:
        """Removes and returns the item; KeyError if there is none."""
        item = self._items.pop(key)
        number = bisect_right(self._firsts, key) - 1
        chunk = self._chunks[number]
        del chunk[bisect_left(chunk, key)]
        if chunk:
            self._firsts[number] = chunk[0]
        else:
            del self._chunks[number], self._firsts[number]
        return item

    def _insert(self, key: str) -> None:
        if not self._chunks:
            self._chunks.append([key])
            self._firsts.append(key)
            return
        number = max(bisect_right(self._firsts, key) - 1, 0)
        chunk = self._chunks[number]
        insort(chunk, key)
        self._firsts[number] = chunk[0]
        if len(chunk) > 2 * CHUNK:
            self._chunks.insert(number + 1, chunk[CHUNK:])
            self._firsts.insert(number + 1, chunk[CHUNK])
            del chunk[CHUNK:]

    def _spans(self, low: str, high: str, after: str) -> Iterator[tuple[list[str], int, int]]:
        """The parts of chunks that make up a range: chunk, start, end."""
        if after >= low:
            low = after + "\0"
        if low >= high:
            return
        for number in range(max(bisect_right(self._firsts, low) - 1, 0), len(self._chunks)):
            chunk = self._chunks[number]
            if chunk[0] >= high:
                return
            start = bisect_left(chunk, low) if chunk[0] < low else 0
            end = bisect_left(chunk, high) if chunk[-1] >= high else len(chunk)
            yield chunk, start, end

    def count(self, low: str, high: str, after: str = "") -> int:
        """How many keys are in the range and greater than `after`."""
        return sum(end - start for _, start, end in self._spans(low, high, after))

    def keys(self, low: str, high: str, after: str = "", limit: int = 0) -> list[str]:
        """The keys in the range that are greater than `after`, in order, at most `limit` (0: all)."""
        found: list[str] = []
        for chunk, start, end in self._spans(low, high, after):
            found += chunk[start:end]
            if limit and len(found) >= limit:
                return found[:limit]
        return found

    def items(self, low: str, high: str, after: str = "", limit: int = 0) -> list[V]:
        """The items of `keys`, in their order."""
        items = self._items
        return [items[key] for key in self.keys(low, high, after, limit)]
