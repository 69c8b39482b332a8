"""How connections end: idle, slow and greedy clients, handlers that fail, clients and servers that go away."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import pytest
from tests.http.conftest import END, Endless, Serve, Served, echo, streamed, streaming, until

from steersman.api.http import Request, Response
from steersman.http.limits import Limits


async def test_an_idle_connection_ends(serve: Serve) -> None:
    client = await (await serve(echo, limits=Limits(idle=0.02))).connect()
    client.send(b"GET / HTTP/1.1\r\n" + END)
    await client.answer()
    assert await client.rest() == b""


async def test_a_connection_without_a_request_ends(serve: Serve) -> None:
    served = await serve(echo, limits=Limits(head=0.02))
    assert await served.ask(b"") == b""
    assert await served.ask(b"\r\n") == b""


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHos",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n" + END + b"abc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + END + b"1\r\na\r\n",
    ],
)
async def test_slow_clients(serve: Serve, data: bytes) -> None:
    # Not so little that what is sent might come too late already.
    served = await serve(echo, limits=Limits(head=0.2, body=0.2))
    answer = await served.ask(data)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert not [c for c in served.server.connections if c.busy]


async def test_work_and_streams_take_as_long_as_they_like(serve: Serve) -> None:
    limits = Limits(idle=0.1, head=0.1, body=0.1)
    served: Served

    async def handle(request: Request) -> Response:
        loop = asyncio.get_running_loop()
        late = loop.create_future()
        loop.call_later(0.25, late.set_result, None)
        await late
        return await streaming(request)

    served = await serve(handle, limits=limits, streamed=streamed)
    client = await served.connect()
    client.send(b"POST /stream HTTP/1.1\r\nContent-Length: 4\r\n" + END + b"ab")
    assert b"200 OK" in await client.head()
    assert await client.chunk() == b"ab"
    client.send(b"cd")
    assert await client.chunk() == b"cd"


@pytest.mark.parametrize("size", [40_000, 50_000_000])
async def test_who_does_not_take_answers(serve: Serve, size: int) -> None:
    async def handle(request: Request) -> Response:
        return Response(200, {}, b"x" * size)

    served = await serve(handle, limits=Limits(answer=0.02))
    client = await served.connect()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    client.send((b"GET / HTTP/1.1\r\n" + END) * 400)
    await until(lambda: bool(served.server.connections))
    await until(lambda: not served.server.connections)


async def test_answers_that_nobody_takes_are_not_kept_without_end(serve: Serve) -> None:
    """Together they have a bound: who has taken nothing for the longest is cut first, and others are answered."""

    async def handle(request: Request) -> Response:
        return Response(200, {}, b"x" * 20_000_000 if request.path == "/large" else b"small")

    served = await serve(handle)
    slow = [await served.connect() for _ in range(3)]
    for client in slow:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(b"GET /large HTTP/1.1\r\n" + END)
    await until(lambda: len(served.server.connections) == 1)
    other = await served.connect()
    other.send(b"GET /small HTTP/1.1\r\n" + END)
    assert (await other.answer())[1] == b"small"


@pytest.mark.parametrize("cut", [True, False])
async def test_a_large_answer_is_kept_by_nobody_once_it_is_cut_or_taken(serve: Serve, cut: bool) -> None:
    body = b"x" * 20_000_000

    async def handle(request: Request) -> Response:
        return Response(200, {}, body)

    served = await serve(handle)
    client = await served.connect()
    kept = sys.getrefcount(body)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    client.send(b"GET / HTTP/1.1\r\n" + END)
    await until(lambda: any(c._unwritable for c in served.server.connections))
    (connection,) = served.server.connections
    assert sys.getrefcount(body) > kept
    if cut:
        connection.cut()
    else:
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await client.answer()
        await until(lambda: not connection.busy)
    assert sys.getrefcount(body) == kept


async def test_small_requests_do_not_pile_up(serve: Serve) -> None:
    """Many of them in one piece: no more is read than is worked off."""
    most = 0

    async def handle(request: Request) -> Response:
        nonlocal most
        most = max(most, *(len(c._ahead) for c in served.server.connections))
        return Response(200, {}, b"the last" if request.path == "/last" else b"")

    served = await serve(handle)
    client = await served.connect()
    client.send((b"GET / HTTP/1.1\r\n" + END) * 60_000 + b"GET /last HTTP/1.1\r\n" + END)
    tail = b""
    while not tail.endswith(b"the last"):
        tail = tail[-8:] + await client.reader.read(1 << 16)
    assert most < 1 << 20


async def test_who_never_stops_sending(serve: Serve) -> None:
    """After the last answer, what still comes is read for a moment only."""
    client = await (await serve(echo, max_body=10, limits=Limits(linger=0.02))).connect()
    client.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + END + b"ff\r\n" + b"x" * 255 + b"\r\n")
    assert (await client.answer())[0].startswith(b"HTTP/1.1 413 ")

    async def send_on() -> None:
        while True:
            client.send(b"1\r\na\r\n")
            await client.writer.drain()
            await asyncio.sleep(0)

    with pytest.raises(ConnectionError):
        await send_on()


async def test_only_so_many_connections(serve: Serve) -> None:
    served = await serve(echo, max_connections=2)
    first, second = await served.connect(), await served.connect()
    for client in (first, second):
        client.send(b"GET / HTTP/1.1\r\n" + END)
        await client.answer()
    third = await served.connect()
    with suppress(ConnectionError):
        assert await third.rest() == b""
    await first.close()
    await until(lambda: len(served.server.connections) == 1)
    fourth = await served.connect()
    fourth.send(b"GET / HTTP/1.1\r\n" + END)
    await fourth.answer()


async def test_a_handler_that_fails(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def handle(request: Request) -> Response:
        raise ValueError("oops")

    assert (await (await serve(handle)).ask(b"GET / HTTP/1.1\r\n" + END)).startswith(b"HTTP/1.1 500 ")
    assert "oops" in caplog.text


@pytest.mark.parametrize("path", [b"/wait", b"/stream"])
async def test_the_client_goes_away(serve: Serve, path: bytes) -> None:
    endless = Endless()
    served = await serve(endless.work)
    client = await served.connect()
    client.send(b"GET " + path + b" HTTP/1.1\r\n" + END)
    await endless.started.wait()
    await client.close()
    await endless.ended.wait()


@pytest.mark.parametrize("path", [b"/wait", b"/stream"])
async def test_close_cancels_what_does_not_end(serve: Serve, path: bytes) -> None:
    endless = Endless()
    served = await serve(endless.work)
    client = await served.connect()
    client.send(b"GET " + path + b" HTTP/1.1\r\n" + END)
    await endless.started.wait()
    await served.server.close(0.01)
    assert endless.ended.is_set()
    assert not served.server.connections
    await client.rest()


async def test_close_lets_requests_end(serve: Serve) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def handle(request: Request) -> Response:
        started.set()
        await go_on.wait()
        return Response(200, {}, b"done")

    served = await serve(handle)
    idle, client = await served.connect(), await served.connect()
    client.send(b"GET / HTTP/1.1\r\n" + END)
    await started.wait()
    closing = asyncio.ensure_future(served.server.close())
    assert await idle.rest() == b""
    with pytest.raises(ConnectionError):
        await served.connect()
    go_on.set()
    answer = await client.rest()
    assert b"Connection: close" in answer
    assert answer.endswith(b"done")
    await closing
