"""Connections on real sockets: framing of requests and answers, in order, within limits, and to their end."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
from tests.http.conftest import Client, Serve, Served, until

from steersman.api.http import Request, Response
from steersman.http.limits import MAX_BLOCK, MAX_LINE, Limits

END = b"Host: x\r\n\r\n"
BROKEN = b"HTTP/1.1 400 Bad Request\r\n"


async def echo(request: Request) -> Response:
    """What was asked."""
    body = f"{request.method} {request.path}?{request.query} ".encode() + request.body
    return Response(200, {"Content-Type": "text/plain"}, body)


async def streaming(request: Request) -> Response:
    """The body, piece by piece."""

    async def pieces() -> AsyncIterator[bytes]:
        assert request.body_stream is not None
        async for piece in request.body_stream:
            yield piece

    return Response(200, {}, pieces())


def streamed(method: str, path: str) -> bool:
    return path.startswith("/stream")


async def test_one_request_after_the_other(serve: Serve) -> None:
    client = await (await serve(echo)).connect()
    for number in range(3):
        client.send(b"GET /%%20%d?q=%%20 HTTP/1.1\r\n" % number + END)
        head, body = await client.answer()
        assert body == b"GET / %d?q=%%20 " % number
        length = len(body)
        assert head == f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n".encode()


async def test_what_is_told_of_a_request(serve: Serve) -> None:
    seen: list[Request] = []

    async def handle(request: Request) -> Response:
        seen.append(request)
        return Response(200)

    client = await (await serve(handle)).connect()
    client.send(b"PUT /a%2Fb?c=d&e HTTP/1.1\r\nHOST: x\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nhi")
    await client.answer()
    (request,) = seen
    assert (request.method, request.path, request.query, request.body) == ("PUT", "/a%2Fb", "c=d&e", b"hi")
    assert list(request.headers.items()) == [("host", "x"), ("x-a", "1"), ("x-a", "2"), ("content-length", "2")]
    assert request.headers["x-a"] == "1"
    assert (request.user, request.front_proxy, request.remote) == (None, "", "127.0.0.1")
    assert request.body_stream is None
    assert request.hijack is None


async def test_byte_by_byte(serve: Serve) -> None:
    client = await (await serve(echo)).connect()
    data = b"\r\n\r\nPOST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET /b HTTP/1.1\r\n"
    for byte in data + END:
        client.send(bytes([byte]))
        await asyncio.sleep(0)
    assert (await client.answer())[1] == b"POST /a? hi"
    assert (await client.answer())[1] == b"GET /b? "


async def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    """The quick ones wait for the slow ones."""
    running: list[str] = []

    async def handle(request: Request) -> Response:
        running.append(request.path)
        assert len(running) == 1
        if request.path == "/slow":
            await asyncio.to_thread(bytes)
        running.pop()
        return await echo(request)

    client = await (await serve(handle)).connect()
    quick = b"GET /quick HTTP/1.1\r\n" + END
    slow = b"POST /slow HTTP/1.1\r\nContent-Length: 2\r\n" + END + b"hi"
    client.send((quick + slow) * 50)
    for _ in range(50):
        assert (await client.answer())[1] == b"GET /quick? "
        assert (await client.answer())[1] == b"POST /slow? hi"


async def test_much_is_pipelined(serve: Serve) -> None:
    """More than is read ahead, to a client that begins to read late."""
    body = b"x" * 50_000

    async def handle(request: Request) -> Response:
        return Response(200, {}, body)

    client = await (await serve(handle)).connect()
    client.send((b"GET / HTTP/1.1\r\nX-Fill: " + b"y" * 2000 + b"\r\n" + END) * 300)
    for _ in range(300):
        assert (await client.answer())[1] == body


@pytest.mark.parametrize(
    ("head", "lasts"),
    [
        (b"GET / HTTP/1.1\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n", False),
        (b"GET / HTTP/1.0\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", True),
    ],
)
async def test_how_long_a_connection_lasts(serve: Serve, head: bytes, lasts: bool) -> None:
    client = await (await serve(echo)).connect()
    client.send(head + END)
    said = (await client.answer())[0]
    assert (b"Connection: close\r\n" in said) is not lasts
    assert (b"Connection: keep-alive\r\n" in said) is (lasts and b"1.0" in head)
    if lasts:
        client.send(head + END)
        await client.answer()
    else:
        assert await client.rest() == b""


async def test_http_1_0_needs_no_host(serve: Serve) -> None:
    assert (await (await serve(echo)).ask(b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("size", [10, 100_000, 5_000_000])
async def test_head_only(serve: Serve, size: int) -> None:
    async def handle(request: Request) -> Response:
        return Response(200, {}, b"x" * size)

    client = await (await serve(handle)).connect()
    for method in (b"HEAD", b"GET"):
        client.send(method + b" / HTTP/1.1\r\n" + END)
        head = await client.head()
        assert b"Content-Length: %d\r\n" % size in head
    assert await client.reader.readexactly(size) == b"x" * size


async def test_answers_without_a_body(serve: Serve) -> None:
    closed: list[int] = []

    async def body(status: int) -> AsyncIterator[bytes]:
        try:
            yield b"never"
        finally:
            closed.append(status)

    async def handle(request: Request) -> Response:
        status = int(request.path[1:])
        pieces = body(status)
        if request.query:
            await anext(pieces)
            return Response(status, {}, pieces)
        return Response(status, {}, b"")

    client = await (await serve(handle)).connect()
    for status in (204, 304):
        for query in (b"", b"?q"):
            client.send(b"GET /%d%b HTTP/1.1\r\n" % (status, query) + END)
            head = await client.head()
            assert b"content-length" not in head.lower()
            assert b"transfer-encoding" not in head.lower()
    assert closed == [204, 304]


async def test_several_values_of_a_header(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        return Response(299, {"A": "1\n2", "B": "3\r\nC: 4"}, b"")

    client = await (await serve(handle)).connect()
    client.send(b"GET / HTTP/1.1\r\n" + END)
    head = await client.head()
    assert head.startswith(b"HTTP/1.1 299 Unknown\r\nA: 1\r\nA: 2\r\nB: 3\r\nB: C: 4\r\n")


# Bodies.


async def test_too_large_by_its_length(serve: Serve) -> None:
    answer = await (await serve(echo, max_body=10)).ask(b"POST / HTTP/1.1\r\nContent-Length: 11\r\n" + END)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in head
    status = json.loads(body)
    assert (status["reason"], status["code"]) == ("RequestEntityTooLarge", 413)
    assert status["message"] == "Request entity too large: limit is 10"


@pytest.mark.parametrize("ends", [True, False])
async def test_too_large_in_chunks(serve: Serve, ends: bool) -> None:
    """Found out while it arrives; the client may go on to send."""
    client = await (await serve(echo, max_body=10)).connect()
    client.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + END + b"6\r\nabcdef\r\n5\r\nghij")
    client.send(b"k\r\n0\r\n\r\n" if ends else b"k\r\n")
    assert (await client.answer())[0].startswith(b"HTTP/1.1 413 ")
    if not ends:
        client.send(b"4\r\nmore\r\n")
    client.send(b"GET / HTTP/1.1\r\n" + END)
    assert await client.rest() == b""


async def test_as_large_as_allowed(serve: Serve) -> None:
    client = await (await serve(echo, max_body=10)).connect()
    client.send(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n" + END + b"0123456789")
    assert (await client.answer())[1].endswith(b"0123456789")
    client.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + END + b"a\r\n0123456789\r\n0\r\n\r\n")
    assert (await client.answer())[1].endswith(b"0123456789")


async def test_who_waits_to_be_asked_for_the_body(serve: Serve) -> None:
    client = await (await serve(echo, max_body=10)).connect()
    head = b"PUT / HTTP/1.1\r\nExpect: 100-Continue\r\n"
    client.send(head + b"Content-Length: 2\r\n" + END)
    assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hi")
    assert (await client.answer())[1] == b"PUT /? hi"
    # Nobody waits for the body that is there already, nor for none.
    client.send(head + b"Content-Length: 2\r\n" + END + b"hi")
    assert (await client.answer())[1] == b"PUT /? hi"
    client.send(head + END)
    assert (await client.answer())[1] == b"PUT /? "
    client.send(head + b"Content-Length: 11\r\n" + END)
    assert (await client.answer())[0].startswith(b"HTTP/1.1 413 ")


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


# Refusals.


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\r\nHost: x\n\n",
        b"\nGET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n" + END + b"a",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n" + END + b"0\r\n\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + END + b"0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + END + b"0x1\r\na\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + END + b"1\na\n0\n\n",
    ],
)
async def test_malformed_requests(serve: Serve, data: bytes) -> None:
    """One answer, and no more: what follows may be part of the same attempt."""
    served = await serve(echo)
    answer = await served.ask(data + b"GET /smuggled HTTP/1.1\r\n" + END)
    assert answer.startswith(BROKEN)
    assert b"Connection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"x" * MAX_LINE, 414),
        (b"GET /" + b"x" * MAX_LINE + b" HTTP/1.1\r\n" + END, 414),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n" + END, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 300 + END, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: bcd\r\n" * (MAX_BLOCK // 8 + 1), 431),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" + END, 501),
        (b"POST / HTTP/1.1\r\nExpect: more\r\n" + END, 417),
    ],
)
async def test_other_refusals(serve: Serve, data: bytes, status: int) -> None:
    assert (await (await serve(echo)).ask(data)).startswith(b"HTTP/1.1 %d " % status)


async def test_a_long_line(serve: Serve) -> None:
    client = await (await serve(echo)).connect()
    client.send(b"GET /?" + b"x" * (MAX_LINE - 20) + b" HTTP/1.1\r\n" + END)
    assert len((await client.answer())[1]) > MAX_LINE - 20


# Time.


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
    served = await serve(echo, limits=Limits(head=0.02, body=0.02))
    answer = await served.ask(data)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert not [c for c in served.server.connections if c.busy]


async def test_work_and_streams_take_as_long_as_they_like(serve: Serve) -> None:
    limits = Limits(idle=0.01, head=0.01, body=0.01)
    served: Served

    async def handle(request: Request) -> Response:
        loop = asyncio.get_running_loop()
        late = loop.create_future()
        loop.call_later(0.05, late.set_result, None)
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


# Answers.


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


async def test_a_handler_that_fails(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def handle(request: Request) -> Response:
        raise ValueError("oops")

    assert (await (await serve(handle)).ask(b"GET / HTTP/1.1\r\n" + END)).startswith(b"HTTP/1.1 500 ")
    assert "oops" in caplog.text


# Ends.


class Endless:
    """A handler, and a stream, that end only when they are told to."""

    def __init__(self) -> None:
        self.started, self.ended = asyncio.Event(), asyncio.Event()

    async def work(self, request: Request) -> Response:
        if request.path == "/stream":
            return Response(200, {}, self._body())
        await self._wait()
        return Response(200)

    async def _wait(self) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    async def _body(self) -> AsyncIterator[bytes]:
        yield b"first"
        await self._wait()


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


# Hijacking.


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
