"""Bodies that are read and written piece by piece, each only as fast as the other side takes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
from tests.http.conftest import END, Serve, streamed, streaming, until

from steersman.api.http import Request, Response


async def test_a_streamed_body(serve: Serve) -> None:
    """Answered while it arrives, without a limit; read when the handler wants it."""
    client = await (await serve(streaming, streamed=streamed, max_body=1)).connect()
    client.send(b"POST /stream HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n" + END)
    heads = [await client.head(), await client.head()]
    assert sorted(h[:12] for h in heads) == [b"HTTP/1.1 100", b"HTTP/1.1 200"]
    for piece in (b"one", b"two"):
        client.send(b"3\r\n" + piece + b"\r\n")
        assert await client.chunk() == piece
    client.send(b"0\r\n\r\nGET / HTTP/1.0\r\n\r\n")
    assert await client.chunk() == b""


async def test_a_streamed_body_of_known_length(serve: Serve) -> None:
    client = await (await serve(streaming, streamed=streamed)).connect()
    for _ in range(2):
        client.send(b"POST /stream HTTP/1.1\r\nContent-Length: 6\r\n" + END + b"abc")
        await client.head()
        assert await client.chunk() == b"abc"
        client.send(b"def")
        assert await client.chunk() == b"def"
        assert await client.chunk() == b""


async def test_a_streamed_body_waits_for_its_reader(serve: Serve) -> None:
    go_on = asyncio.Event()
    size = 50_000_000

    async def handle(request: Request) -> Response:
        await go_on.wait()
        assert request.body_stream is not None
        taken = 0
        async for piece in request.body_stream:
            taken += len(piece)
        return Response(200, {}, str(taken).encode())

    served = await serve(handle, streamed=streamed)
    client = await served.connect()
    client.send(b"POST /stream HTTP/1.1\r\nContent-Length: %d\r\n" % size + END)
    client.send(b"x" * size)
    (connection,) = served.server.connections
    await until(lambda: connection._held)
    go_on.set()
    assert (await client.answer())[1] == b"%d" % size


async def test_a_streamed_body_that_nobody_reads(serve: Serve) -> None:
    """What is left of it is read over; what comes after it is a request."""

    async def handle(request: Request) -> Response:
        return Response(200, {}, request.path.encode())

    client = await (await serve(handle, streamed=streamed)).connect()
    client.send(b"POST /stream HTTP/1.1\r\nContent-Length: 1000000\r\n" + END)
    assert (await client.answer())[1] == b"/stream"
    client.send(b"x" * 1_000_000 + b"GET /next HTTP/1.1\r\n" + END)
    assert (await client.answer())[1] == b"/next"


async def test_a_streamed_body_that_is_cut(serve: Serve) -> None:
    ended: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def handle(request: Request) -> Response:
        assert request.body_stream is not None
        try:
            async for _ in request.body_stream:
                pass
        except BaseException as error:
            ended.set_result(error)
            raise
        return Response(200)

    client = await (await serve(handle, streamed=streamed)).connect()
    client.send(b"POST /stream HTTP/1.1\r\nContent-Length: 10\r\n" + END + b"abc")
    await client.close()
    assert isinstance(await ended, ConnectionResetError | asyncio.CancelledError)


async def test_a_streamed_body_that_is_malformed(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        assert request.body_stream is not None
        try:
            body = b"".join([piece async for piece in request.body_stream])
        except ConnectionError:
            return Response(502, {}, b"cut")
        return Response(200, {}, body)

    served = await serve(handle, streamed=streamed)
    answer = await served.ask(b"POST /stream HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + END + b"1\r\nab\r\n")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"Connection: close" in answer
    assert answer.endswith(b"cut")


async def test_a_large_answer_waits_for_its_reader(serve: Serve) -> None:
    body = bytes(range(256)) * 200_000

    async def handle(request: Request) -> Response:
        return Response(200, {}, body)

    client = await (await serve(handle)).connect()
    for _ in range(2):
        client.send(b"GET / HTTP/1.1\r\n" + END)
        assert (await client.answer())[1] == body


async def test_a_streamed_answer(serve: Serve) -> None:
    async def body() -> AsyncIterator[bytes]:
        for piece in (b"one", b"", b"two"):
            yield piece

    async def handle(request: Request) -> Response:
        return Response(200, {"X": "y"}, body(), pause=0.001)

    served = await serve(handle)
    client = await served.connect()
    for _ in range(2):
        client.send(b"GET / HTTP/1.1\r\n" + END)
        assert await client.head() == b"HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert [await client.chunk() for _ in range(3)] == [b"one", b"two", b""]
    client.send(b"HEAD / HTTP/1.1\r\n" + END)
    assert b"chunked" in await client.head()
    client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n" + END)
    assert await client.rest() == b"HTTP/1.1 200 OK\r\nX: y\r\nConnection: close\r\n\r\nonetwo"


async def test_a_streamed_answer_waits_for_its_reader(serve: Serve) -> None:
    made = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal made
        for _ in range(1000):
            made += 1
            yield b"x" * 100_000

    async def handle(request: Request) -> Response:
        return Response(200, {}, body())

    served = await serve(handle)
    client = await served.connect()
    client.send(b"GET / HTTP/1.1\r\n" + END)
    await client.head()
    (connection,) = served.server.connections
    await until(lambda: connection._unwritable)
    assert made < 1000
    total = 0
    while piece := await client.chunk():
        total += len(piece)
    assert total == 100_000_000


async def test_a_stream_that_ends_its_connection(serve: Serve) -> None:
    class Body(AsyncIterator[bytes]):
        def __init__(self) -> None:
            self.cut: Callable[[], None] = lambda: None

        def cut_by(self, cut: Callable[[], None]) -> None:
            self.cut = cut

        async def __anext__(self) -> bytes:
            self.cut()
            await asyncio.Event().wait()
            return b"never"

    async def handle(request: Request) -> Response:
        return Response(200, {}, Body())

    client = await (await serve(handle)).connect()
    client.send(b"GET / HTTP/1.1\r\n" + END)
    with suppress(ConnectionError):
        assert b"never" not in await client.rest()


@pytest.mark.parametrize("error", [ConnectionResetError, ValueError])
async def test_a_stream_that_fails_is_cut(serve: Serve, error: type[Exception]) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.sleep(0)
        raise error

    async def handle(request: Request) -> Response:
        return Response(200, {}, body())

    assert (await (await serve(handle)).ask(b"GET / HTTP/1.1\r\n" + END)).endswith(b"\r\n4\r\nhalf\r\n")
