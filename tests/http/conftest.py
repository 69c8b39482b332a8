"""Servers of a handler on a free port, and clients that say exactly what a test wants them to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvloop

from steersman.api.http import Handler, Request, Response
from steersman.http.server import HTTPServer

HOST = "127.0.0.1"
END = b"Host: x\r\n\r\n"
BROKEN = b"HTTP/1.1 400 Bad Request\r\n"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Everything on both event loops: on that of the parts, and on Python's own, on which clusters in tests run."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


async def echo(request: Request) -> Response:
    """What was asked."""
    body = f"{request.method} {request.path}?{request.query} ".encode() + request.body
    return Response(200, {"Content-Type": "text/plain"}, body)


async def streaming(request: Request) -> Response:
    """The body, piece by piece."""

    async def pieces() -> AsyncIterator[bytes]:
        assert request.body_stream is not None
        async for piece in request.body_stream:
            yield piece

    return Response(200, {}, pieces())


def streamed(method: str, path: str) -> bool:
    return path.startswith("/stream")


class Endless:
    """A handler, and a stream, that end only when they are told to."""

    def __init__(self) -> None:
        self.started, self.ended = asyncio.Event(), asyncio.Event()

    async def work(self, request: Request) -> Response:
        if request.path == "/stream":
            return Response(200, {}, self._body())
        await self._wait()
        return Response(200)

    async def _wait(self) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    async def _body(self) -> AsyncIterator[bytes]:
        yield b"first"
        await self._wait()


async def until(is_true: Callable[[], bool]) -> None:
    """Let the event loop turn until it is so."""
    turns = 0
    while not is_true():
        turns += 1
        assert turns < 1_000_000
        await asyncio.sleep(0)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def answer(self) -> tuple[bytes, bytes]:
        """The head and the body of an answer whose length is known."""
        head = await self.head()
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return head, await self.reader.readexactly(int(length))

    async def chunk(self) -> bytes:
        """One chunk of a streamed answer; empty at its end."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def rest(self) -> bytes:
        """All that comes until the server ends the connection."""
        return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


class Served:
    """A server that listens."""

    def __init__(self, server: HTTPServer, port: int) -> None:
        self.server, self.port = server, port
        self._clients: list[Client] = []

    async def connect(self) -> Client:
        client = Client(*await asyncio.open_connection(HOST, self.port))
        self._clients.append(client)
        return client

    async def ask(self, data: bytes) -> bytes:
        """All that is answered to this until the server ends the connection."""
        client = await self.connect()
        client.send(data)
        return await client.rest()

    async def close(self) -> None:
        for client in self._clients:
            client.writer.close()
        await self.server.close()


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve a handler; what else is given goes to the server."""
    running: list[Served] = []

    async def start(handler: Handler, **options: Any) -> Served:
        server = HTTPServer(handler, **options)
        running.append(Served(server, await server.start([HOST], 0)))
        return running[-1]

    yield start
    for served in running:
        await served.close()
