"""Who is told of commits: synchronous observers by prefix, and the bounded queues of watches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from steersman.store.errors import StoreError, WatchOverflow
from steersman.store.index import bounds
from steersman.store.protocol import Event, Observer


class Hub:
    """Observers by folder.

    An event looks its observers up by the folders in its key, so that seventy caches of seventy
    resources cost it no more than one.
    """

    def __init__(self) -> None:
        self._folders: dict[str, list[Observer]] = {}

    def observe(self, prefix: str, observer: Observer) -> Callable[[], None]:
        """Adds an observer; the returned function removes it, once or more often."""
        bounds(prefix)
        self._folders.setdefault(prefix, []).append(observer)

        def cancel() -> None:
            observers = self._folders.get(prefix, [])
            if observer in observers:
                observers.remove(observer)
                if not observers:
                    del self._folders[prefix]

        return cancel

    def publish(self, events: Sequence[Event]) -> None:
        """Tells every observer of its part of one commit, in the order of the revisions."""
        folders = self._folders
        if not folders:
            return
        parts: dict[str, list[Event]] = {}
        for event in events:
            key = event.key
            if "" in folders:
                parts.setdefault("", []).append(event)
            end = key.find("/") + 1
            while end:
                folder = key[:end]
                if folder in folders:
                    parts.setdefault(folder, []).append(event)
                end = key.find("/", end) + 1
        for folder, part in parts.items():
            for observer in tuple(folders.get(folder, ())):
                observer(part)


Replay = Callable[[], Awaitable[list[Event] | None]]
"""The next batch of the past, None at its end."""


class QueuedWatch:
    """A watch: replays history up to the moment it was opened, then gives what was queued since.

    The queue holds at most `limit` events. More than that means a reader that does not read: its
    events are dropped and it is told so; a writer never waits for it.
    """

    def __init__(self, replay: Replay | None, limit: int, closed: Callable[[], None]) -> None:
        self._replay = replay
        self._limit = limit
        self._closed = closed
        self._queue: list[Event] = []
        self._waiter: asyncio.Future[None] | None = None
        self._failure: StoreError | None = None
        self._ended = False

    def offer(self, events: Sequence[Event]) -> None:
        """Takes the events of a commit; the observer side."""
        if self._ended:
            return
        if len(self._queue) + len(events) > self._limit:
            self.fail(WatchOverflow(f"watch is more than {self._limit} events behind"))
            return
        self._queue.extend(events)
        self._wake()

    def fail(self, failure: StoreError) -> None:
        """Ends the watch with an error for its reader."""
        if not self._ended:
            self._failure = failure
            self.close()

    def close(self) -> None:
        """Ends the watch."""
        if self._ended:
            return
        self._ended = True
        self._queue.clear()
        self._closed()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> QueuedWatch:
        return self

    async def __anext__(self) -> list[Event]:
        while True:
            if self._ended:
                if self._failure is not None:
                    raise self._failure
                raise StopAsyncIteration
            if self._replay is not None:
                batch = await self._replayed(self._replay)
                if batch and not self._ended:
                    return batch
            elif self._queue:
                batch, self._queue = self._queue, []
                return batch
            else:
                await self._wait()

    async def _replayed(self, replay: Replay) -> list[Event]:
        try:
            batch = await replay()
        except StoreError as error:
            self.fail(error)
            return []
        if batch is None:
            self._replay = None
            return []
        return batch

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
