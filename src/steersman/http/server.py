"""A handler on sockets: listeners, the connections that they have taken, and the end of those that take too long."""

from __future__ import annotations

import asyncio
import resource
import ssl
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from math import inf
from typing import Any

from steersman.api.clock import RealClock
from steersman.api.http import Handler
from steersman.http.connection import Connection
from steersman.http.head import Memory
from steersman.http.holdings import Holdings
from steersman.http.limits import MAX_BODY, MAX_HELD, Limits
from steersman.http.listener import Listener, bind
from steersman.http.tls import ServerTLS

Judge = Callable[[Any], tuple[bool, bool]]
"""Whether the peer of a TLS connection (its `ssl_object`) is a client, and whether it is a front proxy."""
Streamed = Callable[[str, str], bool]
"""Whether the body of a request (method, path) is handed on while it arrives. Others are read first, up to the limit."""

# For those that have to be told to end, and for what is left then.
_GRACE = 0.5
# Handshakes under way at a time, of one listener. Each has some 50 KB of memory, as has a connection that is there.
MAX_HANDSHAKES = 128
# Connections of clients that have not shown yet who they are, by a certificate or a token that was good. Of more the one that idles
# longest is ended; those that are at work stay.
MAX_STRANGERS = 512
# How many of them are looked at for one that idles.
_LOOKED_AT = 32
# How long it is remembered that there is no room, and how long a connection may idle before it makes room for one that is new.
_FULL, _IDLE = 0.1, 1.0
# Descriptors that are left for everything else when the connections have taken theirs.
_SPARE_DESCRIPTORS = 256


class HTTPServer:
    """Serves a handler on any number of addresses. `start` listens, `close` refuses new requests and ends the running ones.

    Handlers are cancelled when their client goes away. A handler's first step is made where the request's last bytes are read, so
    it must not block, as nothing in an event loop may. There are `max_connections` at the most (0: as many as the process may have
    descriptors, but for some): for one more, one that idles is ended, of the address that has most and of a client that has shown no
    certificate; where there is none, nothing is read of the new one. `room` is asked now and then how many bytes all connections may
    keep together.
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
        room: Callable[[], int] = lambda: MAX_HELD,
    ) -> None:
        self.handler = handler
        self.max_body = max_body
        self.judge = judge
        self.streamed = streamed
        self.limits = limits or Limits()
        self.most = max_connections or _most()
        self.memory = Memory()
        self.connections: set[Connection] = set()
        self.strangers: dict[Connection, None] = {}
        """Those of clients that have not shown yet who they are, the oldest first."""
        self._room, self.holdings = room, Holdings(room())
        self.closing = False
        self.now: Callable[[], float] = lambda: 0.0
        """The time of the event loop."""
        self.clock = RealClock()
        self.certified: Callable[[float], None] | None = None
        """Is told with each request of a client that has shown a certificate how many seconds that is still good."""
        self._listeners: list[Listener] = []
        self._tls: ssl.SSLContext | ServerTLS | None = None
        self._full_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    async def start(
        self,
        hosts: Sequence[str],
        port: int,
        tls: ssl.SSLContext | ServerTLS | None = None,
        *,
        backlog: int = 1024,
    ) -> int:
        """Listen on each host; a port of 0 takes a free one, the same for all. Returns the port."""
        loop = asyncio.get_running_loop()
        self.now, self.closing, self._tls = loop.time, False, tls
        most = min(MAX_HANDSHAKES, max(self.most // 2, 1))
        for sock in await bind(hosts, port, backlog, loop):
            patience = self.limits.handshake
            self._listeners.append(Listener(self, sock, self._context, loop, patience=patience, most=most))
        if self._timer is None:
            self._timer = loop.call_later(self.limits.interval, self._sweep, loop)
        return self._listeners[-1].port if self._listeners else port

    def _context(self) -> ssl.SSLContext | None:
        tls = self._tls
        return tls.current if isinstance(tls, ServerTLS) else tls

    @property
    def failed_handshakes(self) -> int:
        """How many connections have not come to be since the start, because of TLS."""
        return sum(listener.failed for listener in self._listeners)

    def protocol(self) -> Connection:
        """For a listener."""
        return Connection(self, asyncio.get_running_loop())

    def admit(self, address: str) -> bool:
        """For a listener: whether there is room for one more connection, or can be made."""
        if len(self.strangers) >= MAX_STRANGERS:
            for stranger in islice(self.strangers, _LOOKED_AT):
                if stranger.idle_since < inf:
                    stranger.cut()
                    break
        count = len(self.connections) + sum(len(listener.handshakes) for listener in self._listeners)
        if count < self.most:
            return True
        now = self.now()
        if now < self._full_until:
            return False
        found = dispensable(self.connections, address, now)
        if found is None:
            # Looking through all of them costs something; a flood shall not make us do it for each of its connections.
            self._full_until = now + _FULL
            return False
        found.cut()
        return True

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        # First of all: whatever happens below, there is a next time.
        self._timer = loop.call_later(self.limits.interval, self._sweep, loop)
        now = loop.time()
        self.holdings.most = self._room()
        for connection in [c for c in self.connections if c.deadline < now]:
            connection.expire()
        for connection in [c for c in self.connections if c.named_until < now]:
            # The client may have another one by now, to be shown on another connection.
            connection.forget_client()
            connection.retire()
        if isinstance(self._tls, ServerTLS):
            self._tls.look()

    def verify_anew(self) -> None:
        """The authorities of clients have changed: those that have shown a certificate have to show it again. What they have asked
        for is still answered."""
        for connection in tuple(self.connections):
            if connection.named:
                connection.retire()

    def later(self, connection: Connection) -> None:
        """Cut a connection that has had its last answer, in case that its client does not end it."""
        asyncio.get_running_loop().call_later(self.limits.linger, connection.cut)

    def forget(self, connection: Connection) -> None:
        """A connection has ended, and so has what was worked on for it."""
        self.connections.discard(connection)
        self.strangers.pop(connection, None)
        connection.leave()
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


def dispensable(connections: Iterable[Connection], newcomer: str, now: float) -> Connection | None:
    """Which connection is ended for one from the address `newcomer`: of those that idle, and whose client has shown no certificate,
    the one that idles longest, of the address that has most connections.

    For a newcomer from an address that has as many itself, only one that has idled for a while.
    """
    idle: dict[str, Connection] = {}
    counts: dict[str, int] = {}
    for connection in connections:
        address = connection.remote
        counts[address] = counts.get(address, 0) + 1
        since = connection.idle_since
        if not connection.named and since < inf and (address not in idle or since < idle[address].idle_since):
            idle[address] = connection
    if not idle:
        return None
    address = max(idle, key=lambda a: counts[a])
    found = idle[address]
    if counts[address] > counts.get(newcomer, 0) + 1 or now - found.idle_since > _IDLE:
        return found
    return None


def _most() -> int:
    """How many connections the process has descriptors for."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if descriptors == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(descriptors - _SPARE_DESCRIPTORS, _SPARE_DESCRIPTORS)
