"""Upgrades passed on to a backend: whom it must be by its certificate, and how long it may take to answer."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.apiserver.webhook.conftest import authority, tls

from steersman.api.errors import InternalError
from steersman.api.http import Hijacked, Request, Response
from steersman.apiserver.backend import Backends, Target

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
