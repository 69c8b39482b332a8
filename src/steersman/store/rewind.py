"""A listing at an old revision: what is current, with the changes since then undone."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from msgspec import Struct

from steersman.store.index import KeyIndex
from steersman.store.protocol import Entry, Event


class Page(Struct):
    """Entries in the order of their keys, and how many follow.

    An entry that has changed since is given by the revision that it had, to be read from the journal.
    """

    entries: list[Entry | int]
    remaining: int


class Rewound:
    """The keys of a range that changed since a revision.

    Recent revisions have few changes, so a page costs little beyond its entries: undoing needs neither
    an index over history nor a scan of what has not changed.
    """

    def __init__(self, low: str, high: str) -> None:
        self._low = low
        self._high = high
        self.changes: dict[str, int] = {}
        """Key to the revision of the version that its first change replaced, 0 for none."""

    def add(self, events: Sequence[Event]) -> None:
        """Takes in later commits: only the first change of a key counts."""
        for event in events:
            if self._low <= event.key < self._high:
                self.changes.setdefault(event.key, event.previous_revision)

    def page(self, index: KeyIndex[Entry], after: str, limit: int) -> Page:
        """The entries with keys greater than `after`, at most `limit` (0: all)."""
        changed = {key: revision for key, revision in self.changes.items() if key > after}
        gone = [key for key, revision in changed.items() if revision and key not in index]
        new = {key for key, revision in changed.items() if not revision and key in index}
        total = index.count(self._low, self._high, after) + len(gone) - len(new)
        size = min(total, limit) if limit else total
        entries: list[Entry | int] = []
        # At most len(new) of the current keys are left out, so this many are enough for a page.
        current = index.keys(self._low, self._high, after, size + len(new))
        for key in heapq.merge(current, sorted(gone)):
            if len(entries) == size:
                break
            if key not in new:
                entries.append(_version(index, key, changed))
        return Page(entries, total - size)


def _version(index: KeyIndex[Entry], key: str, changed: dict[str, int]) -> Entry | int:
    """What stood at a key that existed then."""
    if key in changed:
        return changed[key]
    entry = index.get(key)
    if entry is None:
        raise KeyError(key)
    return entry
