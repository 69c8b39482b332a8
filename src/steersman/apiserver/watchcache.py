"""All objects of one resource in memory, kept up to date by the store: what get, list and watch answer from.

The cache is told of a commit before the commit's writers are answered, so every reader in this process
sees its own writes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from steersman.api.clock import Clock
from steersman.api.errors import Expired, Timeout
from steersman.api.fields import FieldSelector
from steersman.api.labels import Selector
from steersman.api.meta import Resource
from steersman.apiserver.backlog import Backlog
from steersman.apiserver.cached import (
    ADDED,
    BOOKMARK,
    NAME,
    NAMESPACE,
    Cached,
    Change,
    Describe,
    Selection,
    selection,
    transition,
)
from steersman.apiserver.unreadable import Unreadable, of_list
from steersman.apiserver.watchers import Watchers
from steersman.apiserver.watchstream import MOST_TOGETHER, Batches, Beginning, Encoder, WatchStream, encode_line
from steersman.store.errors import Compacted
from steersman.store.index import KeyIndex, bounds
from steersman.store.protocol import Entry, Event, Store
from steersman.store.sealing import Sealed

WINDOW = 1000
# Large objects that change again and again must not stay in memory a thousand times; the store remembers them, too.
WINDOW_BYTES = 4 * 1024 * 1024
"""Past changes kept in memory for watches that resume; older ones come from the store's history."""

STREAM_LIMIT = 10_000
"""Lines that may wait in a watch before it is closed."""

BATCH = 500
"""Objects that a watch's beginning encodes at a time, unless fewer have `MOST_TOGETHER` bytes."""

FIRST_PAST, PAST_BYTES = 16, 512 * 1024
"""Changes that are read of the store's history first, and bytes of them that are read at a time from then on."""

BOOKMARK_SECONDS = 60.0
FRESH_SECONDS = 3.0
"""How long a reader waits for a resourceVersion that the store has not reached."""

INITIAL_EVENTS_END = b'{"annotations":{"k8s.io/initial-events-end":"true"}}'


log = logging.getLogger(__name__)

# Inside the cache `list` is the method.
Objects = list[Cached]
Changes = list[Change]
Lines = list[bytes]


class Page(Struct, frozen=True):
    """Part of a list at `revision`.

    `after` is the key to go on after, empty at the end; `remaining` how many objects follow (None: unknown,
    because a selector would have to look at them all).
    """

    items: list[Cached]
    revision: int
    after: str
    remaining: int | None


class WatchCache:
    """The objects under a prefix of the store (`/registry/<group or core>/<plural>/`), all namespaces.

    Use it after `start` or `wait_ready`. Everything that is not async answers from one moment: nothing
    happens between reading `revision` and a list that is made before the next await.
    """

    def __init__(
        self,
        store: Store,
        prefix: str,
        describe: Describe,
        clock: Clock,
        *,
        resource: Resource,
        backlog: Backlog | None = None,
    ) -> None:
        self.resource = resource
        self.prefix = prefix
        self._store = store
        self._describe = describe
        self._clock = clock
        self._index: KeyIndex[Cached] = KeyIndex()
        self.unreadable = Unreadable(resource, prefix)
        """What is stored and cannot be decrypted."""
        self._window: deque[Change] = deque()
        # Changes up to this revision are not in the window.
        self._window_start = self._window_size = 0
        self._ready = asyncio.Event()
        self._unobserve: Callable[[], None] | None = None
        # Events that came while the objects were loaded; None afterwards.
        self._early: list[Event] | None = None
        self._backlog = backlog or Backlog()
        self._watchers = Watchers(self._backlog)
        self.changed = 0
        """The revision of the last change, or of the loading. What is made of a list is good until it moves."""

    # Life.

    async def start(self) -> None:
        """Loads the objects and follows the store from then on."""
        if self._unobserve is not None:
            await self.wait_ready()
            return
        early: list[Event] = []
        self._early = early
        self._unobserve = self._store.observe(self.prefix, self._follow)
        try:
            listing = await self._store.list(self.prefix)
        except BaseException:
            self.close()
            raise
        self._load(listing.entries)
        self._window.clear()
        self._window_start, self._window_size = listing.revision, 0
        self.changed = listing.revision
        self._early = None
        self._follow([event for event in early if event.revision > listing.revision])
        self._ready.set()

    def _load(self, entries: Sequence[Entry]) -> None:
        self.unreadable.clear()
        readable = {}
        for entry in entries:
            key, value = entry.key, entry.value
            if type(value) is Sealed:
                self.unreadable.put(key, value, entry.revision)
            else:
                readable[key] = self._cached(key, value, entry.revision)
        self._index = KeyIndex(readable)

    async def run(self) -> None:
        """Starts, then sends bookmarks until it is cancelled, which closes the cache."""
        try:
            await self.start()
            while True:
                await self._clock.sleep(BOOKMARK_SECONDS)
                self.send_bookmarks()
        finally:
            self.close()

    def close(self) -> None:
        """Ends every watch and follows the store no more. Idempotent."""
        if self._unobserve is not None:
            self._unobserve()
            self._unobserve = None
        self._ready.clear()
        self._watchers.close()

    def retire(self) -> None:
        """Follows the store no more, and ends every watch with what it has yet to be told."""
        self._watchers.finish()
        if self._unobserve is not None:
            self._unobserve()
            self._unobserve = None
        self._ready.clear()

    async def wait_ready(self) -> None:
        """Until the objects are loaded."""
        await self._ready.wait()

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    # Reads.

    @property
    def revision(self) -> int:
        """The revision of what is here: the store tells its observers before it tells anybody else."""
        return self._store.revision

    async def wait_for(self, revision: int) -> None:
        """Until the cache is as new as `revision`. Raises Timeout if that takes more than three seconds."""
        if revision <= self.revision:
            return
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def look(_: Sequence[Event]) -> None:
            if revision <= self.revision and not reached.done():
                reached.set_result(None)

        unobserve = self._store.observe("", look)
        deadline = asyncio.ensure_future(self._clock.sleep(FRESH_SECONDS))
        try:
            await asyncio.wait((deadline, reached), return_when=asyncio.FIRST_COMPLETED)
        finally:
            unobserve()
            deadline.cancel()
        if not reached.done():
            raise too_large(revision, self.revision)

    def key(self, namespace: str, name: str) -> str:
        """Where the store has the object; `namespace` is empty for what has none."""
        return f"{self.prefix}{namespace}/{name}" if namespace else self.prefix + name

    def get(self, namespace: str, name: str) -> Cached | None:
        """The object as it is now. Raises InternalError if it cannot be decrypted."""
        key = self.key(namespace, name)
        if self.unreadable:
            self.unreadable.check(key)
        return self._index.get(key)

    def list(
        self, namespace: str = "", label: Selector | None = None, field: FieldSelector | None = None
    ) -> list[Cached]:
        """The objects as they are now, in the order of their keys. Raises StatusError if one cannot be decrypted."""
        wanted = selection(namespace, label, field)
        self._check_readable(wanted)
        return self._select(wanted)

    def readable(self) -> Objects:
        """The objects of all namespaces but for those that cannot be decrypted."""
        return self._index.items(*self._bounds(""))

    def _check_readable(self, wanted: Selection) -> None:
        if self.unreadable:
            one = self._only(wanted)
            if one is None:
                self.unreadable.check_list(wanted.namespace)
            else:
                self.unreadable.check(one)

    def count(self, namespace: str = "") -> int:
        """How many objects there are."""
        unreadable = self.unreadable.count(namespace) if self.unreadable else 0
        return self._index.count(*self._bounds(namespace)) + unreadable

    async def page(
        self,
        namespace: str = "",
        label: Selector | None = None,
        field: FieldSelector | None = None,
        *,
        revision: int = 0,
        after: str = "",
        limit: int = 0,
    ) -> Page:
        """At most `limit` objects (0: all) with keys greater than `after`, now or as they were at `revision`.

        Raises Expired for a revision that is forgotten, Timeout for one that has not come, StatusError for objects that
        cannot be decrypted.
        """
        wanted = selection(namespace, label, field)
        self._check_readable(wanted)
        if revision in (0, self.revision):
            if wanted.everything or self._only(wanted) is not None:
                return self._page_now(wanted, after, limit)
            return await self._page_scanned(wanted, after, limit)
        await self.wait_for(revision)
        return await self._page_then(wanted, revision, after, limit)

    def _bounds(self, namespace: str) -> tuple[str, str]:
        return bounds(f"{self.prefix}{namespace}/" if namespace else self.prefix)

    def _cached(self, key: str, value: bytes, revision: int) -> Cached:
        namespace, _, name = key[len(self.prefix) :].rpartition("/")
        return Cached(key, namespace, name, revision, value, self._describe)

    def _select(self, wanted: Selection) -> Objects:
        if wanted.everything:
            return self._index.items(*self._bounds(wanted.namespace))
        one = self._only(wanted)
        if one is not None:
            item = self._index.get(one)
            return [item] if item is not None and wanted.accepts(item) else []
        accepts = wanted.accepts
        return [item for item in self._index.items(*self._bounds(wanted.namespace)) if accepts(item)]

    def _candidates(self, wanted: Selection) -> Objects:
        """The objects that may be selected, without a look at what they say."""
        one = self._only(wanted)
        if one is None:
            return self._index.items(*self._bounds(wanted.namespace))
        item = self._index.get(one)
        return [] if item is None else [item]

    def _only(self, wanted: Selection) -> str | None:
        """The key of the one object that can be selected, if the selectors say that much."""
        if wanted.field is None:
            return None
        name = wanted.field.requires(NAME)
        namespace = wanted.namespace or wanted.field.requires(NAMESPACE)
        if name is None or (self.resource.namespaced and not namespace):
            return None
        return self.key(namespace or "", name)

    def _page_now(self, wanted: Selection, after: str, limit: int) -> Page:
        if limit and wanted.everything:
            low, high = self._bounds(wanted.namespace)
            items = self._index.items(low, high, after, limit)
            remaining = self._index.count(low, high, after) - len(items)
            return Page(items, self.revision, items[-1].key if remaining else "", remaining)
        items = self._select(wanted)
        if after:
            items = [item for item in items if item.key > after]
        return Page(items, self.revision, "", 0)

    async def _page_scanned(self, wanted: Selection, after: str, limit: int) -> Page:
        """The selected objects of this moment, while others get their turns: a selector may have to read them all."""
        now = self.revision
        objects = self._index.items(*self._bounds(wanted.namespace), after)
        accepts = wanted.accepts
        items: Objects = []
        for start in range(0, len(objects), BATCH):
            if start:
                await asyncio.sleep(0)
            items += [item for item in objects[start : start + BATCH] if accepts(item)]
            if 0 < limit < len(items):
                return Page(items[:limit], now, items[limit - 1].key, None)
        return Page(items, now, "", 0)

    async def _page_then(self, wanted: Selection, revision: int, after: str, limit: int) -> Page:
        prefix, _ = self._bounds(wanted.namespace)
        items: Objects = []
        while True:
            try:
                listing = await self._store.list(prefix, revision=revision, after=after, limit=limit)
            except Compacted as error:
                raise expired(revision, error.compacted) from error
            for entry in listing.entries:
                after = entry.key
                self._check_past(after, entry.value)
                item = self._cached(entry.key, entry.value, entry.revision)
                if wanted.accepts(item):
                    items.append(item)
            if not listing.more:
                return Page(items, revision, "", 0)
            if wanted.everything:
                return Page(items, revision, after, listing.remaining)
            if len(items) >= limit:
                # What was read beyond the page, the next page reads again.
                return Page(items[:limit], revision, items[limit - 1].key, None)

    # Watches.

    def watch(
        self,
        namespace: str = "",
        label: Selector | None = None,
        field: FieldSelector | None = None,
        after: int | None = None,
        *,
        bookmarks: bool = False,
        initial_bookmark: bool = False,
        encode: Encoder = encode_line,
    ) -> WatchStream:
        """What happens to the selected objects after the revision `after`, in encoded lines.

        With None or 0 for `after` it begins with the present objects as ADDED, in the order of their keys; with
        `initial_bookmark` a bookmark that says so ends these. `bookmarks` asks for one every minute. An
        `after` that is forgotten gives one ERROR line (410 Expired). Raises StatusError if a present object that it would
        begin with cannot be decrypted.
        """
        wanted = selection(namespace, label, field)
        now = self.revision
        beginning: Beginning | None = None
        if not after:
            self._check_readable(wanted)
            beginning = self._initial(wanted, encode, self._candidates(wanted), now if initial_bookmark else 0)
        elif self._window_start <= after < now:
            beginning = _batched(_lines(wanted, encode, self._recent(after)))
        elif after < now:
            beginning = self._resumed(wanted, encode, after, now)
        group = self._watchers.group(wanted, encode)
        stream = WatchStream(
            bookmarks=bookmarks,
            after=after or now,
            limit=STREAM_LIMIT,
            beginning=beginning,
            closed=lambda: self._watchers.leave(group, stream),
            backlog=self._backlog,
        )
        group.streams.add(stream)
        return stream

    def _initial(self, wanted: Selection, encode: Encoder, items: Sequence[Cached], mark: int) -> Beginning:
        """The present objects, and the bookmark at `mark` if that is not 0."""
        at = 0

        async def read() -> Lines | None:
            nonlocal at, mark
            if at < len(items):
                part = _together(items, at)
                at += len(part)
                # A selector may have to read them all: others get their turns.
                await asyncio.sleep(0)
                return [encode(ADDED, item) for item in part if wanted.accepts(item)]
            if not mark:
                return None
            line, mark = encode(BOOKMARK, self._bookmark(mark, INITIAL_EVENTS_END)), 0
            return [line]

        return read

    def _recent(self, after: int) -> Changes:
        """The changes in the window after a revision."""
        return [change for change in self._window if change.revision > after]

    def _resumed(self, wanted: Selection, encode: Encoder, after: int, now: int) -> Beginning:
        """The changes of a past that only the store remembers."""
        # Nobody knows how large they are before they are read.
        limit = FIRST_PAST

        async def read() -> Lines | None:
            nonlocal after, limit
            if after >= now:
                return None
            try:
                events = await self._store.history(self.prefix, after, now, limit)
            except Compacted as error:
                raise expired(after, error.compacted) from error
            after = events[-1].revision if len(events) == limit else now
            size = sum([len(event.value) + len(event.previous or b"") for event in events]) // (len(events) or 1) + 1
            limit = max(1, min(BATCH, PAST_BYTES // size))
            return list(_lines(wanted, encode, map(self._past, events)))

        return read

    def _past(self, event: Event) -> Change:
        """A change as history has it."""
        key, before = event.key, event.previous
        self._check_past(key, event.value)
        self._check_past(key, before)
        previous = None if before is None else self._cached(key, before, event.previous_revision)
        current = self._cached(key, event.value, event.revision) if event.value else None
        return Change(event.revision, previous, current)

    def _check_past(self, key: str, value: bytes | None) -> None:
        if type(value) is Sealed:
            raise of_list(self.resource, {key: value.reason})

    def send_bookmarks(self) -> None:
        """Tells the watches that asked for it how far they have come."""
        now = self.revision
        for group in self._watchers:
            streams = [stream for stream in group.streams if stream.bookmarks]
            if streams:
                line = group.encode(BOOKMARK, self._bookmark(now, b"{}"))
                for stream in streams:
                    stream.mark(line, now)

    def _bookmark(self, revision: int, metadata: bytes) -> Cached:
        kind, version = self.resource.kind.encode(), self.resource.api_version.encode()
        value = b'{"kind":"%b","apiVersion":"%b","metadata":%b}' % (kind, version, metadata)
        return Cached("", "", "", revision, value, self._describe)

    # What the store tells.

    def _follow(self, events: Sequence[Event]) -> None:
        if self._early is not None:
            self._early += events
            return
        for event in events:
            if self.unreadable and self.unreadable.remove(event.key):
                self._replace_unreadable(event)
                continue
            change = self._apply(event)
            self.changed = change.revision
            self._remember(change)
            try:
                self._watchers.deliver(change)
            except Exception:
                # The store and the other caches must go on. The watchers list again and meet the fault themselves.
                log.exception("watch of %s: revision %d cannot be told", self.prefix, change.revision)
                self._watchers.close()

    def _apply(self, event: Event) -> Change:
        previous = self._index.get(event.key)
        if not event.value:
            self._index.remove(event.key)
            return Change(event.revision, previous, None)
        current = self._cached(event.key, event.value, event.revision)
        self._index.put(event.key, current)
        return Change(event.revision, previous, current)

    def _replace_unreadable(self, event: Event) -> None:
        """An object is gone, or can be read, of which no watch was told: all end, and clients list again."""
        if event.value:
            self._index.put(event.key, self._cached(event.key, event.value, event.revision))
        self.changed = max(self.changed, event.revision)
        self._window.clear()
        self._window_start, self._window_size = self.revision, 0
        self._watchers.close()

    def _remember(self, change: Change) -> None:
        window = self._window
        window.append(change)
        self._window_size += _size(change)
        while len(window) > WINDOW or (self._window_size > WINDOW_BYTES and len(window) > 1):
            oldest = window.popleft()
            self._window_size -= _size(oldest)
            self._window_start = oldest.revision


def _size(change: Change) -> int:
    """Bytes that are kept because of a change."""
    kept = change.current if change.previous is None else change.previous
    return len(kept.value) if kept is not None else 0


def _lines(wanted: Selection, encode: Encoder, changes: Iterable[Change]) -> Iterator[bytes]:
    """The lines of past changes to one selection."""
    for change in changes:
        told = transition(wanted, change)
        if told is not None:
            yield encode(*told)


def _together(items: Sequence[Cached], at: int) -> Sequence[Cached]:
    """Objects from a place on that are told together: some, or fewer that are large."""
    size = 0
    for end in range(at, min(at + BATCH, len(items))):
        size += len(items[end].value)
        if size >= MOST_TOGETHER:
            return items[at : end + 1]
    return items[at : at + BATCH]


def _batched(lines: Iterator[bytes]) -> Beginning:
    return Batches(lines, BATCH)


def expired(revision: int, oldest: int) -> Expired:
    """What a client is told that must list again."""
    return Expired(f"too old resource version: {revision} ({oldest})")


def too_large(revision: int, current: int) -> Timeout:
    """What a client is told that asks for a state which has not come, perhaps of another store."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return Timeout(
        f"Timeout: Too large resource version: {revision}, current: {current}",
        details={"causes": [cause], "retryAfterSeconds": 1},
    )
