"""Request bodies: where they end, by length or in chunks, and those that are handed on while they arrive."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable

from steersman.http.limits import MAX_CHUNK_LINE, MAX_TRAILERS, Malformed

Sink = Callable[[bytes], None]

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?").fullmatch
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\x00-\x08\x0a-\x1f\x7f]*").fullmatch


class Sized:
    """A body of known length."""

    __slots__ = ("_missing",)

    def __init__(self, length: int) -> None:
        self._missing = length

    def feed(self, data: bytes, sink: Sink) -> bytes | None:
        """Give what belongs to the body to `sink`; returns what follows its end, or None before that."""
        if len(data) < self._missing:
            self._missing -= len(data)
            sink(data)
            return None
        sink(data[: self._missing])
        return data[self._missing :]


class Chunked:
    """A body in chunks."""

    __slots__ = ("_buffer", "_missing", "_trailers")

    def __init__(self) -> None:
        self._buffer = b""
        self._missing = 0
        """Bytes of the chunk, and of the line end behind it, that are still to come."""
        self._trailers = -1
        """Bytes of trailers so far; negative before the last chunk."""

    def feed(self, data: bytes, sink: Sink) -> bytes | None:
        """As `Sized.feed`. Raises Malformed."""
        if self._buffer:
            data, self._buffer = self._buffer + data, b""
        at, size = 0, len(data)
        while at < size:
            if self._missing:
                at = self._chunk(data, at, sink)
                continue
            end = data.find(b"\r\n", at, at + MAX_CHUNK_LINE + 2 if self._trailers < 0 else size)
            if end < 0:
                self._hold(data[at:])
                return None
            line, at = data[at:end], end + 2
            if self._trailers < 0:
                self._begin(line)
            elif line:
                self._trailer(line)
            else:
                return data[at:]
        return None

    def _chunk(self, data: bytes, at: int, sink: Sink) -> int:
        """Consume from within a chunk; returns where it has come to."""
        content = self._missing - 2
        if content > 0:
            piece = data[at : at + content]
            sink(piece)
            self._missing -= len(piece)
            return at + len(piece)
        end = data[at : at + self._missing]
        if not b"\r\n"[2 - self._missing :].startswith(end):
            raise Malformed("a chunk does not end where it says")
        self._missing -= len(end)
        return at + len(end)

    def _hold(self, rest: bytes) -> None:
        if len(rest) > (MAX_CHUNK_LINE if self._trailers < 0 else MAX_TRAILERS) or b"\n" in rest:
            raise Malformed("malformed line between chunks")
        self._buffer = rest

    def _begin(self, line: bytes) -> None:
        match = _SIZE(line)
        if match is None:
            raise Malformed("malformed size of a chunk")
        size = int(match[1], 16)
        if size:
            self._missing = size + 2
        else:
            self._trailers = 0

    def _trailer(self, line: bytes) -> None:
        self._trailers += len(line)
        if self._trailers > MAX_TRAILERS or not _TRAILER(line):
            raise Malformed("malformed trailers")


class Whole:
    """A sink that keeps a body until it is complete, unless it is larger than that many bytes: then it is `exceeded`."""

    __slots__ = ("_limit", "_pieces", "exceeded", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.size = 0
        self._pieces: list[bytes] = []
        self.exceeded = False

    def __call__(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limit:
            self.exceeded = True
            self._pieces.clear()
        else:
            self._pieces.append(data)

    def value(self) -> bytes:
        return b"".join(self._pieces)


def discard(data: bytes) -> None:
    """The sink of what nobody wants any more."""


class Stream(AsyncIterator[bytes]):
    """A sink that hands a body on while it arrives, as fast as it is taken: `hold` is told to let no more come, or to go on.

    `wanted`, if given, is called when somebody first asks.
    """

    __slots__ = ("_ended", "_error", "_held", "_hold", "_pieces", "_size", "_waiter", "_wanted")

    _HIGH, _LOW = 256 * 1024, 64 * 1024

    def __init__(self, hold: Callable[[bool], None], wanted: Callable[[], None] | None) -> None:
        self._hold = hold
        self._wanted = wanted
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._held = self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __call__(self, data: bytes) -> None:
        if not data:
            return
        self._pieces.append(data)
        self._size += len(data)
        if self._size > self._HIGH and not self._held:
            self._held = True
            self._hold(True)
        self._wake()

    def end(self, error: Exception | None = None) -> None:
        """The body is complete, or will never be."""
        if not self._ended:
            self._ended, self._error = True, error
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def __anext__(self) -> bytes:
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            wanted()
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        piece = self._pieces.popleft()
        self._size -= len(piece)
        if self._held and self._size < self._LOW:
            self._held = False
            self._hold(False)
        return piece
