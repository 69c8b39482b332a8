"""What the engine asks of a backend: an append-only record of writes that survives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from steersman.store.protocol import Entry, Event


class Row(Struct, frozen=True, gc=False):
    """One write as it is recorded. `value` is None for a deletion; `previous` is the revision it replaced, or 0."""

    revision: int
    key: str
    value: bytes | None
    create_revision: int
    previous: int


class State(Struct, frozen=True):
    """What a journal holds when it is opened: the current entries by key, the newest and the compacted revision."""

    entries: dict[str, Entry]
    revision: int
    compacted: int


Done = Callable[[BaseException | None], None]
"""Called on the event loop when a commit ended: None when it is durable, else why it has not happened."""


Changed = Callable[[int, str, bytes], bytes | None]
"""What is to be recorded for a revision and key in the place of this value; None: nothing else."""


class Journal(Protocol):
    """Rows in the order of their revisions.

    The engine runs one `commit` at a time and never reads beyond the newest revision that was reported
    durable. Ranges of keys are half open; `after` is exclusive and `upto` inclusive.
    """

    def load(self) -> State:
        """The state to start from; called once, before anything else."""

    def commit(self, rows: Sequence[Row], done: Done) -> None:
        """Appends all rows or none, then calls `done`; may do so before it returns."""

    async def events(self, low: str, high: str, after: int, upto: int, limit: int) -> list[Event]:
        """The first `limit` events of a range of keys."""

    async def changes(self, low: str, high: str, after: int, upto: int) -> dict[str, int]:
        """For each key written since `after`: the revision of the version that its first such write replaced, or 0."""

    async def versions(self, revisions: Sequence[int]) -> dict[int, Entry]:
        """The versions with these revisions; those compacted meanwhile are missing."""

    async def compact(self, upto: int) -> None:
        """Drops what writes up to `upto` replaced, and the deletions among them. Raises CommitFailed.

        May be interrupted: it goes on from where the record says that it came to.
        """

    async def change(self, upto: int, changed: Changed) -> None:
        """Puts what `changed` makes of values up to a revision in their places.

        It may be called from another thread, and may block. Raises CommitFailed.
        """

    async def purge(self) -> None:
        """Leaves no trace of what was dropped. Raises CommitFailed."""

    async def close(self) -> None:
        """Lets go of everything. Idempotent."""
