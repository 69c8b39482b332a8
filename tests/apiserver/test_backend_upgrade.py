"""Upgrades passed on to a backend: whom it must be by its certificate, and how long it may take to answer."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.apiserver.webhook.conftest import authority, tls
from tests.nowhere import WAYS

from steersman.api.errors import InternalError, TooManyRequests
from steersman.api.http import Hijacked, Request, Response, unbounded
from steersman.apiserver.backend import _LONG, Backends, Target, _copy_both
from steersman.apiserver.refusal import Rest, parse
from steersman.http.taking import end

NAME = "backend.example"
AGREES = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\nwelcome"
REFUSES = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"


@asynccontextmanager
async def backend(answer: bytes, context: ssl.SSLContext | None = None, *, ends: bool = True) -> AsyncIterator[int]:
    """A backend that answers so, and then closes the connection or not; gives its port."""
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if not ends:
            await closed.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
        closed.set()


async def upgrade(target: Target, patience: float = 30.0) -> tuple[Response, bytes]:
    """The response, and what arrived on the client's connection."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)

    async def hijack() -> Hijacked:
        return Hijacked(*await asyncio.open_connection(sock=theirs))

    request = Request("GET", "/", "", {"Upgrade": "any", "Connection": "Upgrade"}, hijack=hijack)
    with theirs:
        try:
            response = await Backends(patience).upgrade(target, request, "/", "")
            return response, b"" if response.status else await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


async def test_agreed() -> None:
    async with backend(AGREES) as port:
        response, got = await upgrade(Target("127.0.0.1", port))
    assert (response.status, got) == (0, AGREES)


async def test_refused() -> None:
    async with backend(REFUSES) as port:
        response, _ = await upgrade(Target("127.0.0.1", port))
    assert (response.status, response.body) == (403, b"no")


LONG = bytes(range(256)) * 8 * 1024
CHUNKS = b"".join(
    b"%x;a=b\r\n%s\r\n" % (len(LONG) // 4, LONG[i : i + len(LONG) // 4]) for i in range(0, len(LONG), len(LONG) // 4)
)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\nX-Own: 1\r\nX-Own: 2\r\n\r\n%s" % (len(LONG), LONG),
        b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nX-Own: 1\r\nX-Own: 2\r\n\r\n%s0\r\n\r\n" % CHUNKS,
        b"HTTP/1.1 404 Not Found\r\nX-Own: 1\r\nX-Own: 2\r\n\r\n%s" % LONG,
    ],
    ids=["length", "chunks", "end"],
)
async def test_a_long_refusal_is_passed_on_whole(answer: bytes) -> None:
    async with backend(answer) as port:
        response, _ = await upgrade(Target("127.0.0.1", port))
        assert not isinstance(response.body, bytes)
        pieces = [piece async for piece in response.body]
    assert (response.status, response.headers, b"".join(pieces)) == (404, {"x-own": "1\n2"}, LONG)


async def test_a_long_refusal_that_breaks() -> None:
    async with backend(b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%s" % (len(LONG) + 1, LONG)) as port:
        response, _ = await upgrade(Target("127.0.0.1", port))
        assert not isinstance(response.body, bytes)
        with pytest.raises(ConnectionResetError):
            [piece async for piece in response.body]


async def test_a_long_refusal_that_nobody_reads() -> None:
    async with backend(b"HTTP/1.1 404 Not Found\r\n\r\n" + LONG, ends=False) as port:
        response, _ = await upgrade(Target("127.0.0.1", port))
        await response.body.aclose()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n1",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: \xb2\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
    ],
)
async def test_refusals_that_are_none(answer: bytes) -> None:
    async with backend(answer) as port:
        with pytest.raises(InternalError, match="error dialing backend"):
            await upgrade(Target("127.0.0.1", port))


@pytest.mark.parametrize("answer", [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"])
async def test_refusals_without_bodies(answer: bytes) -> None:
    async with backend(answer, ends=False) as port:
        response, _ = await upgrade(Target("127.0.0.1", port))
    assert response.body == b""


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 101", REFUSES[:-1]])
async def test_a_backend_that_does_not_answer_is_not_waited_for_for_ever(answer: bytes) -> None:
    async with backend(answer, ends=False) as port:
        with pytest.raises(InternalError, match="timeout awaiting response headers"):
            await upgrade(Target("127.0.0.1", port), patience=0.01)


@pytest.mark.parametrize(
    ("target", "trusted"),
    [
        (lambda port, trust: Target("127.0.0.1", port, trust, NAME), True),
        (lambda port, trust: Target("127.0.0.1", port, trust, "another.example"), False),
        (lambda port, trust: Target("127.0.0.1", port, trust), False),
    ],
)
async def test_the_certificate_must_have_the_targets_name(
    tmp_path: Path, target: Callable[[int, ssl.SSLContext], Target], trusted: bool
) -> None:
    trust = ssl.create_default_context(cadata=authority().cert.decode())
    async with backend(AGREES, tls(tmp_path, NAME)) as port:
        if trusted:
            assert (await upgrade(target(port, trust)))[1] == AGREES
        else:
            with pytest.raises(InternalError, match="certificate verify failed"):
                await upgrade(target(port, trust))


def full(size: int) -> bool:
    """Nobody has room for so much more."""
    return False


async def test_where_there_is_no_room_nothing_is_dialled() -> None:
    async def hijack() -> Hijacked:
        raise AssertionError("taken")

    async with backend(AGREES) as port:
        target, kept = Target("127.0.0.1", port), list[int]()
        request = Request("GET", "/", "", {"Upgrade": "any"}, hijack=hijack, keep=kept.append, room=full)
        backends = Backends()
        for asking in (backends.upgrade(target, request, "/", ""), backends.send(target, "GET", "/", asked=request)):
            with pytest.raises(TooManyRequests) as raised:
                await asking
            assert raised.value.details == {"retryAfterSeconds": 1}
    assert not kept


@pytest.mark.parametrize("error", WAYS)
async def test_a_peer_may_go_in_any_way(error: OSError) -> None:
    """A refusal breaks off, and a stream ends, whatever the system has to say of the connection."""
    reader = asyncio.StreamReader()
    closed: list[bool] = []
    _, body = parse(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n", "GET", reader)
    reader.set_exception(error)
    with pytest.raises(ConnectionResetError):
        await anext(Rest(b"", body, lambda: closed.append(True)))
    assert closed

    ours, theirs = socket.socketpair()
    with ours, theirs:
        client, writer = await asyncio.open_connection(sock=ours)
        client.set_exception(error)
        await _copy_both(Hijacked(client, writer), asyncio.StreamReader(), writer, unbounded)
        await end(writer, 30.0)
    assert writer.transport.is_closing()


@pytest.mark.parametrize(("size", "widened"), [(_LONG, 0), (_LONG + 1, 1), (3 * _LONG, 1)])
async def test_who_brings_much_may_have_more_under_way(size: int, widened: int) -> None:
    asked: list[bool] = []
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    swallow, other = await asyncio.open_connection(sock=theirs)
    client = asyncio.StreamReader()
    client.feed_data(b"x" * size)
    client.feed_eof()
    copying = asyncio.ensure_future(
        _copy_both(Hijacked(client, writer, lambda: asked.append(True)), reader, writer, unbounded)
    )
    assert len(await swallow.readexactly(size)) == size
    await copying
    assert len(asked) == widened
    for one in (writer, other):
        await end(one, 30.0)
