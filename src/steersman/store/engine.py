"""The store itself, whatever keeps its record: decides writes in memory, commits them in groups, tells of them.

A write is decided at once against what earlier writes, durable or not, will leave behind. Writes of one
turn of the event loop, and those that came while the last commit ran, make one commit of the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from steersman.api.clock import Clock
from steersman.store.errors import (
    CommitFailed,
    Compacted,
    FutureRevision,
    KeyExists,
    KeyNotFound,
    RevisionMismatch,
    StoreClosed,
    WatchOverflow,
)
from steersman.store.hub import Hub, QueuedWatch, Replay
from steersman.store.index import KeyIndex, bounds
from steersman.store.journal import Journal, Row
from steersman.store.protocol import Entry, Event, Events, Keys, Listing, Observer, Watch
from steersman.store.rewind import Rewound
from steersman.store.sealing import PLAIN, PREFIX, OpenFailed, Origin, Sealed, SealFailed, Sealing, Vault

# Inside the class `list` is the method.
Entries = list[Entry]

REPLAY_BATCH = 1000
"""Events that a replaying watch reads from the journal at a time."""


class Stats(Struct, frozen=True):
    """Counters since the store was opened; `seconds` is the time that commits took together."""

    keys: int
    writes: int
    commits: int
    seconds: float


class _Write:
    """A write that was decided and waits to be durable: what it replaces, what it leaves (None: nothing).

    `stored` is what is recorded of the value that it leaves, sealed as `origin` says.
    """

    __slots__ = ("after", "before", "future", "key", "origin", "revision", "stored")

    def __init__(
        self,
        key: str,
        revision: int,
        before: Entry | None,
        after: Entry | None,
        stored: bytes | None = None,
        origin: Origin = PLAIN,
    ) -> None:
        self.stored, self.origin = stored, origin
        self.key = key
        self.revision = revision
        self.before = before
        self.after = after
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def row(self) -> Row:
        before, after = self.before, self.after
        previous = 0 if before is None else before.revision
        if after is not None:
            return Row(self.revision, self.key, self.stored, after.create_revision, previous)
        return Row(self.revision, self.key, None, 0 if before is None else before.create_revision, previous)

    def event(self) -> Event:
        before, after = self.before, self.after
        value = b"" if after is None else after.value
        if before is None:
            return Event(self.key, self.revision, value, None, 0)
        return Event(self.key, self.revision, value, before.value, before.revision)


class Engine:
    """Implements `steersman.store.protocol.Store` over a journal. With `sealing`, the journal holds what that makes of values."""

    def __init__(
        self, journal: Journal, clock: Clock, watch_limit: int = 10_000, sealing: Sealing | None = None
    ) -> None:
        state = journal.load()
        self._vault = None if sealing is None else Vault(sealing)
        if self._vault is not None:
            self._vault.load(state.entries)
        self._journal = journal
        self._clock = clock
        self._watch_limit = watch_limit
        self._index: KeyIndex[Entry] = KeyIndex(state.entries)
        self._revision = state.revision
        self._assigned = state.revision
        self._compacted = state.compacted
        self._hub = Hub()
        self._watches: set[QueuedWatch] = set()
        # The last write of each key that is not durable yet. Later writes are decided against it.
        self._pending: dict[str, _Write] = {}
        self._queued: list[_Write] = []
        self._flying: list[_Write] = []
        self._scheduled = False
        self._closing = False
        self._started = 0.0
        self._writes = 0
        self._commits = 0
        self._seconds = 0.0

    @property
    def revision(self) -> int:
        return self._revision

    @property
    def compacted(self) -> int:
        return self._compacted

    def stats(self) -> Stats:
        """What the store has done, for metrics."""
        return Stats(len(self._index), self._writes, self._commits, self._seconds)

    # Writes.

    async def create(self, key: str, value: bytes) -> Entry:
        _check_value(value)
        while True:
            self._check_open()
            before = self._index.get(key)
            pending = self._pending.get(key)
            if pending is None:
                if before is not None:
                    raise KeyExists(key, before)
                break
            if pending.after is None:
                break
            # The key will exist, unless that commit fails: nobody may be told before it is known.
            await self._wait_settled(pending)
        stored, origin = self._sealed(key, value)
        revision = self._next()
        entry = Entry(key, value, revision, revision)
        await self._submit(_Write(key, revision, None, entry, stored, origin))
        return entry

    async def update(self, key: str, value: bytes, expected: int) -> Entry:
        _check_value(value)
        before = await self._current(key, expected)
        stored, origin = self._sealed(key, value)
        revision = self._next()
        entry = Entry(key, value, revision, before.create_revision)
        await self._submit(_Write(key, revision, before, entry, stored, origin))
        return entry

    async def delete(self, key: str, expected: int | None = None) -> Entry:
        before = await self._current(key, expected)
        revision = self._next()
        await self._submit(_Write(key, revision, before, None))
        return Entry(key, before.value, revision, before.create_revision)

    def _sealed(self, key: str, value: bytes) -> tuple[bytes, Origin]:
        """What is recorded of a value. Here, so that who cannot be served fails alone and not with all of a commit."""
        return (value, PLAIN) if self._vault is None else self._vault.sealing.seal(key, value)

    async def _current(self, key: str, expected: int | None) -> Entry:
        """The version to be replaced, which may not be durable yet. Nothing else may run before it is replaced."""
        while True:
            self._check_open()
            durable = self._index.get(key)
            pending = self._pending.get(key)
            found = durable if pending is None else pending.after
            if found is not None and expected in (None, found.revision):
                return found
            if pending is None or (expected is not None and (durable is None or durable.revision != expected)):
                # Certain whatever becomes of the pending writes: a revision that is past never comes back.
                if durable is None:
                    raise KeyNotFound(key, expected)
                raise RevisionMismatch(key, expected, durable)
            await self._wait_settled(pending)

    def _next(self) -> int:
        self._assigned += 1
        return self._assigned

    async def _wait_settled(self, write: _Write) -> None:
        """Until a write of somebody else is durable or has failed; which of them, the caller looks up."""
        await asyncio.wait([write.future])

    async def _submit(self, write: _Write) -> None:
        self._pending[write.key] = write
        self._queued.append(write)
        if not self._flying and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._commit)
        # Shielded: the write is on its way, and others may wait for its end.
        await asyncio.shield(write.future)

    def _commit(self) -> None:
        self._scheduled = False
        self._flying, self._queued = self._queued, []
        self._started = self._clock.monotonic()
        self._journal.commit([write.row() for write in self._flying], self._committed)

    def _committed(self, failure: BaseException | None) -> None:
        writes, self._flying = self._flying, []
        self._commits += 1
        self._seconds += self._clock.monotonic() - self._started
        try:
            if failure is None:
                self._apply(writes)
            else:
                self._roll_back(writes, failure)
        finally:
            if self._queued and not self._scheduled:
                self._commit()

    def _apply(self, writes: list[_Write]) -> None:
        index, pending, vault = self._index, self._pending, self._vault
        for write in writes:
            if write.after is not None:
                index.put(write.key, write.after)
                if vault is not None:
                    vault.note(write.key, write.after.value, write.origin)
            else:
                index.remove(write.key)
                if vault is not None:
                    vault.forget(write.key)
            if pending[write.key] is write:
                del pending[write.key]
        self._revision = writes[-1].revision
        self._writes += len(writes)
        try:
            self._hub.publish([write.event() for write in writes])
        finally:
            # An observer that raises breaks its contract; the writes are durable all the same.
            for write in writes:
                write.future.set_result(None)

    def _roll_back(self, writes: list[_Write], failure: BaseException) -> None:
        """Fails the writes of a commit, and those after it, which were decided on what now never was."""
        writes += self._queued
        self._queued = []
        self._pending.clear()
        self._assigned = self._revision
        for write in writes:
            error = CommitFailed(f"write of {write.key} failed: {failure}")
            error.__cause__ = failure
            write.future.set_exception(error)
            # A caller that was cancelled never looks; that is no error of the program.
            write.future.exception()

    # Reads.

    async def get(self, key: str, revision: int = 0) -> Entry | None:
        self._check_open()
        if revision in (0, self._revision):
            return self._index.get(key)
        rewound = await self._rewind(key, key + "\0", revision)
        page = rewound.page(self._index, "", 1)
        entries = await self._filled(page.entries, revision)
        return entries[0] if entries else None

    async def list(self, prefix: str, *, revision: int = 0, after: str = "", limit: int = 0) -> Listing:
        self._check_open()
        low, high = bounds(prefix)
        if revision in (0, self._revision):
            entries = self._index.items(low, high, after, limit)
            remaining = self._index.count(low, high, after) - len(entries) if limit else 0
            return Listing(entries, self._revision, remaining > 0, remaining)
        rewound = await self._rewind(low, high, revision)
        page = rewound.page(self._index, after, limit)
        entries = await self._filled(page.entries, revision)
        return Listing(entries, revision, page.remaining > 0, page.remaining)

    async def _rewind(self, low: str, high: str, revision: int) -> Rewound:
        """What has changed since `revision`, complete at the moment this returns."""
        self._check_revision(revision)
        rewound = Rewound(low, high)
        # What is committed while the journal is read arrives here.
        cancel = self._hub.observe("", rewound.add)
        try:
            rewound.changes |= await self._journal.changes(low, high, revision, self._revision)
        finally:
            cancel()
        self._check_revision(revision)
        return rewound

    async def _filled(self, entries: Sequence[Entry | int], revision: int) -> Entries:
        """Entries, with those given as the revision of an old version read from the journal."""
        wanted = [entry for entry in entries if isinstance(entry, int)]
        old = await self._versions(wanted) if wanted else {}
        self._check_revision(revision)
        return [old[entry] if isinstance(entry, int) else entry for entry in entries]

    async def _versions(self, wanted: Sequence[int]) -> dict[int, Entry]:
        old, vault = await self._journal.versions(wanted), self._vault
        if vault is None:
            return old

        def opened() -> dict[int, Entry]:
            return {
                number: Entry(entry.key, vault.opened(entry.key, entry.value), entry.revision, entry.create_revision)
                for number, entry in old.items()
            }

        if any(entry.value.startswith(PREFIX) for entry in old.values()):
            # Whoever has the key may have to be asked.
            return await asyncio.to_thread(opened)
        return opened()

    # Watches.

    def watch(self, prefix: str, after: int) -> Watch:
        self._check_open()
        self._check_revision(after)
        bounds(prefix)
        replay = self._replay(prefix, after, self._revision) if after < self._revision else None

        def closed() -> None:
            cancel()
            self._watches.discard(watch)

        watch = QueuedWatch(replay, self._watch_limit, closed)
        cancel = self._hub.observe(prefix, watch.offer)
        self._watches.add(watch)
        return watch

    def _replay(self, prefix: str, after: int, upto: int) -> Replay:
        async def read() -> Events | None:
            nonlocal after
            if after >= upto:
                return None
            events = await self.history(prefix, after, upto, REPLAY_BATCH)
            after = events[-1].revision if len(events) == REPLAY_BATCH else upto
            return events

        return read

    async def history(self, prefix: str, after: int, upto: int, limit: int) -> Events:
        self._check_open()
        self._check_revision(after)
        self._check_revision(upto)
        low, high = bounds(prefix)
        events = await self._journal.events(low, high, after, upto, limit)
        if self._vault is not None:
            if any(event.value.startswith(PREFIX) or (event.previous or b"").startswith(PREFIX) for event in events):
                events = await asyncio.to_thread(_opened_events, self._vault, events)
            else:
                events = _opened_events(self._vault, events)
        # Compaction may have come between: what was read would have gaps.
        self._check_revision(after)
        return events

    def observe(self, prefix: str, observer: Observer) -> Callable[[], None]:
        return self._hub.observe(prefix, observer)

    # Sealed values.

    @property
    def sealed(self) -> frozenset[str]:
        return frozenset() if self._vault is None else self._vault.sealed

    def stale(self, key: str) -> bool:
        return self._vault is not None and self._vault.stale(key)

    def origins(self, prefix: str) -> Iterator[tuple[str, Origin | None]]:
        keys = self._index.keys(*bounds(prefix))
        return ((key, PLAIN) for key in keys) if self._vault is None else self._vault.origins(keys)

    async def reopen(self) -> Keys:
        vault = self._vault
        if vault is None or not vault.sealed:
            return []
        records = [(key, entry) for key in sorted(vault.sealed) if (entry := self._index.get(key)) is not None]
        found = await asyncio.to_thread(vault.try_again, [(key, entry.value) for key, entry in records])
        tried, opened = dict(records), []
        for key, value, origin in found:
            entry = self._index.get(key)
            if entry is tried[key]:
                self._index.put(key, Entry(key, value, entry.revision, entry.create_revision))
                vault.note(key, value, origin)
                opened.append(key)
        for watch in tuple(self._watches):
            # It has been told of later revisions already.
            watch.fail(WatchOverflow("values that could not be decrypted can be: list and watch again"))
        entries = sorted((entry for key in opened if (entry := self._index.get(key))), key=lambda entry: entry.revision)
        self._hub.publish([Event(entry.key, entry.revision, entry.value, None, 0) for entry in entries])
        return opened

    async def reseal(self) -> int:
        self._check_open()
        vault, failed = self._vault, 0
        if vault is None:
            return 0

        def changed(revision: int, key: str, stored: bytes) -> bytes | None:
            nonlocal failed
            entry = self._index.get(key)
            if entry is not None and entry.revision == revision:
                # What is current is for its next write.
                return None
            try:
                return vault.resealed(key, stored)
            except (OpenFailed, SealFailed):
                failed += 1
                return None

        await self._journal.change(self._revision, changed)
        return failed

    async def purge(self) -> None:
        self._check_open()
        await self._journal.purge()

    # Life.

    async def compact(self, revision: int) -> None:
        self._check_open()
        if revision > self._revision:
            raise FutureRevision(revision, self._revision)
        # Announced first: a reader in another thread may meet the gap before it is known here to exist.
        self._compacted = max(self._compacted, revision)
        await self._journal.compact(revision)

    async def close(self) -> None:
        self._closing = True
        while self._pending:
            await asyncio.wait([write.future for write in self._pending.values()])
        for watch in tuple(self._watches):
            watch.fail(StoreClosed("the store is closed"))
        await self._journal.close()

    def _check_open(self) -> None:
        if self._closing:
            raise StoreClosed("the store is closed")

    def _check_revision(self, revision: int) -> None:
        if revision < self._compacted:
            raise Compacted(revision, self._compacted)
        if revision > self._revision:
            raise FutureRevision(revision, self._revision)


def _check_value(value: bytes) -> None:
    if not value:
        raise ValueError("a value must not be empty")
    if isinstance(value, Sealed):
        raise ValueError("a value that cannot be read cannot be written")


def _opened_events(vault: Vault, events: Events) -> Events:
    return [
        Event(
            event.key,
            event.revision,
            vault.opened(event.key, event.value) if event.value else b"",
            None if event.previous is None else vault.opened(event.key, event.previous),
            event.previous_revision,
        )
        for event in events
    ]
