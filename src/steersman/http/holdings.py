"""What clients make the server keep for them: unread answers, unfinished requests, buffers. Together it is bounded.

Nobody can be made to read, or to go on. So when there is no room for more, connections are cut: those that keep most, of the client
that has most of it.
"""

from __future__ import annotations

from typing import Protocol

from steersman.http.taking import LARGE_WINDOW, WINDOW

SMALL = 1024 * 1024
"""Bytes that any client may keep, whatever others do."""


BARE, BUFFERS, WIDE = 40 * 1024, 224 * 1024, 704 * 1024
"""Bytes of a connection that has asked for little; of its buffers, most of them for TLS, once so much has arrived or is not taken;
and of those when the system may read much ahead of it. Buffers stay as large as they have been."""


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
        self._cut: dict[Holder, int] = {}
        self.leaving = 0
        """Bytes of those that have been cut, and have not ended yet."""
        # The sum at which nobody was found who could be cut.
        self._vain = 0

    def keep(self, holder: Holder, size: int) -> None:
        """So many bytes are kept because of this connection, instead of what it was before."""
        if holder in self._cut:
            if not size:
                self.leaving -= self._cut.pop(holder)
            return
        owner, before = self._kept.get(holder) or (holder.owner, 0)
        if size:
            self._kept[holder] = owner, size
        else:
            self._kept.pop(holder, None)
        self._add(owner, size - before)
        if self.sum > self.most and size > before:
            self._make_room()

    def room(self, holder: Holder, size: int) -> bool:
        """Whether so many bytes more can be kept because of this connection without cutting one of the same owner."""
        if self.sum + self.leaving + size <= self.most:
            return True
        sums = self._owners
        kept = sums.get(holder.owner, 0) + size
        return kept <= SMALL or any(other >= kept for other in sums.values())

    def ample(self, size: int) -> bool:
        """Whether so many bytes more, which could be done without, leave enough room for what could not."""
        return self.sum + self.leaving + size <= self.most // 2

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
            self._cut[found] = size
            self.leaving += size
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


class Share:
    """What is in memory because of one connection, and its part of the holdings.

    It does not know its holder, who would else be in memory until the collector finds the two.
    """

    __slots__ = ("_holdings", "_told", "asked", "base", "behind", "unread")

    def __init__(self, holdings: Holdings) -> None:
        self._holdings, self._told = holdings, 0
        self.base = BARE
        """Bytes of the connection's own buffers."""
        self.asked = self.unread = self.behind = 0
        """Bytes of the request's body so far, of an answer that is not taken, and of what the handler keeps."""

    def tell(self, holder: Holder, ahead: int = 0, *, lost: bool = False) -> None:
        """Of all that, and of so many bytes that are read ahead; of nothing when it is `lost`. The holder may be cut for it."""
        size = 0 if lost else self.base + ahead + self.asked + self.unread + self.behind
        if size != self._told:
            self._told = size
            self._holdings.keep(holder, size)

    def window(self, holder: Holder) -> int:
        """How much the system may read ahead of a stream that brings much."""
        if self.base < WIDE and self._holdings.ample(WIDE):
            self.base = WIDE
            self.tell(holder)
        return LARGE_WINDOW if self.base == WIDE else WINDOW
