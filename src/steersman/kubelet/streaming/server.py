"""The way in: one hijacked client connection, served from the CRI's streaming URL until both are done.

SPDY clients are passed through blindly; WebSocket clients are translated, because runtimes speak only the older
subprotocols.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from steersman.api.http import unbounded
from steersman.kubelet.streaming import port_forward, pump, remote_command
from steersman.kubelet.streaming.channels import PORT_FORWARD, REMOTE_COMMAND, TUNNEL
from steersman.kubelet.streaming.handshake import (
    PROTOCOL_HEADER,
    SPDY,
    Refused,
    Upgrade,
    chosen_protocol,
    connect,
    refusal,
    upgrade_request,
    upgraded,
    websocket_answer,
)
from steersman.kubelet.streaming.remote_command import RemoteCommand, StreamOptions, stream_options
from steersman.kubelet.streaming.socket import CONNECTED, WebSocket


async def serve_stream(
    method: str,
    path: str,
    headers: Iterable[tuple[str, str]],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    cri_url: str,
    options: StreamOptions | None = None,
    keep: Callable[[int], None] = unbounded,
) -> None:
    """Serve one exec, attach or port-forward.

    The client's request head has been read and nothing answered; this writes the whole answer, a refusal too,
    and closes `writer`. `path` includes the query; `headers` keep repeated ones apart. `cri_url` is what the
    runtime just gave: it says which of the three it is, and is used up. `options` of exec and attach must be
    those the URL was made with; without them the query's count. Nothing is raised for a client or a runtime
    that goes away; cancelling drops both connections. `keep` is told how many bytes are in memory for the stream's sake.
    """
    keep(CONNECTED)
    request = Upgrade(method=method, path=path, headers=tuple(headers))
    try:
        if request.asks_for(SPDY):
            await _pass_through(request, reader, writer, cri_url)
        elif request.asks_for("websocket"):
            if urlsplit(cri_url).path.startswith("/portforward/"):
                await _port_forward(request, reader, writer, cri_url, keep)
            else:
                await _remote_command(request, reader, writer, cri_url, options or stream_options(request), keep)
        else:
            raise Refused(400, "Upgrade request required")
    except Refused as refused:
        # The answer states its length: nobody has to wait for the end of the connection.
        await pump.send(writer, refusal(refused.status, refused.message))
    finally:
        await pump.close(writer)


async def _pass_through(
    request: Upgrade, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cri_url: str
) -> None:
    protocols = [(PROTOCOL_HEADER, value) for value in request.values(PROTOCOL_HEADER)]
    runtime_reader, runtime_writer = await connect(cri_url)
    try:
        await pump.send(runtime_writer, upgrade_request(cri_url, protocols))
        await pump.first_of(pump.copy(reader, runtime_writer), pump.copy(runtime_reader, writer))
        if runtime_reader.at_eof():
            await pump.finish(reader, writer)
    finally:
        await pump.close(runtime_writer)


async def _remote_command(
    request: Upgrade,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    cri_url: str,
    options: StreamOptions,
    keep: Callable[[int], None],
) -> None:
    protocol = REMOTE_COMMAND[chosen_protocol(request.values("Sec-WebSocket-Protocol"), REMOTE_COMMAND)]
    answer = websocket_answer(request, protocol.name)
    runtime_reader, runtime_writer = await upgraded(cri_url, remote_command.RUNTIME_PROTOCOLS)
    try:
        await pump.send(writer, answer)
        client = WebSocket(reader, writer, keep)
        await RemoteCommand(protocol, options, client, runtime_reader, runtime_writer).run()
    finally:
        await pump.close(runtime_writer)


async def _port_forward(
    request: Upgrade,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    cri_url: str,
    keep: Callable[[int], None],
) -> None:
    name = chosen_protocol(request.values("Sec-WebSocket-Protocol"), [TUNNEL, *PORT_FORWARD])
    ports = [] if name == TUNNEL else port_forward.requested_ports(request)
    answer = websocket_answer(request, name)
    runtime_reader, runtime_writer = await upgraded(cri_url, port_forward.RUNTIME_PROTOCOLS)
    try:
        await pump.send(writer, answer)
        client = WebSocket(reader, writer, keep)
        if name == TUNNEL:
            await port_forward.tunnel(client, runtime_reader, runtime_writer)
        else:
            channels = port_forward.PortChannels(PORT_FORWARD[name], ports, client, runtime_reader, runtime_writer)
            await channels.run()
    finally:
        await pump.close(runtime_writer)
