"""What clients make the server keep for them: unread answers, unfinished requests, buffers. Together it is bounded.

Nobody can be made to read, or to go on. So when there is no room for more, connections are cut: those that keep most, of the client
that has most of it.
"""

from __future__ import annotations

from typing import Protocol

SMALL = 1024 * 1024
"""Bytes that any client may keep, whatever others do."""


class Holder(Protocol):
    """A connection."""

    @property
    def owner(self) -> str:
        """Whose it is, as far as that is known."""

    def cut(self) -> None:
        """End it, whatever goes on."""


class Holdings:
    """At most about `most` bytes, but for clients that have less than `SMALL` each, or one thing that is large."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.sum = 0
        self._kept: dict[Holder, tuple[str, int]] = {}
        self._owners: dict[str, int] = {}
        # The sum at which nobody was found who could be cut.
        self._vain = 0

    def keep(self, holder: Holder, size: int) -> None:
        """So many bytes are kept because of this connection, instead of what it was before."""
        owner, before = self._kept.get(holder) or (holder.owner, 0)
        if size:
            self._kept[holder] = owner, size
        else:
            self._kept.pop(holder, None)
        self._add(owner, size - before)
        if self.sum > self.most and size > before:
            self._make_room()

    def _add(self, owner: str, size: int) -> None:
        self.sum += size
        left = self._owners.get(owner, 0) + size
        if left:
            self._owners[owner] = left
        else:
            self._owners.pop(owner, None)

    def _make_room(self) -> None:
        # Looking through all of them costs something.
        while self.sum > max(self.most, self._vain + SMALL if self._vain else 0):
            found = self._worst()
            if found is None:
                self._vain = self.sum
                return
            owner, size = self._kept.pop(found)
            self._add(owner, -size)
            self._vain = 0
            found.cut()

    def _worst(self) -> Holder | None:
        for owner in sorted(self._owners, key=self._owners.__getitem__, reverse=True):
            if self._owners[owner] <= SMALL:
                return None
            # Of several that keep as much, the one that has done so the longest.
            found = max((h for h, (o, _) in self._kept.items() if o == owner), key=lambda h: self._kept[h][1])
            if self._owners[owner] - self._kept[found][1] > SMALL:
                return found
        return None
