"""The sockets of the DNS server: UDP and TCP on every address, bounded, and deaf to nonsense."""

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from steersman.dns.responder import Responder

# Questions in work at once. One more is dropped: the client asks again, and upstream is too slow anyhow.
MAX_PENDING = 1024
MAX_CONNECTIONS = 256
# Of one address: nobody alone keeps the others out.
MAX_OF_ADDRESS = 64
# For the next question, and for taking the answer.
IDLE_SECONDS = 10.0

_log = logging.getLogger(__name__)


class _Datagrams(asyncio.DatagramProtocol):
    """One UDP socket. What was answered before is answered in the same turn of the loop."""

    def __init__(self, server: "DnsServer") -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        known = self._server.responder.at_once(data, stream=False)
        if known is not None:
            self.send(known, addr)
        else:
            self._server.handle(self, data, addr)

    def send(self, data: bytes, addr: Any) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, addr)

    def error_received(self, exc: Exception) -> None:
        _log.debug("a client went away: %s", exc)


class DnsServer:
    """Serves one responder. ``serve`` opens the sockets and yields the bound (address, port) pairs; leaving it closes them."""

    def __init__(self, responder: Responder) -> None:
        self.responder = responder
        self._tasks: asyncio.TaskGroup | None = None
        self._pending: set[asyncio.Task[None]] = set()
        self._connections: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def serve(self, addresses: Sequence[str], port: int) -> AsyncIterator[list[tuple[str, int]]]:
        """Raises OSError, naming the address, when one cannot be had. Port 0 takes any free one for each address."""
        with contextlib.ExitStack() as sockets:
            pairs = []
            for address in addresses:
                pair = bind(address, port)
                for opened in pair:
                    sockets.enter_context(opened)
                pairs.append(pair)
            async with contextlib.AsyncExitStack() as stack:
                self._tasks = await stack.enter_async_context(asyncio.TaskGroup())
                for pair in pairs:
                    await self._open(stack, *pair)
                try:
                    yield [(host, pair[0].getsockname()[1]) for host, pair in zip(addresses, pairs, strict=True)]
                finally:
                    self._tasks = None
                    for task in self._pending:
                        task.cancel()

    async def _open(self, stack: contextlib.AsyncExitStack, stream: socket.socket, datagram: socket.socket) -> None:
        server = await asyncio.start_server(self._connection, sock=stream)
        stack.callback(server.close)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=datagram)
        stack.callback(transport.close)

    # Datagrams

    def handle(self, source: _Datagrams, data: bytes, addr: Any) -> None:
        if self._tasks is None or len(self._pending) >= MAX_PENDING:
            return
        task = self._tasks.create_task(self._answer_datagram(source, data, addr))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _answer_datagram(self, source: _Datagrams, data: bytes, addr: Any) -> None:
        answer = await self.responder.answer(data, stream=False)
        if answer is not None:
            source.send(answer, addr)

    # Streams

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        if self._connections.total() >= MAX_CONNECTIONS or self._connections[address] >= MAX_OF_ADDRESS:
            writer.close()
            return
        self._connections[address] += 1
        try:
            await self._converse(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
            _log.debug("a client's connection ended: %s", error)
            # What was written and not taken is not waited for.
            writer.transport.abort()
        finally:
            self._connections[address] -= 1
            if not self._connections[address]:
                del self._connections[address]
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                length = int.from_bytes(await reader.readexactly(2), "big")
                data = await reader.readexactly(length)
            answer = self.responder.at_once(data, stream=True)
            if answer is None:
                answer = await self.responder.answer(data, stream=True)
            if answer is None:
                return
            writer.write(len(answer).to_bytes(2, "big") + answer)
            async with asyncio.timeout(IDLE_SECONDS):
                await writer.drain()


def bind(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A TCP and a UDP socket on the same port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    stream = socket.socket(family, socket.SOCK_STREAM)
    datagram = socket.socket(family, socket.SOCK_DGRAM)
    try:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stream.bind((address, port))
        datagram.bind((address, stream.getsockname()[1]))
    except OSError as error:
        stream.close()
        datagram.close()
        raise OSError(error.errno, f"cannot listen for DNS on {address}:{port}: {error.strerror}") from error
    for opened in (stream, datagram):
        opened.setblocking(False)
    return stream, datagram
