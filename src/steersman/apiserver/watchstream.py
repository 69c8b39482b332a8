"""The stream of one watch: what it begins with, then what happens, in encoded batches from a bounded queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import msgspec

from steersman.api.errors import StatusError
from steersman.apiserver.backlog import Backlog
from steersman.apiserver.cached import Cached

# When so many lines wait in a stream, their bytes are counted for the first time.
FIRST_LOOK = 512
MOST_BYTES = 16 * 1024 * 1024
MOST_TOGETHER = 128 * 1024
"""Bytes of lines that are sent together; a longer line is sent alone."""

Encoder = Callable[[str, Cached], bytes]
"""The line of a watch event of this type with this object. Watchers with the same encoder share its work."""

Beginning = Callable[[], Awaitable[list[bytes] | None]]
"""The next batch of what comes before the queue, None at its end. A StatusError ends the stream as an ERROR line."""


class Batches:
    """A Beginning of lines that are all at hand, so many at a time, or fewer that are large. `last` says that there are no more."""

    def __init__(self, lines: Iterator[bytes], size: int) -> None:
        self._lines, self._size = lines, size
        self.last = False

    async def __call__(self) -> list[bytes] | None:
        batch, size = [], 0
        for line in self._lines:
            batch.append(line)
            size += len(line)
            if len(batch) >= self._size or size >= MOST_TOGETHER:
                return batch
        self.last = True
        return batch or None


def encode_line(type_: str, item: Cached) -> bytes:
    """The event as JSON clients read it."""
    return b'{"type":"%b","object":%b}\n' % (type_.encode(), item.body)


def error_line(error: StatusError) -> bytes:
    """The event that ends a watch with a Status."""
    return b'{"type":"ERROR","object":%b}\n' % msgspec.json.encode(error.status())


class WatchStream:
    """Async iterator of batches of encoded lines; one reader.

    It ends when it is closed, when the cache ends, and when more than `limit` lines wait, or much more than
    `MOST_BYTES`: a client that does not read is cut off, and watches again from the last line that it got.
    """

    def __init__(
        self,
        *,
        bookmarks: bool,
        after: int,
        limit: int,
        beginning: Beginning | None,
        closed: Callable[[], None],
        backlog: Backlog | None = None,
    ) -> None:
        self._backlog = backlog
        self.bookmarks = bookmarks
        self._after = after
        self._limit = limit
        self._beginning = beginning
        self._closed = closed
        self._queue: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._last = False
        self._overflowed = False
        self._begun: Callable[[], None] | None = None
        self._overflow: Callable[[], None] | None = None
        self._looked_at = min(FIRST_LOOK, limit)
        self.describe: Callable[[StatusError], bytes] = error_line
        """The line of an error, in the representation of the others."""

    def when_begun(self, call: Callable[[], None]) -> bool:
        """Calls back once the first of what comes before the queue has been read, or when the stream ends before that.

        Returns False if there is nothing to wait for, and does not call.
        """
        if self._ended or self._beginning is None:
            return False
        self._begun = call
        return True

    @property
    def beginning(self) -> bool:
        """Whether there may be more of what comes before the queue."""
        return self._beginning is not None

    def _has_begun(self) -> None:
        call, self._begun = self._begun, None
        if call is not None:
            call()

    @property
    def overflowed(self) -> bool:
        """Whether it ended because its reader was too slow."""
        return self._overflowed

    def offer(self, line: bytes, revision: int) -> None:
        """Queues an event's line, unless it is older than what was asked for."""
        if revision > self._after:
            self._put(line)

    def mark(self, line: bytes, revision: int) -> None:
        """Queues a bookmark's line, which may tell that nothing has happened yet."""
        if revision >= self._after:
            self._put(line)

    def _put(self, line: bytes) -> None:
        if self._ended:
            return
        if not self._queue:
            if self._backlog is not None:
                self._backlog.begin(self)
        elif len(self._queue) >= self._looked_at and not self._has_room():
            self.overflow()
            return
        self._queue.append(line)
        self._wake()

    @property
    def waiting(self) -> list[bytes]:
        """The lines that its reader has not taken."""
        return self._queue

    def overflow(self) -> None:
        """Ends the stream, because its reader is too slow."""
        if not self._ended:
            self._overflowed = True
            overflow = self._overflow
            self.close()
            if overflow is not None:
                overflow()

    def _has_room(self) -> bool:
        """Whether one more line may wait. The bytes are counted now and then: most queues never come that far."""
        lines = len(self._queue)
        if lines >= self._limit or sum(map(len, self._queue)) > MOST_BYTES:
            return False
        self._looked_at = min(2 * lines, self._limit)
        return True

    def when_overflowed(self, call: Callable[[], None]) -> None:
        """Calls back when the stream has ended because its reader was too slow."""
        self._overflow = call

    def close(self) -> None:
        """Ends the stream; a waiting reader sees its end. Idempotent."""
        if not self._ended:
            self._ended = True
            self._queue.clear()
            if self._backlog is not None:
                self._backlog.end(self)
            # Whoever was to be told is let go of at once: behind them are connections with their buffers.
            closed, self._closed = self._closed, _nothing
            self._overflow = None
            closed()
            self._beginning = None
            self._has_begun()
            self._wake()

    def finish(self) -> None:
        """Ends the stream when its reader has had what waits for it."""
        self._last = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> WatchStream:
        return self

    async def __anext__(self) -> list[bytes]:
        while not self._ended:
            if self._beginning is not None:
                batch = await self._begin(self._beginning)
                if batch:
                    return batch
            elif self._queue:
                return self._take()
            elif self._last:
                self.close()
            else:
                self._waiter = asyncio.get_running_loop().create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = None
        raise StopAsyncIteration

    def _take(self) -> list[bytes]:
        """What waits, as far as it can be sent together: what is being sent is in memory once for each reader."""
        queue, size = self._queue, 0
        if self._backlog is not None:
            self._backlog.end(self)
        for place, line in enumerate(queue):
            size += len(line)
            if size > MOST_TOGETHER and place:
                self._queue = queue[place:]
                if self._backlog is not None:
                    self._backlog.begin(self)
                return queue[:place]
        self._queue = []
        return queue

    async def _begin(self, beginning: Beginning) -> list[bytes]:
        try:
            batch = await beginning()
        except StatusError as error:
            self.close()
            return [self.describe(error)]
        self._has_begun()
        if batch is None or (isinstance(beginning, Batches) and beginning.last):
            self._beginning = None
        if batch is None:
            return []
        return batch


def _nothing() -> None:
    """The stream has left already."""
