"""A backend's answer to an upgrade that it does not agree to: whole when it is short, else passed on as it comes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

from steersman.api.http import Response

KEPT = 64 * 1024
"""Bytes of a body that are read at once."""
_CHUNK = 64 * 1024
_SIZE = re.compile(rb"[0-9a-fA-F]{1,15}", re.ASCII).fullmatch
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII).fullmatch
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])[ \r]").match
# Whatever their headers say, these have none.
_BODILESS = frozenset({204, 205, 304})


class Body:
    """A body piece by piece, however its end is told: by its length, by chunks, by the end of the connection."""

    def __init__(self, reader: asyncio.StreamReader, headers: Mapping[str, str], *, empty: bool = False) -> None:
        """`headers` have small names. Raises ValueError for a length that is none."""
        self._reader = reader
        self._chunked = headers.get("transfer-encoding", "").lower().endswith("chunked")
        self._begun = False
        # Bytes to come, of the body or of its chunk; None when only the connection's end will tell.
        self._left: int | None = None
        if self._chunked:
            self._left = 0
        elif length := headers.get("content-length", ""):
            if not _LENGTH(length):
                raise ValueError(f"a length of {length!r}")
            self._left = int(length)
        self.over = empty or (self._left == 0 and not self._chunked)

    async def piece(self) -> bytes:
        """Some of it; nothing after the end. Raises ValueError, asyncio.IncompleteReadError."""
        if self._chunked and not self._left and not self.over:
            await self._next_chunk()
        if self.over:
            return b""
        data = await self._reader.read(_CHUNK if self._left is None else min(self._left, _CHUNK))
        if self._left is None:
            self.over = not data
        elif not data:
            raise asyncio.IncompleteReadError(data, self._left)
        else:
            self._left -= len(data)
            self.over = not self._left and not self._chunked
        return data

    async def _next_chunk(self) -> None:
        if self._begun:
            await self._reader.readexactly(2)
        self._begun = True
        size = (await self._reader.readuntil(b"\r\n")).split(b";")[0].strip()
        if not _SIZE(size):
            raise ValueError(f"a chunk of {size!r} bytes")
        self._left = int(size, 16)
        self.over = not self._left


class Rest:
    """What has been read of a long body, and then what comes; `close` is called at the end."""

    def __init__(self, first: bytes, body: Body, close: Callable[[], None]) -> None:
        self._first, self._body, self._close = first, body, close

    def __aiter__(self) -> Rest:
        return self

    async def __anext__(self) -> bytes:
        first, self._first = self._first, b""
        if first:
            return first
        try:
            data = await self._body.piece()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            await self.aclose()
            raise ConnectionResetError(str(error)) from error
        if not data:
            await self.aclose()
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """Let go of the connection. Idempotent."""
        self._close()


async def begun(body: Body) -> bytes:
    """The body, or its beginning if it is a long one."""
    parts: list[bytes] = []
    size = 0
    while not body.over and size < KEPT:
        parts.append(await body.piece())
        size += len(parts[-1])
    return b"".join(parts)


def status_of(head: bytes) -> int:
    """Raises ValueError for what is no answer."""
    found = _STATUS(head)
    if found is None:
        raise ValueError(f"malformed HTTP response {head[:40]!r}")
    return int(found[1])


def parse(head: bytes, method: str, reader: asyncio.StreamReader) -> tuple[Response, Body]:
    """The answer without its body, and the body. Raises ValueError."""
    status = status_of(head)
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", "surrogateescape").split("\r\n")[1:]:
        name, separator, value = line.partition(":")
        if separator:
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}\n{value}" if name in headers else value
    return Response(status, headers), Body(reader, headers, empty=method == "HEAD" or status in _BODILESS)
