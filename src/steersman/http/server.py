"""A handler on sockets: listeners, the connections that they have taken, and the end of those that take too long."""

from __future__ import annotations

import asyncio
import resource
import ssl
import sys
from collections.abc import Callable, Sequence
from typing import Any

from steersman.api.http import Handler
from steersman.http.connection import Connection
from steersman.http.head import Memory
from steersman.http.limits import MAX_BODY, Limits

Judge = Callable[[Any], tuple[bool, bool]]
"""Whether the peer of a TLS connection (its `ssl_object`) is a client, and whether it is a front proxy."""
Streamed = Callable[[str, str], bool]
"""Whether the body of a request (method, path) is handed on while it arrives. Others are read first, up to the limit."""

# For those that have to be told to end, and for what is left then.
_GRACE = 0.5
# Descriptors that are left for everything else when the connections have taken theirs.
_SPARE_DESCRIPTORS = 256


class HTTPServer:
    """Serves a handler on any number of addresses. `start` listens, `close` refuses new requests and ends the running ones.

    Handlers are cancelled when their client goes away. A handler's first step is made where the request's last bytes are read, so
    it must not block, as nothing in an event loop may. Of connections beyond `max_connections` nothing is read (0: as many as the
    process may have descriptors, but for some).
    """

    def __init__(
        self,
        handler: Handler,
        *,
        max_body: int = MAX_BODY,
        judge: Judge | None = None,
        streamed: Streamed | None = None,
        limits: Limits | None = None,
        max_connections: int = 0,
    ) -> None:
        self.handler = handler
        self.max_body = max_body
        self.judge = judge
        self.streamed = streamed
        self.limits = limits or Limits()
        self.most = max_connections or _room()
        self.memory = Memory()
        self.connections: set[Connection] = set()
        self.closing = False
        self.now: Callable[[], float] = lambda: 0.0
        """The time of the event loop."""
        self._listeners: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    async def start(
        self, hosts: Sequence[str], port: int, tls: ssl.SSLContext | None = None, *, backlog: int = 1024
    ) -> int:
        """Listen on each host; a port of 0 takes a free one, the same for all. Returns the port."""
        loop = asyncio.get_running_loop()
        self.now, self.closing = loop.time, False
        for host in hosts:
            listener = await loop.create_server(lambda: Connection(self, loop), host, port, ssl=tls, backlog=backlog)
            self._listeners.append(listener)
            port = port or listener.sockets[0].getsockname()[1]
        if self._timer is None:
            self._timer = loop.call_later(self.limits.interval, self._sweep, loop)
        return port

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in [c for c in self.connections if c.deadline < now]:
            connection.expire()
        self._timer = loop.call_later(self.limits.interval, self._sweep, loop)

    def later(self, connection: Connection) -> None:
        """Cut a connection that has had its last answer, in case that its client does not end it."""
        asyncio.get_running_loop().call_later(self.limits.linger, connection.cut)

    def forget(self, connection: Connection) -> None:
        """A connection has ended, and so has what was worked on for it."""
        self.connections.discard(connection)
        self.look()

    def look(self) -> None:
        """Whether what `close` waits for is the case now."""
        for is_true, future in self._waiting:
            if is_true() and not future.done():
                future.set_result(None)

    async def close(self, timeout: float = 2.0) -> None:
        """Listen no more; requests that are worked on have `timeout` seconds to end, then they are cancelled."""
        self.closing = True
        for listener in self._listeners:
            listener.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in tuple(self.connections):
            connection.retire()
        await self._until(lambda: not any(c.busy for c in self.connections), timeout)
        for connection in tuple(self.connections):
            connection.cancel()
        await self._until(lambda: not self.connections, _GRACE)
        for connection in tuple(self.connections):
            connection.cut()
        await self._until(lambda: not self.connections, _GRACE)
        for listener in self._listeners:
            await listener.wait_closed()
        self._listeners.clear()

    async def _until(self, is_true: Callable[[], bool], timeout: float) -> None:
        """Wait for connections to end, but not longer than that."""
        if is_true():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = is_true, future
        self._waiting.append(entry)
        try:
            await asyncio.wait([future], timeout=timeout)
        finally:
            self._waiting.remove(entry)


def _room() -> int:
    """How many connections the process has descriptors for."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if descriptors == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(descriptors - _SPARE_DESCRIPTORS, _SPARE_DESCRIPTORS)
