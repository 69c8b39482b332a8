"""Servers with TLS: who a certificate names, and what differs when bytes are encrypted."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.http.conftest import HOST, Client, Served

from steersman.api.http import Handler, Request, Response, User
from steersman.http.limits import Limits
from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls, user_of_certificate
from steersman.pki import layout

ServeTLS = Callable[..., Awaitable[tuple[Served, Callable[..., Awaitable[Client]]]]]


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> layout.Layout:
    found = layout.Layout(tmp_path_factory.mktemp("pki"))
    layout.ensure_cluster(found, (HOST,), datetime.now(UTC))
    return found


@pytest.fixture
async def serve_tls(credentials: layout.Layout) -> AsyncIterator[ServeTLS]:
    """Serve a handler; gives also what makes connections, with the administrator's certificate if that is wanted."""
    closers: list[Callable[[], Awaitable[None]]] = []
    ca = str(credentials.ca.cert)

    async def start(handler: Handler, **options: Any) -> tuple[Served, Callable[..., Awaitable[Client]]]:
        # A busy machine may be slow to shake hands.
        server = HTTPServer(handler, limits=Limits(handshake=60.0), **options)
        tls = server_tls(str(credentials.apiserver.cert), str(credentials.apiserver.key), ca)
        port = await server.start([HOST], 0, tls)

        async def connect(*, known: bool = False) -> Client:
            context = ssl.create_default_context(cafile=ca)
            if known:
                context.load_cert_chain(credentials.admin.cert, credentials.admin.key)
            client = Client(*await asyncio.open_connection(HOST, port, ssl=context))
            closers.append(client.close)
            return client

        closers.append(server.close)
        return Served(server, port), connect

    yield start
    for close in reversed(closers):
        await close()


async def who(request: Request) -> Response:
    return Response(200, {}, f"{request.user and request.user.name} {request.front_proxy}".encode())


@pytest.mark.parametrize(
    ("known", "judged", "said"),
    [
        (False, None, b"None "),
        (True, None, b"steersman-admin "),
        (True, (True, False), b"steersman-admin "),
        (True, (False, True), b"None steersman-admin"),
        (True, (True, True), b"steersman-admin steersman-admin"),
        (True, (False, False), b"None "),
    ],
)
async def test_client_certificates(
    serve_tls: ServeTLS, known: bool, judged: tuple[bool, bool] | None, said: bytes
) -> None:
    _, connect = await serve_tls(who, judge=None if judged is None else lambda connection: judged)
    client = await connect(known=known)
    for _ in range(2):
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.answer())[1] == said


async def test_what_is_refused_is_still_answered(serve_tls: ServeTLS) -> None:
    """There is no half of a TLS connection that could be closed."""
    _, connect = await serve_tls(who, max_body=10)
    client = await connect()
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
    assert (await client.answer())[0].startswith(b"HTTP/1.1 413 ")
    assert await client.rest() == b""
    client = await connect()
    client.send(b"nonsense\r\n\r\n")
    assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


async def test_large_bodies_both_ways(serve_tls: ServeTLS) -> None:
    async def handle(request: Request) -> Response:
        assert request.body_stream is not None
        body = b"".join([piece async for piece in request.body_stream])
        return Response(200, {}, body)

    _, connect = await serve_tls(handle, streamed=lambda method, path: True)
    client = await connect()
    content = bytes(range(256)) * 20_000
    for _ in range(2):
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
        assert (await client.answer())[1] == content


async def test_a_hijacked_connection(serve_tls: ServeTLS) -> None:
    async def handle(request: Request) -> Response:
        assert request.hijack is not None
        taken = await request.hijack()
        taken.writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        while data := await taken.reader.read(100_000):
            taken.writer.write(data.upper())
            await taken.writer.drain()
        return Response(0)

    _, connect = await serve_tls(handle)
    client = await connect()
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\n\r\nearly")
    assert (await client.head()).startswith(b"HTTP/1.1 101")
    assert await client.reader.readexactly(5) == b"EARLY"
    client.send(b"x" * 1_000_000)
    assert await client.reader.readexactly(1_000_000) == b"X" * 1_000_000


async def test_an_idle_connection_is_closed_with_the_server(serve_tls: ServeTLS) -> None:
    served, connect = await serve_tls(who)
    client = await connect()
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await client.answer()
    await served.server.close()
    assert await client.rest() == b""
    assert not served.server.connections


async def test_several_addresses() -> None:
    server = HTTPServer(who)
    port = await server.start(["127.0.0.1", "127.0.0.2"], 0)
    for host in ("127.0.0.1", "127.0.0.2"):
        client = Client(*await asyncio.open_connection(host, port))
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await client.rest()).endswith(b"None ")
        await client.close()
    await server.close()


def test_user_of_certificate() -> None:
    subject = ((("organizationName", "a"),), (("organizationName", "b"),), (("commonName", "joe"),))
    assert user_of_certificate({"subject": subject}) == User("joe", ("a", "b"))
    assert user_of_certificate({"subject": ()}) is None
    uid = (("1.3.6.1.4.1.57683.2", "7"),)
    assert user_of_certificate({"subject": (*subject, uid)}) == User("joe", ("a", "b"), "7")
    assert user_of_certificate({"subject": (*subject, uid, uid)}) is None
    digest = "X509SHA256=" + hashlib.sha256(b"certificate").hexdigest()
    found = user_of_certificate({"subject": subject}, b"certificate")
    assert found is not None
    assert found.extra == {"authentication.kubernetes.io/credential-id": (digest,)}
