"""Exec and attach over WebSocket: channels of messages on the client's side, SPDY streams on the runtime's."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

from msgspec import Struct

from steersman.api import websocket
from steersman.kubelet.streaming import pump, spdy
from steersman.kubelet.streaming.channels import CLOSE, ERROR, RESIZE, STDERR, STDIN, STDOUT, ChannelProtocol
from steersman.kubelet.streaming.handshake import Upgrade
from steersman.kubelet.streaming.socket import WebSocket

RUNTIME_PROTOCOLS = ("v4.channel.k8s.io",)
STREAM_TYPES = {ERROR: "error", STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr", RESIZE: "resize"}


class StreamOptions(Struct, frozen=True, kw_only=True):
    """Which streams the runtime expects. It must be what the runtime was asked the URL with."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False

    def channels(self) -> list[int]:
        """The channels that are streams, in the order clients open them. A terminal has no stderr of its own."""
        wanted = {
            ERROR: True,
            STDIN: self.stdin,
            STDOUT: self.stdout,
            STDERR: self.stderr and not self.tty,
            RESIZE: self.tty,
        }
        return [channel for channel, present in wanted.items() if present]


def stream_options(request: Upgrade) -> StreamOptions:
    """The options in a request's query, in the API's spelling (stdin) or the node's (input)."""
    tty = request.flag("tty")
    return StreamOptions(
        stdin=request.flag("stdin", "input"),
        stdout=request.flag("stdout", "output"),
        stderr=request.flag("stderr", "error") and not tty,
        tty=tty,
    )


class RemoteCommand:
    """One exec or attach: a WebSocket client and an upgraded connection to the runtime."""

    def __init__(
        self,
        protocol: ChannelProtocol,
        options: StreamOptions,
        client: WebSocket,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._protocol = protocol
        self._client = client
        self._reader = reader
        self._writer = writer
        self._encoder = spdy.Encoder()
        self._streams = {channel: 2 * i + 1 for i, channel in enumerate(options.channels())}
        self._channels = {stream: channel for channel, stream in self._streams.items()}
        self._open_outputs = {s for c, s in self._streams.items() if c in (STDOUT, STDERR, ERROR)}
        self._status = bytearray()
        self._stdin_closed = False

    async def run(self) -> None:
        """Until the command has ended and the client has all of its output, or the client left."""
        for channel, stream in self._streams.items():
            headers = {"streamtype": STREAM_TYPES[channel]}
            self._writer.write(self._encoder.encode(spdy.SynStream(stream_id=stream, headers=headers)))
        # An empty message says that the streams stand.
        greeted = next(c for c in (STDOUT, STDERR, ERROR) if c in self._streams)
        await self._client.send(*self._protocol.encode(greeted, b""))
        await pump.first_of(self._from_runtime(), self._from_client())
        await self._client.finish()

    # From the runtime.

    async def _from_runtime(self) -> None:
        decoder = spdy.Decoder()
        try:
            while self._open_outputs and (data := await pump.read(self._reader)):
                for frame in decoder.feed(data):
                    await self._handle(frame)
        except spdy.SpdyError as error:
            await self._client.close(websocket.INTERNAL_ERROR, f"the container runtime broke the stream: {error}")
            return
        if self._streams[ERROR] in self._open_outputs:
            # A runtime that closes the connection right after its status has ended just as well.
            await self._report(bytes(self._status) or _failure("the connection to the container runtime was lost"))

    async def _handle(self, frame: spdy.Frame) -> None:
        match frame:
            case spdy.Data(stream_id=stream, data=data, fin=fin):
                await self._output(stream, data)
                if fin:
                    await self._ended(stream)
            case spdy.RstStream(stream_id=stream):
                await self._ended(stream)
            case spdy.SynReply(stream_id=stream, fin=True):
                await self._ended(stream)
            case spdy.Ping():
                await pump.send(self._writer, self._encoder.encode(frame))

    async def _output(self, stream: int, data: bytes) -> None:
        channel = self._channels.get(stream)
        if channel == ERROR:
            self._status += data
        elif channel in (STDOUT, STDERR) and data:
            await self._client.send(*self._protocol.encode(channel, data))

    async def _ended(self, stream: int) -> None:
        if stream in self._open_outputs:
            self._open_outputs.discard(stream)
            if self._channels[stream] == ERROR:
                await self._report(bytes(self._status))

    async def _report(self, status: bytes) -> None:
        """The error channel's only message: how the command ended."""
        text = self._protocol.error(status)
        if text:
            await self._client.send(*self._protocol.encode(ERROR, text))

    # From the client.

    async def _from_client(self) -> None:
        async with aclosing(self._client.messages()) as messages:
            async for message in messages:
                decoded = self._protocol.decode(message)
                if decoded is not None:
                    await self._input(*decoded)
                # As large as clients like, and the next may be long in coming.
                del message, decoded

    async def _input(self, channel: int, data: bytes) -> None:
        fin = channel == CLOSE and self._protocol.can_close and data == bytes([STDIN])
        if fin:
            channel, data = STDIN, b""
        stream = self._streams.get(channel)
        if stream is None or channel not in (STDIN, RESIZE) or (channel == STDIN and self._stdin_closed):
            return
        if data or fin:
            self._stdin_closed = self._stdin_closed or fin
            await pump.send(self._writer, self._encoder.encode(spdy.Data(stream_id=stream, data=data, fin=fin)))


def _failure(message: str) -> bytes:
    status = {"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500}
    return json.dumps(status).encode()
