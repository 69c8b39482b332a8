"""Connections before their first request: handshakes that take too long, and more connections than there is room for."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any, cast

import pytest
from tests.http.conftest import HOST, Client, until

from steersman.api.http import Request, Response
from steersman.http.connection import Connection
from steersman.http.limits import Limits
from steersman.http.server import HTTPServer, dispensable
from steersman.http.tls import SUITES, ServerTLS, Settings, check_suites, check_version, server_tls
from steersman.pki import certs

NOW = datetime.now(UTC)
CA, OTHER = certs.new_ca("ca", NOW), certs.new_ca("other", NOW)
ADMIN = certs.Request("admin", ("system:masters",))
ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Files:
    """A server's and a client's files in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.serving(CA)
        self.write("ca.crt", CA.cert)

    def write(self, name: str, content: bytes) -> str:
        """In one step, as whoever renews does."""
        path = self.directory / name
        (self.directory / "new").write_bytes(content)
        (self.directory / "new").rename(path)
        return str(path)

    def path(self, name: str) -> str:
        return str(self.directory / name)

    def serving(self, ca: certs.Pair) -> certs.Pair:
        pair = certs.issue(ca, certs.Request("server", hosts=(HOST,), usages=("server",)), datetime.now(UTC))
        self.write("tls.key", pair.key)
        self.write("tls.crt", pair.cert)
        return pair

    def server(self, **more: Any) -> ServerTLS:
        return ServerTLS(self.path("tls.crt"), self.path("tls.key"), self.path("ca.crt"), **more)

    def client(self, ca: certs.Pair = CA, pair: certs.Pair | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=ca.cert.decode())
        if pair is not None:
            context.load_cert_chain(self.write("client.pem", pair.cert + pair.key))
        return context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def who(request: Request) -> Response:
    return Response(200, {}, str(request.user and request.user.name).encode())


async def said(client: Client) -> bytes:
    client.send(ASK)
    return (await client.answer())[1]


async def dial(port: int, context: ssl.SSLContext | None = None) -> Client:
    return Client(*await asyncio.open_connection(HOST, port, ssl=context))


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET / HTTP/1.1\r\n\r\n"])
async def test_a_client_that_stalls_in_the_handshake(files: Files, sent: bytes) -> None:
    server = HTTPServer(who, limits=Limits(handshake=0.5))
    port = await server.start([HOST], 0, files.server())
    client = await dial(port)
    client.send(sent)
    try:
        await client.rest()
    except ConnectionError:
        # Whether it is a reset is the event loop's affair.
        assert not server.connections
    assert not server._listeners[0].handshakes
    await client.close()
    known = await dial(port, files.client())
    assert await said(known) == b"None"
    await known.close()
    await server.close()


async def test_handshakes_without_end_do_not_keep_others_out(files: Files) -> None:
    server = HTTPServer(who, max_connections=8)
    port = await server.start([HOST], 0, files.server())
    stalled = [await dial(port) for _ in range(30)]
    await until(lambda: len(server._listeners[0].handshakes) <= 4)
    known = await dial(port, files.client())
    assert await said(known) == b"None"
    for client in (known, *stalled):
        client.writer.transport.abort()
    await server.close()
    assert not server._listeners


async def test_descriptors_run_out(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steersman.http.listener._PAUSE", 0.01)
    server = HTTPServer(who)
    port = await server.start([HOST], 0)
    listener = server._listeners[0]
    real, failures = listener._socket, [OSError(24, "Too many open files"), OSError(103, "aborted")]

    class Short:
        def accept(self) -> tuple[socket.socket, Any]:
            if failures:
                raise failures.pop(0)
            return real.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    listener._socket = cast(socket.socket, Short())
    client = await dial(port)
    assert await said(client) == b"None"
    assert not failures
    await client.close()
    await server.close()


@dataclass
class Idle:
    """What `dispensable` looks at of a connection."""

    remote: str
    idle_since: float
    named: bool = False


@pytest.mark.parametrize(
    ("connections", "newcomer", "index"),
    [
        ([], "a", None),
        ([Idle("a", inf)], "b", None),
        ([Idle("a", 0, named=True)], "b", None),
        # Nobody waits for long, and the newcomer's address has as many.
        ([Idle("a", 99.5), Idle("b", 99.5)], "b", None),
        ([Idle("a", 99.5), Idle("a", 99.4), Idle("b", 10)], "c", 1),
        ([Idle("a", 50), Idle("a", inf), Idle("b", 10)], "b", 0),
        ([Idle("a", 99.5), Idle("a", 98), Idle("a", 99)], "a", 1),
        ([Idle("a", 10, named=True), Idle("a", inf), Idle("b", 20), Idle("b", 10)], "a", 3),
    ],
)
def test_who_makes_room(connections: Sequence[Idle], newcomer: str, index: int | None) -> None:
    found = dispensable(cast("Sequence[Connection]", connections), newcomer, 100)
    assert (None if found is None else [c is found for c in connections].index(True)) == index


async def test_idle_strangers_make_room(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steersman.http.server._IDLE", 0.0)
    server = HTTPServer(who, max_connections=3)
    port = await server.start([HOST], 0, files.server())
    known = await dial(port, files.client(pair=certs.issue(CA, ADMIN, NOW)))
    assert await said(known) == b"admin"
    strangers = [await dial(port, files.client()) for _ in range(5)]
    assert await said(strangers[-1]) == b"None"
    # Who has shown who it is stays.
    assert await said(known) == b"admin"
    assert len(server.connections) <= 3
    for client in (known, *strangers):
        client.writer.transport.abort()
    await server.close()


async def test_another_serving_certificate_concerns_nobody_who_is_connected(files: Files) -> None:
    tls = files.server()
    server = HTTPServer(who)
    told: list[str] = []

    def changed() -> None:
        told.append("changed")
        server.verify_anew()

    tls.changed = changed
    port = await server.start([HOST], 0, tls)
    known = await dial(port, files.client(pair=certs.issue(CA, ADMIN, NOW)))
    assert await said(known) == b"admin"
    pair = certs.issue(CA, certs.Request("server", hosts=(HOST,), usages=("server",)), NOW)
    files.write("tls.key", pair.key)
    files.write("tls.crt", pair.cert)
    # The same authority once more is no other one.
    files.write("ca.crt", CA.cert)
    before = tls.current
    assert tls.look()
    assert tls.current is not before
    assert told == []
    assert await said(known) == b"admin"
    files.write("ca.crt", CA.cert + OTHER.cert)
    assert tls.look()
    assert told == ["changed"]
    assert await known.rest() == b""
    known.writer.transport.abort()
    await server.close()


async def test_certificates_and_authorities_are_read_again(files: Files) -> None:
    tls = files.server()
    server = HTTPServer(who, limits=Limits(idle=0.04))
    tls.changed = server.verify_anew
    port = await server.start([HOST], 0, tls)
    mine, others = certs.issue(CA, ADMIN, NOW), certs.issue(OTHER, ADMIN, NOW)
    before = tls.current
    assert not tls.look()
    known = await dial(port, files.client(pair=mine))
    assert await said(known) == b"admin"
    # A key without its certificate: the old pair serves on.
    pair = certs.issue(OTHER, certs.Request("server", hosts=(HOST,), usages=("server",)), NOW)
    files.write("tls.key", pair.key)
    assert not tls.look()
    assert tls.current is before
    files.write("tls.crt", pair.cert)
    files.write("ca.crt", OTHER.cert)
    await until(lambda: tls.current is not before)
    # The server's certificate is another, and what was shown before has to be shown again.
    assert await known.rest() == b""
    with pytest.raises(ssl.SSLError):
        await dial(port, files.client())
    client = await dial(port, files.client(OTHER, others))
    assert await said(client) == b"admin"
    refused = await dial(port, files.client(OTHER, mine))
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await said(refused)
    for open_one in (client, refused):
        open_one.writer.transport.abort()
    await server.close()


async def test_a_certificate_that_ends_while_it_is_used(files: Files) -> None:
    start = datetime.now(UTC) - certs.LEAF_LIFETIME + timedelta(hours=1)
    server = HTTPServer(who, limits=Limits(idle=0.4))
    port = await server.start([HOST], 0, files.server())
    client = await dial(port, files.client(pair=certs.issue(CA, ADMIN, start)))
    assert await said(client) == b"admin"
    connection = next(iter(server.connections))
    assert 3500 < connection.named_until - server.now() < 3600
    connection.deadline = inf
    connection.named_until = server.now() - 1
    # Not to be taken for somebody without a certificate: the next connection says whether there is a new one.
    assert await client.rest() == b""
    assert not connection.named
    renewed = await dial(port, files.client(pair=certs.issue(CA, ADMIN, NOW)))
    assert await said(renewed) == b"admin"
    for each in (client, renewed):
        each.writer.transport.abort()
    await server.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_no_session_is_resumed_with_a_ticket(files: Files, version: ssl.TLSVersion) -> None:
    context = files.client()
    context.minimum_version = context.maximum_version = version
    server = HTTPServer(who)
    port = await server.start([HOST], 0, files.server())
    client = await dial(port, context)
    await said(client)
    session = client.writer.get_extra_info("ssl_object").session
    assert session is None or not session.has_ticket
    client.writer.transport.abort()
    await server.close()


@pytest.mark.parametrize(
    ("offered", "good"),
    [
        ({"maximum_version": ssl.TLSVersion.TLSv1_1, "minimum_version": ssl.TLSVersion.TLSv1_1}, False),
        ({"maximum_version": ssl.TLSVersion.TLSv1_2}, True),
        ({"minimum_version": ssl.TLSVersion.TLSv1_3}, True),
    ],
)
async def test_versions(files: Files, offered: dict[str, ssl.TLSVersion], good: bool) -> None:
    context = files.client()
    with nullcontext() if good else pytest.warns(DeprecationWarning, match="TLSv1_1"):
        for name, value in offered.items():
            setattr(context, name, value)
    server = HTTPServer(who)
    port = await server.start([HOST], 0, files.server())
    if good:
        client = await dial(port, context)
        assert await said(client) == b"None"
        client.writer.transport.abort()
    else:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await dial(port, context)
    await server.close()


@pytest.mark.parametrize(
    ("settings", "versions", "ciphers"),
    [
        (Settings(), "TLSv1_2", 6),
        (Settings(min_version="VersionTLS13"), "TLSv1_3", 6),
        (Settings(cipher_suites=("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",)), "TLSv1_2", 1),
        (Settings(cipher_suites=("TLS_AES_128_GCM_SHA256",)), "TLSv1_2", 6),
    ],
)
def test_settings(files: Files, settings: Settings, versions: str, ciphers: int) -> None:
    context = server_tls(files.path("tls.crt"), files.path("tls.key"), settings=settings)
    assert context.minimum_version == ssl.TLSVersion[versions]
    assert len([c for c in context.get_ciphers() if c["protocol"] != "TLSv1.3"]) == ciphers
    for flag in (ssl.OP_NO_RENEGOTIATION, ssl.OP_NO_COMPRESSION, ssl.OP_NO_TICKET):
        assert context.options & flag


@pytest.mark.parametrize("name", ["VersionTLS10", "VersionTLS14", "TLS1.2"])
def test_versions_that_are_none(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        check_version(name)


@pytest.mark.parametrize("name", ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "x"])
def test_suites_that_are_none(name: str) -> None:
    check_suites(SUITES)
    with pytest.raises(ValueError, match=f"cipher suite {name} not supported or doesn't exist"):
        check_suites((SUITES[0], name))


async def test_strangers_are_few(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that idle go when there are too many; who has shown a token that was good stays, and who is at work."""
    monkeypatch.setattr("steersman.http.server.MAX_STRANGERS", 4)
    go_on = asyncio.Event()

    async def handle(request: Request) -> Response:
        if request.path == "/slow":
            await go_on.wait()
        return Response(200 if request.headers.get("authorization", "good") == "good" else 401, {}, b"")

    server = HTTPServer(handle)
    port = await server.start([HOST], 0, files.server())
    with_token, with_bad, slow = [await dial(port, files.client()) for _ in range(3)]
    for client, token in ((with_token, b"good"), (with_bad, b"bad")):
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: " + token + b"\r\n\r\n")
        await client.answer()
    slow.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: sum(c.busy for c in server.connections) == 1)
    others = []
    for _ in range(10):
        others.append(await dial(port, files.client()))
        await said(others[-1])
    assert len(server.strangers) <= 5
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await said(with_bad)
    await said(with_token)
    go_on.set()
    assert (await slow.answer())[0].startswith(b"HTTP/1.1 200")
    for client in (with_token, with_bad, slow, *others):
        client.writer.transport.abort()
    await server.close()
    assert not server.strangers
