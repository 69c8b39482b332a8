"""Connections that become something else than HTTP."""

from __future__ import annotations

import socket
import struct

from tests.http.conftest import END, Client, Endless, Serve, Served, echo

from steersman.api.http import Request, Response


async def shout(request: Request) -> Response:
    """All that comes, in capitals."""
    if request.hijack is None:
        return Response(200, {}, b"no")
    taken = await request.hijack()
    taken.writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + request.body)
    while data := await taken.reader.read(100):
        taken.writer.write(data.upper())
        await taken.writer.drain()
    taken.writer.close()
    return Response(0)


async def upgraded(served: Served, rest: bytes) -> Client:
    client = await served.connect()
    client.send(b"GET / HTTP/1.1\r\n" + END)
    assert (await client.answer())[1] == b"no"
    client.send(b"POST / HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade\r\n" + rest)
    assert (await client.head()).startswith(b"HTTP/1.1 101")
    return client


async def test_a_hijacked_connection(serve: Serve) -> None:
    client = await upgraded(await serve(shout), END + b"early")
    assert await client.reader.readexactly(5) == b"EARLY"
    client.send(b"late")
    assert await client.reader.readexactly(4) == b"LATE"
    client.writer.write_eof()
    assert await client.rest() == b""


async def test_the_body_of_a_hijacked_request(serve: Serve) -> None:
    client = await upgraded(
        await serve(shout, streamed=lambda m, p: True), b"Content-Length: 4\r\n" + END + b"bodyearly"
    )
    assert await client.reader.readexactly(9) == b"bodyEARLY"


async def test_much_through_a_hijacked_connection(serve: Serve) -> None:
    client = await upgraded(await serve(shout), END)
    client.send(b"x" * 2_000_000)
    assert await client.reader.readexactly(2_000_000) == b"X" * 2_000_000


async def test_an_upgrade_that_is_not_wanted(serve: Serve) -> None:
    client = await (await serve(echo)).connect()
    for _ in range(2):
        client.send(b"POST / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n" + END + b"hi")
        assert (await client.answer())[1] == b"POST /? hi"


async def test_the_client_of_a_hijacked_connection_goes_away(serve: Serve) -> None:
    endless = Endless()

    async def handle(request: Request) -> Response:
        assert request.hijack is not None
        taken = await request.hijack()
        taken.writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        return await endless.work(request)

    served = await serve(handle)
    client = await served.connect()
    client.send(b"GET / HTTP/1.1\r\nUpgrade: x\r\n" + END)
    await client.head()
    # Not only silent from now on, which need not mean anything, but gone.
    client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()
    await endless.ended.wait()


async def test_close_ends_hijacked_connections(serve: Serve) -> None:
    served = await serve(shout)
    client = await upgraded(served, END)
    await served.server.close(0.01)
    assert await client.rest() == b""
