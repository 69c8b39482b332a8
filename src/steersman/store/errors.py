"""What can go wrong at the store, as one tree under `StoreError`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.store.protocol import Entry


class StoreError(Exception):
    """Root of everything that a store raises on purpose."""


class KeyExists(StoreError):
    """A create met a key that is there; `current` is what is there."""

    def __init__(self, key: str, current: Entry) -> None:
        super().__init__(f"key {key} exists at revision {current.revision}")
        self.key = key
        self.current = current


class RevisionMismatch(StoreError):
    """An update or delete expected another revision; `current` is what is there, None for nothing."""

    def __init__(self, key: str, expected: int | None, current: Entry | None) -> None:
        found = "is absent" if current is None else f"is at revision {current.revision}"
        wanted = "" if expected is None else f", expected revision {expected}"
        super().__init__(f"key {key} {found}{wanted}")
        self.key = key
        self.expected = expected
        self.current = current


class KeyNotFound(RevisionMismatch):
    """The mismatch of a key that is absent: `current` is None."""

    def __init__(self, key: str, expected: int | None) -> None:
        super().__init__(key, expected, None)


class Compacted(StoreError):
    """History at `revision` is gone; the oldest that can be read is `compacted`."""

    def __init__(self, revision: int, compacted: int) -> None:
        super().__init__(f"revision {revision} was compacted, the oldest is {compacted}")
        self.revision = revision
        self.compacted = compacted


class FutureRevision(StoreError):
    """`revision` has not been reached; the newest is `current`."""

    def __init__(self, revision: int, current: int) -> None:
        super().__init__(f"revision {revision} lies in the future, the newest is {current}")
        self.revision = revision
        self.current = current


class WatchOverflow(StoreError):
    """A watch fell behind its bounded queue and was closed; list and watch again."""


class StoreClosed(StoreError):
    """The store was closed."""


class CommitFailed(StoreError):
    """The write could not be made durable (disk full, I/O error) and has not happened."""


class ReadFailed(StoreError):
    """History could not be read (I/O error)."""


class StoreLocked(StoreError):
    """The database is open already, in this process or another."""


class BadLocation(StoreError):
    """A store URL that no backend understands."""
