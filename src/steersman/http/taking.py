"""Connections that a handler has taken away from HTTP: from then on they are a reader and a writer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from steersman.api.http import Hijacked

# Twice as much is read before the client has to wait.
_LIMIT = 32 * 1024
# What event loops may have read ahead of a stream, and what may be written that is not taken.
_AHEAD = 64 * 1024
# What the system may have read ahead of who asks for little; of bodies and streams; and of a stream that brings much, whose client may
# be far away, while there is room. With less, what comes over the loopback in large segments is dropped and sent again.
SMALL_WINDOW, WINDOW, LARGE_WINDOW = 32 * 1024, 64 * 1024, 256 * 1024
_WINDOW_CLAMP: int | None = getattr(socket, "TCP_WINDOW_CLAMP", None)


def limit_window(sock: socket.socket | None, size: int) -> None:
    """Bound what the system reads ahead: event loops take, and keep buffers for, all that has come at a time."""
    if sock is not None and sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        if _WINDOW_CLAMP is not None:
            # Linux notes what a smaller buffer allowed, and holds to that when the buffer becomes larger.
            sock.setsockopt(socket.IPPROTO_TCP, _WINDOW_CLAMP, 2 * size)


def slim(transport: asyncio.WriteTransport) -> None:
    """Bound what is in memory of a stream whose other end stands still: by themselves event loops take far more."""
    transport.set_write_buffer_limits(high=_AHEAD)
    limit_reading = getattr(transport, "set_read_buffer_limits", None)
    if limit_reading is not None:
        # Of TLS, before it is decrypted.
        limit_reading(high=_AHEAD)
    limit_window(transport.get_extra_info("socket"), WINDOW)


async def end(writer: asyncio.StreamWriter, seconds: float) -> None:
    """Close a connection, whatever state it is in: its peer has so long to take what was sent, and to say farewell."""
    try:
        writer.close()
        async with asyncio.timeout(seconds):
            await writer.wait_closed()
    except OSError as error:
        # The streams keep it, and it would keep them.
        error.__traceback__ = None
    finally:
        # Else what is not taken stays for ever, and its connection with it.
        writer.transport.abort()


class _Taken(asyncio.StreamReaderProtocol):
    """The protocol of a hijacked connection; tells the HTTP connection, which no longer hears of it, when it ends."""

    def __init__(self, reader: asyncio.StreamReader, lost: Callable[[Exception | None], None]) -> None:
        super().__init__(reader)
        self._lost = lost

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._lost(exc)


def take(
    transport: asyncio.Transport,
    lost: Callable[[Exception | None], None],
    ahead: bytes,
    window: Callable[[], int],
    *,
    unwritable: bool,
) -> Hijacked:
    """Give the transport to a reader and a writer, with what has been read `ahead`; `lost` is told of its end, and `window` is asked
    how much the system may read ahead of a stream that brings much."""
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
    sock = transport.get_extra_info("socket")
    return Hijacked(
        reader, asyncio.StreamWriter(transport, protocol, reader, loop), lambda: limit_window(sock, window())
    )
