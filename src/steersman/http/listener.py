"""Listening sockets: every connection counts from its first byte on, and none may take its time with the TLS handshake.

The event loop's own servers tell of a connection only when its handshake is done, and stop reading when there are no descriptors.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Protocol

from steersman.http.runner import Runner
from steersman.http.taking import SMALL_WINDOW, limit_window

log = logging.getLogger(__name__)

# Connections that are taken in one turn of the event loop.
_BATCH = 64
_FAREWELL = 5.0
# No descriptors, or no memory: look again after so long.
_PAUSE = 0.1
_SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
# It is the client, or the network, that has given up.
_GONE = frozenset(
    {errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ETIMEDOUT}
)


class Host(Protocol):
    """Who takes the connections."""

    def admit(self, address: str) -> bool:
        """Whether one more may come from this address; may have ended another for it."""

    def protocol(self) -> asyncio.BaseProtocol:
        """What a new connection talks to."""


class Handshake:
    """A connection that is not there yet."""

    __slots__ = ("_listener", "_runner", "_socket", "address")

    def __init__(self, listener: Listener, taken: socket.socket, address: str) -> None:
        self._listener, self._socket, self.address = listener, taken, address
        self._runner = Runner(listener.loop, self._ended)

    def start(self, tls: ssl.SSLContext | None) -> None:
        self._runner.start(self._connect(tls))

    async def _connect(self, tls: ssl.SSLContext | None) -> None:
        listener = self._listener
        await listener.loop.connect_accepted_socket(
            listener.host.protocol,
            self._socket,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else listener.patience,
            # For a client that does not answer the end of the connection with its own.
            ssl_shutdown_timeout=None if tls is None else _FAREWELL,
        )

    def end(self) -> None:
        """Give it up."""
        self._listener.handshakes.pop(self, None)
        self._runner.cancel()

    def _ended(self, error: BaseException | None) -> None:
        self._listener.handshakes.pop(self, None)
        self._runner.leave()
        if error is None:
            return
        self._listener.failed += 1
        self._socket.close()
        if isinstance(error, OSError | asyncio.CancelledError):
            # A handshake that fails is the client's affair: nothing of it is worth a line for everybody who dials.
            log.debug("no connection with %s: %s", self.address, error)
        else:
            log.error("no connection with %s", self.address, exc_info=error)
        # Its frames know who raised it: without them all goes at once, TLS and its buffers, not when the collector finds the circle.
        error.__traceback__ = None


class Listener:
    """One listening socket. `patience` is how many seconds a handshake may take, `most` how many may be under way at once: for one
    more, that which takes longest is given up."""

    def __init__(
        self,
        host: Host,
        sock: socket.socket,
        tls: Callable[[], ssl.SSLContext | None],
        loop: asyncio.AbstractEventLoop,
        *,
        patience: float,
        most: int,
    ) -> None:
        self.host, self.loop, self.patience = host, loop, patience
        self.failed = 0
        """How many have not come to their end."""
        self.handshakes: dict[Handshake, None] = {}
        """Those under way, the oldest first."""
        self._socket, self._tls, self._most = sock, tls, most
        self._resume: asyncio.TimerHandle | None = None
        sock.setblocking(False)
        loop.add_reader(sock.fileno(), self._accept)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def _accept(self) -> None:
        for _ in range(_BATCH):
            try:
                taken, peer = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _GONE:
                    continue
                if error.errno not in _SHORTAGE:
                    raise
                log.error("no more connections can be taken: %s", error)
                self.loop.remove_reader(self._socket.fileno())
                self._resume = self.loop.call_later(_PAUSE, self._go_on)
                return
            self._take(taken, str(peer[0]) if peer else "")

    def _go_on(self) -> None:
        self._resume = None
        self.loop.add_reader(self._socket.fileno(), self._accept)

    def _take(self, taken: socket.socket, address: str) -> None:
        if not self.host.admit(address):
            # There is nobody to read why: what could be written would cost what is short.
            taken.close()
            return
        taken.setblocking(False)
        if taken.family != socket.AF_UNIX:
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        limit_window(taken, SMALL_WINDOW)
        handshake = Handshake(self, taken, address)
        tls = self._tls()
        if tls is not None:
            if len(self.handshakes) >= self._most:
                next(iter(self.handshakes)).end()
            self.handshakes[handshake] = None
        handshake.start(tls)

    def close(self) -> None:
        """Listen no more; handshakes are given up."""
        if self._resume is not None:
            self._resume.cancel()
        else:
            self.loop.remove_reader(self._socket.fileno())
        self._socket.close()
        for handshake in tuple(self.handshakes):
            handshake.end()


async def bind(hosts: Iterable[str], port: int, backlog: int, loop: asyncio.AbstractEventLoop) -> list[socket.socket]:
    """Listening sockets on every address of these hosts; a port of 0 takes a free one, the same for all. Raises OSError."""
    bound: list[socket.socket] = []
    try:
        for host in hosts:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, _, _, _, address in dict.fromkeys(found):
                sock = socket.socket(family, socket.SOCK_STREAM)
                bound.append(sock)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((address[0], port or address[1], *address[2:]))
                sock.listen(backlog)
                port = port or sock.getsockname()[1]
    except OSError as error:
        for sock in bound:
            sock.close()
        raise OSError(error.errno, f"cannot listen on port {port}: {error.strerror or error}") from error
    return bound
