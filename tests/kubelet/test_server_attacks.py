"""Streams of the node's own port whose clients mean harm: messages that do not end, ports without number."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from steersman.api.http import Request, Response
from steersman.api.websocket import MESSAGE_MAX, TOO_BIG, Decoder, WebSocketError, masked
from steersman.http.server import HTTPServer
from steersman.kubelet.streaming.handshake import Refused, Upgrade
from steersman.kubelet.streaming.port_forward import requested_ports
from steersman.kubelet.streaming.server import serve_stream

ROOM = 4 * 1024 * 1024
MEBIBYTE = 1024 * 1024
ASKED = (
    b"GET /exec/n/p/c?input=1&output=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
)


def fragment(size: int, opcode: int = 2) -> bytes:
    """The beginning of a message of which more is said to come."""
    return struct.pack(">BBQ", opcode, 0x80 | 127, size) + b"\0\0\0\0" + bytes(size)


async def runtime(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Agrees to everything, and takes whatever comes."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    with suppress(ConnectionError):
        while await reader.read(65536):
            continue
    writer.close()


@pytest.fixture
async def served() -> AsyncIterator[tuple[HTTPServer, int]]:
    """A server whose connections may keep little, before a runtime that does nothing."""
    behind = await asyncio.start_server(runtime, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{behind.sockets[0].getsockname()[1]}/exec/token"

    async def handle(request: Request) -> Response:
        if request.hijack is None:
            return Response(200, {}, b"ok")
        taken, headers = await request.hijack(), list(request.headers.items())
        path = f"{request.path}?{request.query}"
        await serve_stream(request.method, path, headers, taken.reader, taken.writer, url, None, request.keep)
        return Response(0)

    server = HTTPServer(handle, room=lambda: ROOM)
    port = await server.start(["127.0.0.1"], 0)
    yield server, port
    await server.close()
    behind.close()
    await behind.wait_closed()


async def begun(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ASKED)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    return reader, writer


async def test_messages_that_do_not_end_are_cut(served: tuple[HTTPServer, int]) -> None:
    server, port = served
    most, open_ = 0, []
    for _ in range(20):
        reader, writer = await begun(port)
        open_.append(writer)
        with suppress(ConnectionError):
            for opcode in (2, 0, 0, 0):
                writer.write(fragment(MEBIBYTE // 4, opcode))
                await writer.drain()
                most = max(most, server.holdings.sum)
    async with asyncio.timeout(60):
        while len(server.connections) > ROOM // (2 * MEBIBYTE):
            await asyncio.sleep(0)
            most = max(most, server.holdings.sum)
    assert most < 2 * ROOM
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    for one in (*open_, writer):
        one.close()


async def test_a_message_that_is_too_large_ends_the_stream(served: tuple[HTTPServer, int]) -> None:
    _, port = served
    reader, writer = await begun(port)
    writer.write(struct.pack(">BBQ", 0x82, 0x80 | 127, MESSAGE_MAX + 1) + b"\0\0\0\0")
    said = await reader.read()
    assert struct.pack(">H", TOO_BIG) in said
    writer.close()


def test_ports_without_number() -> None:
    """Their channels would have no numbers."""
    path = "/portForward/n/p?port=" + ",".join(["7"] * 129)
    with pytest.raises(Refused, match="at most 128 ports"):
        requested_ports(Upgrade(method="GET", path=path))
    assert len(requested_ports(Upgrade(method="GET", path=path.removesuffix(",7")))) == 128


def test_fragments_are_counted_and_bounded() -> None:
    decoder = Decoder(1000)
    assert decoder.feed(fragment(600)) == []
    assert decoder.kept == 600
    with pytest.raises(WebSocketError):
        decoder.feed(fragment(600, 0))


@pytest.mark.parametrize("size", [0, 3, 65_536, 65_537, 200_001])
def test_long_data_is_unmasked_in_pieces(size: int) -> None:
    data, mask = os.urandom(size), b"\x01\x02\x03\x04"
    found = masked(data, mask)
    assert found == bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
    assert masked(found, mask) == data
