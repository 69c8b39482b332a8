"""Streams of the API server (watches, logs) over a WebSocket, for clients that ask for one: browsers can read nothing else."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

from steersman.api import websocket
from steersman.api.errors import BadRequest
from steersman.api.http import Hijacked, Request, Response
from steersman.http.taking import end

_READ = 4096
# What a stream takes, and takes once it has had much to send; and what it takes besides that while it is not taken.
_CONNECTED, _BUSY, _BUFFERS = 64 * 1024, 256 * 1024, 256 * 1024
_MAX_MESSAGE = 64 * 1024
# How long what was sent last may take to arrive.
_GOODBYE_SECONDS = 30.0
_BASE64 = "base64.binary.k8s.io"
_LOGS = ("", "binary.k8s.io", _BASE64)

Frames = Callable[[bytes], Iterator[bytes]]


def asked(request: Request) -> bool:
    """Whether the client wants a WebSocket."""
    return request.hijack is not None and "websocket" in _values(request, "upgrade")


async def watch(request: Request, response: Response) -> Response:
    """Send a watch: each event is a message of text. Raises BadRequest."""
    return await _stream(request, response, lambda offered: (offered[0] if offered else "", _lines))


async def log(request: Request, response: Response) -> Response:
    """Send a log: as it comes in binary messages, or as base64 in those of text. Raises BadRequest."""
    return await _stream(request, response, _chosen_for_log)


def _chosen_for_log(offered: list[str]) -> tuple[str, Frames]:
    chosen = next((protocol for protocol in offered or [""] if protocol in _LOGS), None)
    if chosen is None:
        raise BadRequest(f"unable to upgrade: none of the offered protocols is supported: {', '.join(offered)}")
    return chosen, _base64 if chosen == _BASE64 else _binary


def _lines(chunk: bytes) -> Iterator[bytes]:
    for line in chunk.splitlines():
        yield websocket.encode(websocket.TEXT, line)


def _base64(chunk: bytes) -> Iterator[bytes]:
    yield websocket.encode(websocket.TEXT, base64.b64encode(chunk))


def _binary(chunk: bytes) -> Iterator[bytes]:
    yield websocket.encode(websocket.BINARY, chunk)


async def _stream(request: Request, response: Response, choose: Callable[[list[str]], tuple[str, Frames]]) -> Response:
    """Take the connection over and send the body, until it ends or the client goes."""
    assert request.hijack is not None
    body = response.body
    try:
        protocol, frames = choose(_values(request, "sec-websocket-protocol", lower=False))
        head = _handshake(request, protocol)
        client = await request.hijack()
        client.writer.write(head)
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(_send(client, body, frames, request.keep))
                listening = group.create_task(_listen(client))
                await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
                sending.cancel()
                listening.cancel()
        finally:
            await end(client.writer, _GOODBYE_SECONDS)
    finally:
        close = getattr(body, "aclose", None)
        if close is not None:
            await close()
    return Response(0)


def _handshake(request: Request, protocol: str) -> bytes:
    """The answer that begins the WebSocket. Raises BadRequest."""
    keys = _values(request, "sec-websocket-key", lower=False)
    try:
        return websocket.handshake(keys, _values(request, "sec-websocket-version"), protocol)
    except ValueError as error:
        raise BadRequest(str(error)) from error


async def _send(
    client: Hijacked, body: bytes | AsyncIterator[bytes], frames: Frames, keep: Callable[[int], None]
) -> None:
    # A client that goes is no error, whatever the system calls it: that is how these streams end.
    with suppress(OSError):
        async for chunk in _chunks(body):
            # A client that is slow has it in memory twice.
            keep(_CONNECTED + _BUFFERS + 2 * len(chunk))
            for frame in frames(chunk):
                client.writer.write(frame)
            await client.writer.drain()
            keep(_BUSY if len(chunk) > _READ else _CONNECTED)
        client.writer.write(websocket.encode_close(websocket.NORMAL))
        await client.writer.drain()


async def _chunks(body: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if not isinstance(body, bytes):
        async for chunk in body:
            yield chunk
    elif body:
        yield body


async def _listen(client: Hijacked) -> None:
    """Answer pings, until the client closes, goes or breaks the protocol; what else it says is not heard."""
    decoder = websocket.Decoder(_MAX_MESSAGE)
    with suppress(OSError):
        while data := await client.reader.read(_READ):
            try:
                messages = decoder.feed(data)
            except websocket.WebSocketError as error:
                client.writer.write(websocket.encode_close(error.code, str(error)))
                return
            for message in messages:
                if message.opcode == websocket.CLOSE:
                    client.writer.write(websocket.encode_close(websocket.NORMAL))
                    return
                if message.opcode == websocket.PING:
                    client.writer.write(websocket.encode(websocket.PONG, message.data))
            # Who does not read is not read from either.
            await client.writer.drain()


def _values(request: Request, name: str, *, lower: bool = True) -> list[str]:
    found = [part.strip() for part in request.headers.get(name, "").split(",") if part.strip()]
    return [part.lower() for part in found] if lower else found
