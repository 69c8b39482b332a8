"""The contract of a store: keys and bytes, one counter of revisions, watches that miss nothing.

**Revisions.** One counter for the whole store. Every successful write takes the next number; an empty
store is at 1. `revision` is the newest durable one. What is not durable is seen by nobody: not by
reads, not by watches, not in the errors of other writes.

**Ordering.** Writes take effect one after another in the order of their revisions. A watch and an
observer see every event under their prefix exactly once, in that order.

**Staleness.** `get` and `list` without a revision answer from the newest durable state: a caller whose
write was answered reads it. Observers have been told of a write before its caller is answered.

**Ownership.** Entries and events are immutable and shared: the `value` of an entry is the same object
in the store, in every read and in every event.

**Sealed values.** A store may keep values encrypted. One that cannot be decrypted is a `store.sealing.Sealed` wherever a value
is told; it can be deleted. A write whose value cannot be encrypted raises SealFailed.

**Errors.** Any call raises StoreClosed after `close`. What needs history raises ReadFailed if that cannot be read.

**Cancellation.** A read that is cancelled leaves nothing behind. A write that is cancelled while it
waits may or may not happen; it never half happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from steersman.store.sealing import Origin

FIRST_REVISION = 1
"""The revision of a store that was never written to: 0 would mean "any" in a resourceVersion."""


class EventType(Enum):
    """What a write did to its key."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Entry(Struct, frozen=True, gc=False):
    """One version of a key.

    `revision` is that of the write that made this version (for the answer to a delete: that of the
    deletion, with the last value); `create_revision` that of the key's creation.
    """

    key: str
    value: bytes
    revision: int
    create_revision: int


class Event(Struct, frozen=True, gc=False):
    """One write. `value` is empty for a deletion; `previous` is None and `previous_revision` 0 for a creation."""

    key: str
    revision: int
    value: bytes
    previous: bytes | None
    previous_revision: int

    @property
    def type(self) -> EventType:
        """What the write did."""
        if not self.value:
            return EventType.DELETE
        return EventType.CREATE if self.previous is None else EventType.UPDATE


class Listing(Struct, frozen=True, gc=False):
    """A page of a listing at `revision`, in the order of the keys.

    `more` says that the limit cut it, `remaining` how many entries follow this page (None if unknown).
    """

    entries: list[Entry]
    revision: int
    more: bool
    remaining: int | None


# Where a class has a method `list`, annotations cannot say list.
Events = list[Event]
Keys = list[str]

Observer = Callable[[Sequence[Event]], None]
"""Told of the events of one commit, in order, synchronously. It must not raise, and not block."""


class Watch(Protocol):
    """Batches of events in the order of their revisions; never an empty batch.

    Iterating raises `Compacted` if history was compacted before it could be replayed, `WatchOverflow`
    if the reader fell too far behind, `StoreClosed` after the store was closed. One reader only.
    """

    def __aiter__(self) -> Watch:
        """Itself."""

    async def __anext__(self) -> list[Event]:
        """The next batch, as soon as there is one."""

    def close(self) -> None:
        """Ends the watch and frees its queue; a waiting reader sees the end of the iteration. Idempotent."""


class Store(Protocol):
    """See the module's text for what holds throughout.

    A `prefix` is empty or ends with `/`; keys are compared by code point. Values are never empty.
    Belongs to the event loop on which it was first used.
    """

    @property
    def revision(self) -> int:
        """The newest durable revision."""

    @property
    def compacted(self) -> int:
        """The oldest revision that can be listed, and the oldest after which a watch can start."""

    async def get(self, key: str, revision: int = 0) -> Entry | None:
        """The key's version now, or as it was at `revision`; None if it is or was absent.

        Raises Compacted or FutureRevision.
        """

    async def list(self, prefix: str, *, revision: int = 0, after: str = "", limit: int = 0) -> Listing:
        """The entries under `prefix` with keys greater than `after`, at most `limit` (0: all).

        With `revision` the state as it was then, so that the pages of one listing are consistent.
        Raises Compacted or FutureRevision.
        """

    async def create(self, key: str, value: bytes) -> Entry:
        """Writes a key that is absent. Raises KeyExists, CommitFailed."""

    async def update(self, key: str, value: bytes, expected: int) -> Entry:
        """Replaces the version whose revision is `expected`.

        Raises RevisionMismatch (KeyNotFound if the key is absent), CommitFailed.
        """

    async def delete(self, key: str, expected: int | None = None) -> Entry:
        """Removes the key if it is at `expected` (None: whatever it is at).

        Returns the last version with the revision of the deletion. Raises as `update`.
        """

    def watch(self, prefix: str, after: int) -> Watch:
        """All events under `prefix` with revisions greater than `after`: history first, then what comes.

        Nothing between the two is lost or told twice. Raises Compacted or FutureRevision.
        """

    async def history(self, prefix: str, after: int, upto: int, limit: int) -> Events:
        """The first `limit` events under `prefix` with revisions greater than `after` and up to `upto`.

        Fewer than `limit` mean that there are no more. Raises Compacted or FutureRevision.
        """

    def observe(self, prefix: str, observer: Observer) -> Callable[[], None]:
        """Calls `observer` for every later commit with events under `prefix`; returns what ends that.

        The call happens when the commit is durable, `revision` already tells of it, and nobody has been
        answered yet. It is for caches that must let their process read its own writes.
        """

    @property
    def sealed(self) -> frozenset[str]:
        """The keys whose present value cannot be decrypted."""

    def stale(self, key: str) -> bool:
        """Whether the key's value should be written again although it stays the same: it would be kept differently now."""

    def origins(self, prefix: str) -> Iterator[tuple[str, Origin | None]]:
        """How the present values under a prefix are kept, in the order of their keys; None for what cannot be decrypted."""

    async def reopen(self) -> Keys:
        """Tries again to decrypt what could not be; returns the keys that can be read from now on.

        Observers are told of them as of creations, with the old revisions that they have; watches end with WatchOverflow.
        """

    async def reseal(self) -> int:
        """Records what was replaced or deleted, and can still be read as history, as it would be recorded now: nobody who reads
        it notices. Returns how many records could not be opened, and are as they were. Raises CommitFailed.
        """
        ...

    async def purge(self) -> None:
        """Leaves nothing in the files of what was replaced or deleted and is compacted. Writers wait meanwhile.

        Raises CommitFailed.
        """

    async def compact(self, revision: int) -> None:
        """Forgets history before `revision`; what is current is kept. Going back is no error.

        Raises FutureRevision, CommitFailed.
        """

    async def close(self) -> None:
        """Finishes the writes that were accepted, ends the watches and lets go of the data. Idempotent."""
