"""Port-forward over WebSocket: SPDY tunnelled in messages, and the older channels of ports."""

from __future__ import annotations

import asyncio
import struct
from contextlib import aclosing

from steersman.api import websocket
from steersman.kubelet.streaming import pump, spdy
from steersman.kubelet.streaming.channels import ChannelProtocol
from steersman.kubelet.streaming.handshake import Refused, Upgrade
from steersman.kubelet.streaming.socket import WebSocket

RUNTIME_PROTOCOLS = ("portforward.k8s.io",)
# Each has two channels, whose numbers are bytes.
_MOST_PORTS = 128


async def tunnel(client: WebSocket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Unwrap the client's messages into the runtime's SPDY connection and back, unread."""

    async def outward() -> None:
        while data := await pump.read(reader):
            await client.send(websocket.BINARY, data)

    async def inward() -> None:
        async with aclosing(client.messages()) as messages:
            async for data in messages:
                if not await pump.send(writer, data):
                    return
                # As large as clients like, and the next may be long in coming.
                del data

    await pump.first_of(outward(), inward())
    await client.finish()


def requested_ports(request: Upgrade) -> list[int]:
    """The ports in a request's query. Refused when there are none or one is no port."""
    texts = [text for value in request.query("port", "ports") for text in value.split(",")]
    if not texts:
        raise Refused(400, "at least one port is required")
    if len(texts) > _MOST_PORTS:
        raise Refused(400, f"at most {_MOST_PORTS} ports can be forwarded by one connection")
    for text in texts:
        if not text.isdecimal() or not 0 < int(text) < 65536:
            raise Refused(400, f'"{text}" is not a port')
    return [int(text) for text in texts]


class PortChannels:
    """One connection per requested port: of port i, channel 2i carries data and 2i+1 errors, each opened by
    the port's number."""

    def __init__(
        self,
        protocol: ChannelProtocol,
        ports: list[int],
        client: WebSocket,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._protocol = protocol
        self._ports = ports
        self._client = client
        self._reader = reader
        self._writer = writer
        self._encoder = spdy.Encoder()
        # Clients open a port's error stream first.
        self._stream_of = {}
        for i in range(len(ports)):
            self._stream_of[2 * i + 1] = 4 * i + 1
            self._stream_of[2 * i] = 4 * i + 3
        self._channel_of = {stream: channel for channel, stream in self._stream_of.items()}
        self._open = set(self._channel_of)

    async def run(self) -> None:
        """Until every port's connection has ended, or the client left."""
        for channel, stream in self._stream_of.items():
            index, is_error = divmod(channel, 2)
            headers = {
                "streamtype": "error" if is_error else "data",
                "port": str(self._ports[index]),
                "requestid": str(index),
            }
            # Nothing is ever sent on an error stream.
            opening = spdy.SynStream(stream_id=stream, headers=headers, fin=bool(is_error))
            self._writer.write(self._encoder.encode(opening))
        for i, port in enumerate(self._ports):
            for channel in (2 * i, 2 * i + 1):
                await self._client.send(*self._protocol.encode(channel, struct.pack("<H", port)))
        await pump.first_of(self._from_runtime(), self._from_client())
        await self._client.finish()

    async def _from_runtime(self) -> None:
        decoder = spdy.Decoder()
        try:
            while self._open and (data := await pump.read(self._reader)):
                for frame in decoder.feed(data):
                    await self._handle(frame)
        except spdy.SpdyError as error:
            await self._client.close(websocket.INTERNAL_ERROR, f"the container runtime broke the stream: {error}")

    async def _handle(self, frame: spdy.Frame) -> None:
        match frame:
            case spdy.Data(stream_id=stream, data=data, fin=fin):
                if data and stream in self._channel_of:
                    await self._client.send(*self._protocol.encode(self._channel_of[stream], data))
                if fin:
                    self._open.discard(stream)
            case spdy.RstStream(stream_id=stream) | spdy.SynReply(stream_id=stream, fin=True):
                self._open.discard(stream)
            case spdy.Ping():
                await pump.send(self._writer, self._encoder.encode(frame))

    async def _from_client(self) -> None:
        async with aclosing(self._client.messages()) as messages:
            async for message in messages:
                decoded = self._protocol.decode(message)
                if decoded is not None:
                    await self._input(*decoded)
                # As large as clients like, and the next may be long in coming.
                del message, decoded

    async def _input(self, channel: int, data: bytes) -> None:
        stream = self._stream_of.get(channel)
        if stream is not None and channel % 2 == 0 and data:
            await pump.send(self._writer, self._encoder.encode(spdy.Data(stream_id=stream, data=data)))
