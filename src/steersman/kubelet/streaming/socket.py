"""A WebSocket over a client's connection, after the handshake: whole messages in, messages out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable

from steersman.api import websocket
from steersman.api.http import unbounded
from steersman.api.websocket import Message
from steersman.kubelet.streaming import pump

CONNECTED = 64 * 1024
"""Bytes of memory that a stream takes at the runtime's end."""
# How often a message is there while it is passed on: by itself, without its channel, in a frame, and in what is not taken.
_COPIES = 4


class WebSocket:
    """Answers pings and closes by itself. Sending to a client that is gone does nothing; `gone` says so."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keep: Callable[[int], None] = unbounded
    ) -> None:
        """`keep` is told how many bytes are in memory for the connection's sake."""
        self._reader = reader
        self._writer = writer
        self._keep = keep
        self._decoder = websocket.Decoder()
        self._closing = False
        self.gone = False

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """The data of text and binary messages until the client closes, leaves, or breaks the protocol."""
        try:
            while data := await pump.read(self._reader):
                found = deque(self._decoder.feed(data))
                # A frame is there twice when it is complete.
                rest = CONNECTED + 2 * self._decoder.kept
                self._keep(rest + _COPIES * sum(len(message.data) for message in found))
                while found:
                    message = found.popleft()
                    if message.opcode in (websocket.TEXT, websocket.BINARY):
                        yield message.data
                    elif await self._control(message):
                        return
                    # It may be large, and the next long in coming.
                    del message
                self._keep(rest)
        except websocket.WebSocketError as error:
            await self.close(error.code, str(error))
        self.gone = True

    async def _control(self, message: Message) -> bool:
        """Answer a control frame; whether the connection is over."""
        if message.opcode == websocket.PING:
            await self._send(websocket.encode(websocket.PONG, message.data))
        if message.opcode == websocket.CLOSE:
            await self.close(websocket.NORMAL)
            self.gone = True
            return True
        return False

    async def send(self, opcode: int, data: bytes) -> None:
        """Send one message, and wait while the client does not keep up."""
        if not self._closing:
            await self._send(websocket.encode(opcode, data))

    async def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, once."""
        if not self._closing:
            self._closing = True
            await self._send(websocket.encode_close(code, reason))

    async def _send(self, frame: bytes) -> None:
        if not self.gone and not await pump.send(self._writer, frame):
            self.gone = True

    async def finish(self) -> None:
        """Close and wait a moment for the client to close too, so that it gets all that was sent."""
        await self.close(websocket.NORMAL)
        if not self.gone:
            await pump.finish(self._reader, self._writer)
