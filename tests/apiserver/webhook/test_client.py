"""Calls to webhooks that fail, in the words that operators search for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.apiserver.conftest import Api
from tests.apiserver.webhook.conftest import HOST, NAMESPACE, PORT, SERVICE, Hooks, allow, authority, serve, tls

from steersman.api.http import Request, Response, User
from steersman.apiserver.webhook.client import Address, WebhookClient, WebhookFailure, address_of, refusal

# Long enough for all but the one that is to wait in vain.
SECONDS = 10.0
POST = rf'failed: Post "https://{re.escape(HOST)}:{PORT}/x\?timeout=10s": '


def address(service: str = SERVICE, ca: bytes = b"", port: int = PORT) -> Address:
    host = f"{service}.{NAMESPACE}.svc"
    return Address(host, port, "/x", (ca or authority().cert).strip(), (NAMESPACE, service))


def client(api: Api) -> WebhookClient:
    return WebhookClient(api.app.registries, api.app.backends)


async def test_good_answers_keep_the_connection(api: Api, hooks: Hooks) -> None:
    hooks.answers["/x"] = allow
    for _ in range(3):
        answer = await client(api).call(address(), b'{"apiVersion": "v1", "request": {"uid": "u"}}', SECONDS)
        assert b'"allowed": true' in answer
    assert len(hooks.connections) == 1


async def test_strangers_are_not_trusted(api: Api, hooks: Hooks) -> None:
    stranger = authority("stranger").cert
    with pytest.raises(WebhookFailure, match=POST + ".*x509: certificate signed by unknown authority$"):
        await client(api).call(address(ca=stranger), b"{}", SECONDS)


async def test_bundles_that_are_none(api: Api, hooks: Hooks) -> None:
    with pytest.raises(WebhookFailure, match="unable to parse bytes as PEM block"):
        await client(api).call(address(ca=b"nonsense"), b"{}", SECONDS)


@pytest.mark.parametrize(
    ("service", "port", "why"),
    [
        ("other", PORT, 'service "other" not found'),
        (SERVICE, 1, f'no service port 1 found for service "{SERVICE}"'),
    ],
)
async def test_services_that_lead_nowhere(api: Api, hooks: Hooks, service: str, port: int, why: str) -> None:
    with pytest.raises(WebhookFailure, match=why):
        await client(api).call(address(service, port=port), b"{}", SECONDS)


async def test_services_without_endpoints(api: Api, hooks: Hooks) -> None:
    await api.delete(f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices/{SERVICE}-x")
    with pytest.raises(WebhookFailure, match=POST + f'no endpoints available for service "{SERVICE}"'):
        await client(api).call(address(), b"{}", SECONDS)


@pytest.mark.parametrize(
    ("code", "text", "why"),
    [
        (404, "404 page not found", "the server could not find the requested resource"),
        (403, "keep out", "keep out"),
        (500, 'a "bug"', 'an error on the server ("a \\"bug\\"") has prevented the request from succeeding'),
        (500, "", 'an error on the server ("unknown") has prevented the request from succeeding'),
        (302, "", "the server responded with the status code 302 but did not return more information"),
    ],
)
def test_refusals(code: int, text: str, why: str) -> None:
    assert refusal(code, text) == why


async def test_an_unknown_path(api: Api, hooks: Hooks) -> None:
    with pytest.raises(WebhookFailure, match=r"^failed: an error on the server"):
        await client(api).call(address(), b'{"request": {"uid": "u"}}', SECONDS)


async def test_connections_that_end(api: Api, tmp_path: Path) -> None:
    served = []

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        served.append(writer)
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0, ssl=tls(tmp_path))
    await serve(api, server.sockets[0].getsockname()[1])
    with pytest.raises(WebhookFailure, match=POST + "EOF$"):
        await client(api).call(address(), b"{}", SECONDS)
    assert len(served) == 2
    server.close()
    await server.wait_closed()


async def test_nobody_listens(api: Api) -> None:
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    await serve(api, port)
    with pytest.raises(WebhookFailure, match=POST + rf"dial tcp 127\.0\.0\.1:{port}: connect: connection refused"):
        await client(api).call(address(), b"{}", SECONDS)


async def test_timeout(api: Api, tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0, ssl=tls(tmp_path))
    await serve(api, server.sockets[0].getsockname()[1])
    with pytest.raises(WebhookFailure, match=r'/x\?timeout=0\.05s": context deadline exceeded') as failure:
        await client(api).call(address(), b"{}", 0.05)
    assert failure.value.timed_out
    ended.set()
    server.close()
    await server.wait_closed()


async def test_a_server_that_stops_in_a_large_answer_holds_up_nobody_elses(api: Api, tmp_path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def stops(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1_000_000)
        # More than both ends have room for has been taken.
        await writer.drain()
        begun.set()
        await ended.wait()
        writer.close()

    async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n" + b"y" * 1_000_000)
        await writer.drain()
        writer.close()

    context = tls(tmp_path, "localhost")
    servers = [await asyncio.start_server(serves, "127.0.0.1", 0, ssl=context) for serves in (stops, good)]
    stuck, other = (
        address_of(f"https://localhost:{server.sockets[0].getsockname()[1]}/x", None, authority().cert)
        for server in servers
    )
    calls = client(api)
    waiting = asyncio.ensure_future(calls.call(stuck, b"{}", 60.0))
    await begun.wait()
    assert await calls.call(other, b"{}", SECONDS) == b"y" * 1_000_000
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    ended.set()
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_the_server_asks_itself_in_its_own_name(api: Api) -> None:
    asked: list[Request] = []

    async def pieces() -> AsyncIterator[bytes]:
        yield b"go"
        yield b"od"

    async def handle(request: Request) -> Response:
        asked.append(request)
        return Response(200, {}, pieces() if request.path == "/stream" else b"good")

    own = WebhookClient(api.app.registries, api.app.backends, handle)
    service = Address("kubernetes.default.svc", 443, "/apis/x/v1/reviews", service=("default", "kubernetes"))
    assert await own.call(service, b"?", SECONDS) == b"good"
    assert await own.call(address_of("https://kubernetes.default.svc/stream", None, b""), b"?", SECONDS) == b"good"
    request = asked[0]
    assert (request.method, request.path, request.query, request.body) == (
        "POST",
        "/apis/x/v1/reviews",
        "timeout=10s",
        b"?",
    )
    assert request.user == User("system:apiserver", ("system:masters", "system:authenticated"))


@pytest.mark.parametrize(
    "path",
    [
        "/apis/x/v1/reviews",
        "/healthz",
        "/api/v1/namespaces/default/pods",
        "/api/v1/namespaces/default/pods/a/eviction",
        "/api/v1/namespaces/default/services/https:a:443/proxy/x",
        "/api/v1/nodes/n/proxy/run/default/a/b",
        "/apis/apps/v1",
    ],
)
async def test_the_server_does_not_ask_itself_for_what_it_does_itself(api: Api, path: str) -> None:
    asked: list[Request] = []
    api.app.handle = asked.append  # type: ignore[assignment, method-assign]
    client = WebhookClient(api.app.registries, api.app.backends, api.app.aggregator.ask)
    for address in (
        Address("kubernetes.default.svc", 443, path, service=("default", "kubernetes")),
        address_of(f"https://kubernetes.default.svc{path}", None, b""),
    ):
        with pytest.raises(WebhookFailure, match="failed: the server could not find the requested resource") as failure:
            await client.call(address, b"{}", SECONDS)
        assert failure.value.status == 404
    assert not asked
