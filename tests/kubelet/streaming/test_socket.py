"""What a WebSocket keeps of a client's messages, and what it says of that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from steersman.api.websocket import masked
from steersman.kubelet.streaming.socket import CONNECTED, WebSocket

SIZE = 4 * 1024 * 1024
MASK = b"\x01\x02\x03\x04"


def frame(data: bytes, *, final: bool = True, opcode: int = 2) -> bytes:
    return bytes([final << 7 | opcode, 0xFF]) + len(data).to_bytes(8, "big") + MASK + masked(data, MASK)


@asynccontextmanager
async def connected(kept: list[int]) -> AsyncIterator[tuple[WebSocket, asyncio.StreamReader]]:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        reader = asyncio.StreamReader(limit=2 * SIZE)
        yield WebSocket(reader, writer, kept.append), reader
        writer.close()


async def test_a_message_counts_until_it_is_passed_on() -> None:
    kept: list[int] = []
    async with connected(kept) as (client, reader):
        reader.feed_data(frame(b"x" * SIZE) + frame(b"small"))
        messages = client.messages()
        assert len(await anext(messages)) == SIZE
        # It, and what it becomes for the runtime.
        assert kept[-1] > CONNECTED + 2 * SIZE
        assert max(kept[:-1]) > CONNECTED + SIZE
        assert await anext(messages) == b"small"
        following = asyncio.ensure_future(anext(messages))
        reader.feed_data(frame(b"", final=False))
        reader.feed_data(frame(b"end", opcode=0))
        assert await following == b"end"
        reader.feed_eof()
        assert [message async for message in messages] == []
        assert kept[-1] == CONNECTED
        assert client.gone
