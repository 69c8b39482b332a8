"""Connections that end when a test says so, and how: for what copes with peers that go."""

from __future__ import annotations

import asyncio
import errno
import ssl

WAYS: tuple[OSError, ...] = (
    OSError(errno.EHOSTUNREACH, "No route to host"),
    OSError(errno.ENETDOWN, "Network is down"),
    TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
    ssl.SSLError(1, "bad record mac"),
    ConnectionResetError("gone"),
)
"""What systems have to say of a peer that has gone."""


class Nowhere(asyncio.Transport):
    """What is left of a connection."""

    closed = False

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes | bytearray | memoryview) -> None:
        return

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True

    abort = close


def streams() -> tuple[asyncio.StreamReader, asyncio.StreamWriter, asyncio.StreamReaderProtocol]:
    """Both ends of a connection to nowhere, and what is to be told that it is lost. The writer's transport is a `Nowhere`."""
    reader = asyncio.StreamReader()
    protocol, transport = asyncio.StreamReaderProtocol(reader), Nowhere()
    protocol.connection_made(transport)
    return reader, asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop()), protocol
