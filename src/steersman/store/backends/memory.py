"""The store that forgets when its process ends: for tests and clusters made to be thrown away."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from steersman.api.clock import Clock
from steersman.store.backend import Backend
from steersman.store.engine import Engine
from steersman.store.errors import BadLocation
from steersman.store.index import LAST
from steersman.store.journal import Changed, Done, Row, State
from steersman.store.protocol import FIRST_REVISION, Entry, Event, Store
from steersman.store.sealing import Sealing


class MemoryJournal:
    """Rows in a list.

    It can be handed from one engine to the next, which is what a restart is to it.
    """

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._revisions: list[int] = []
        self._compacted = FIRST_REVISION

    def load(self) -> State:
        entries: dict[str, Entry] = {}
        for row in self._rows.values():
            if row.value is None:
                entries.pop(row.key, None)
            else:
                entries[row.key] = Entry(row.key, row.value, row.revision, row.create_revision)
        newest = self._revisions[-1] if self._revisions else FIRST_REVISION
        return State(entries, max(newest, self._compacted), self._compacted)

    def commit(self, rows: Sequence[Row], done: Done) -> None:
        for row in rows:
            self._rows[row.revision] = row
            self._revisions.append(row.revision)
        done(None)

    def _range(self, low: str, high: str, after: int, upto: int) -> list[Row]:
        start, end = bisect_right(self._revisions, after), bisect_right(self._revisions, upto)
        rows = (self._rows[revision] for revision in self._revisions[start:end])
        return [row for row in rows if low <= row.key < high]

    async def events(self, low: str, high: str, after: int, upto: int, limit: int) -> list[Event]:
        return [self._event(row) for row in self._range(low, high, after, upto)[:limit]]

    def _event(self, row: Row) -> Event:
        before = self._rows[row.previous].value if row.previous else None
        return Event(row.key, row.revision, row.value or b"", before, row.previous)

    async def changes(self, low: str, high: str, after: int, upto: int) -> dict[str, int]:
        first: dict[str, int] = {}
        for row in self._range(low, high, after, upto):
            first.setdefault(row.key, row.previous)
        return first

    async def versions(self, revisions: Sequence[int]) -> dict[int, Entry]:
        found = (self._rows[revision] for revision in revisions if revision in self._rows)
        return {
            row.revision: Entry(row.key, row.value, row.revision, row.create_revision)
            for row in found
            if row.value is not None
        }

    async def compact(self, upto: int) -> None:
        for row in self._range("", LAST, self._compacted, upto):
            self._rows.pop(row.previous, None)
            if row.value is None:
                del self._rows[row.revision]
        self._revisions = [revision for revision in self._revisions if revision in self._rows]
        self._compacted = max(self._compacted, upto)

    async def change(self, upto: int, changed: Changed) -> None:
        for row in self._range("", LAST, 0, upto):
            value = None if row.value is None else changed(row.revision, row.key, row.value)
            if value is not None:
                self._rows[row.revision] = Row(row.revision, row.key, value, row.create_revision, row.previous)

    async def purge(self) -> None:
        """Nothing was kept of what was dropped."""

    async def close(self) -> None:
        """Nothing to let go of: the rows stay for the next engine."""


def _open(location: str, clock: Clock, sealing: Sealing | None = None) -> Store:
    if location:
        raise BadLocation(f"memory:// takes no location, got {location!r}")
    return Engine(MemoryJournal(), clock, sealing=sealing)


BACKEND = Backend(scheme="memory", open=_open)
