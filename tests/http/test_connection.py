"""Connections on real sockets: requests and answers in order, how they are framed, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from tests.http.conftest import BROKEN, END, Serve, echo

from steersman.api.http import Request, Response
from steersman.http.limits import MAX_BLOCK, MAX_LINE


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
