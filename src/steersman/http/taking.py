"""Connections that a handler has taken away from HTTP: from then on they are a reader and a writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from steersman.api.http import Hijacked

# Twice as much is read before the client has to wait.
_LIMIT = 32 * 1024
# What event loops may have read ahead of a stream, and what may be written that is not taken.
_WINDOW = 64 * 1024


def slim(transport: asyncio.WriteTransport) -> None:
    """Bound what is in memory of a stream whose other end stands still: by themselves event loops take far more."""
    transport.set_write_buffer_limits(high=_WINDOW)
    limit_reading = getattr(transport, "set_read_buffer_limits", None)
    if limit_reading is not None:
        # Of TLS, before it is decrypted.
        limit_reading(high=_WINDOW)


class _Taken(asyncio.StreamReaderProtocol):
    """The protocol of a hijacked connection; tells the HTTP connection, which no longer hears of it, when it ends."""

    def __init__(self, reader: asyncio.StreamReader, lost: Callable[[Exception | None], None]) -> None:
        super().__init__(reader)
        self._lost = lost

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._lost(exc)


def take(
    transport: asyncio.Transport, lost: Callable[[Exception | None], None], ahead: bytes, *, unwritable: bool
) -> Hijacked:
    """Give the transport to a reader and a writer, with what has been read `ahead`; `lost` is told of its end."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LIMIT, loop=loop)
    protocol = _Taken(reader, lost)
    transport.set_protocol(protocol)
    slim(transport)
    protocol.connection_made(transport)
    if unwritable:
        protocol.pause_writing()
    if ahead:
        reader.feed_data(ahead)
    return Hijacked(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
