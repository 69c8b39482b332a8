"""What connections keep, under random sequences of what clients and handlers do: when all have ended, nothing is kept any more."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from tests.http.conftest import END, Client, Serve, echo, until

from steersman.api.http import Request, Response
from steersman.http.connection import Connection
from steersman.http.holdings import WIDE
from steersman.http.taking import LARGE_WINDOW, SMALL_WINDOW, WINDOW

LARGE = 700_000
STALLED, MOST_AHEAD = 640 * 1024, 256 * 1024 + 1
PATHS = ("/", "/large", "/wait", "/pieces", "/stream", "/taken", "/fails")
UPGRADE = "Connection: Upgrade\r\nUpgrade: x\r\n"


class Careless:
    """Answers in every way there is, and says at any time that it keeps something."""

    def __init__(self, random: Random) -> None:
        self.random, self.gone = random, asyncio.Event()
        self.requests: list[Request] = []

    async def work(self, request: Request) -> Response:
        self.requests.append(request)
        self._keep(request)
        match request.path:
            case "/large":
                return Response(200, {}, b"x" * LARGE)
            case "/wait":
                await self.gone.wait()
            case "/pieces" | "/stream":
                return Response(200, {}, self._pieces(request))
            case "/taken" if request.hijack is not None:
                await self._take(request)
                return Response(0)
            case "/fails":
                raise RuntimeError("on purpose")
        self._keep(request)
        return Response(200, {}, b"ok")

    def _keep(self, request: Request) -> None:
        request.keep(self.random.choice((0, 1000, LARGE)))

    async def _pieces(self, request: Request) -> AsyncIterator[bytes]:
        async for piece in request.body_stream or _some():
            self._keep(request)
            yield piece

    async def _take(self, request: Request) -> None:
        assert request.hijack is not None
        taken = await request.hijack()
        try:
            taken.writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b"x" * self.random.choice((1, LARGE)))
            self._keep(request)
            await taken.writer.drain()
            await taken.reader.read(100)
        except ConnectionError:
            self._keep(request)
        finally:
            taken.writer.transport.abort()


async def _some() -> AsyncIterator[bytes]:
    for _ in range(20):
        yield b"x" * 20_000


def _request(random: Random) -> bytes:
    path = random.choice(PATHS)
    body = b"x" * random.choice((0, 10, LARGE))
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{UPGRADE if path == '/taken' else ''}"
    if random.random() < 0.3:
        return f"{head}Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _live(client: Client, random: Random) -> None:
    """One client: asks, reads or does not, and goes in one way or another."""
    try:
        for _ in range(random.randint(0, 3)):
            asked = _request(random)
            if client.writer.transport.is_closing():
                return
            client.send(asked[: random.randint(0, len(asked))] if random.random() < 0.3 else asked)
            for _ in range(random.randint(0, 5)):
                await asyncio.sleep(0)
            if random.random() < 0.5:
                async with asyncio.timeout(0.01):
                    await client.reader.read(random.choice((1, 100, LARGE)))
    except (ConnectionError, TimeoutError):
        client.writer.transport.abort()
    match random.randint(0, 2):
        case 0:
            client.writer.close()
        case 1 if not client.writer.transport.is_closing():
            sock: Any = client.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.writer.transport.abort()
        case _:
            client.writer.transport.abort()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("room", [3_000_000, 1 << 30])
async def test_nothing_is_kept_for_those_that_have_gone(serve: Serve, seed: int, room: int) -> None:
    random = Random(seed)
    careless = Careless(random)
    served = await serve(careless.work, streamed=lambda m, path: path == "/stream", room=lambda: room)
    clients = [await served.connect() for _ in range(20)]
    await asyncio.gather(*(_live(client, random) for client in clients))
    careless.gone.set()
    await served.server.close(60)
    assert not served.server.connections
    for request in careless.requests:
        # Whoever hears late that the client has gone keeps nothing for it.
        request.keep(LARGE)
    assert served.server.holdings.sum == served.server.holdings.leaving == 0


async def test_a_body_that_ends_while_it_is_held_counts_no_longer(serve: Serve) -> None:
    counted: list[int] = []

    async def handle(request: Request) -> Response:
        assert request.body_stream is not None
        await until(lambda: served.server.holdings.sum > STALLED)
        counted.extend([served.server.holdings.sum async for _ in request.body_stream])
        return Response(200, {}, b"ok")

    served = await serve(handle, streamed=lambda m, path: True)
    client = await served.connect()
    # As much as is taken before it is held: all has come by then.
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % MOST_AHEAD + b"x" * MOST_AHEAD)
    assert (await client.answer())[1] == b"ok"
    assert counted[0] > STALLED > counted[-1]


@pytest.mark.parametrize(("room", "of_a_stream"), [(WIDE, WINDOW), (4 * WIDE, LARGE_WINDOW)])
async def test_how_much_may_be_read_ahead(serve: Serve, room: int, of_a_stream: int) -> None:
    windows: list[int] = []

    def look() -> None:
        (connection,) = served.server.connections
        sock: Any = connection._transport.get_extra_info("socket")
        windows.append(int(sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)) // 2)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP) >= windows[-1]

    async def handle(request: Request) -> Response:
        if request.hijack is None:
            look()
            return Response(200, {}, b"ok")
        taken = await request.hijack()
        look()
        taken.widen()
        look()
        taken.writer.close()
        return Response(0)

    served = await serve(handle, room=lambda: room)
    client = await served.connect()
    for length in (10, 100_000):
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length + b"x" * length)
        assert (await client.answer())[1] == b"ok"
    client.send(f"GET / HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n".encode())
    await client.rest()
    assert windows == [SMALL_WINDOW, WINDOW, WINDOW, of_a_stream]


async def test_a_connection_that_has_ended_is_in_memory_no_more(serve: Serve) -> None:
    """At once: if it took the collector to find it, its buffers would add up."""
    served = await serve(echo)
    client = await served.connect()
    client.send(b"GET / HTTP/1.1\r\n" + END)
    await client.answer()
    gc.disable()
    try:
        client.writer.transport.abort()
        await until(lambda: not served.server.connections)
        # What the event loop itself knows of it goes in its next turns.
        for _ in range(10):
            await asyncio.sleep(0)
        assert not [o for o in gc.get_objects() if isinstance(o, Connection) and o._server is served.server]
    finally:
        gc.enable()
