"""Watches over a WebSocket, as browsers ask for them."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.apiserver.conftest import MAPS, Api, config_map
from tests.nowhere import WAYS, streams

from steersman.api.http import Hijacked, Request, Response, User
from steersman.apiserver import websockets
from steersman.apiserver.authn import Authenticator
from steersman.http.server import HTTPServer

HOST = "127.0.0.1"


@pytest.fixture
async def url(api: Api) -> AsyncIterator[str]:
    api.app.authenticator = Authenticator(api.clock, {"t": User("admin", ("system:masters",)), "u": User("nobody")})
    server = HTTPServer(api.app.handle)
    port = await server.start([HOST], 0)
    yield f"http://{HOST}:{port}"
    await api.app.close()
    await server.close()


def session(token: str = "t") -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"authorization": f"Bearer {token}"})


async def test_each_event_is_a_message(api: Api, url: str) -> None:
    for name in ("a", "b"):
        await api.post(MAPS, config_map(name))
    async with (
        session() as client,
        client.ws_connect(f"{url}{MAPS}?watch=1", protocols=["base64.binary.k8s.io"]) as socket,
    ):
        assert socket.protocol == "base64.binary.k8s.io"
        first = [await socket.receive_json() for _ in range(2)]
        assert [(e["type"], e["object"]["metadata"]["name"]) for e in first] == [("ADDED", "a"), ("ADDED", "b")]
        await api.delete(f"{MAPS}/a")
        last = await socket.receive_json()
        assert (last["type"], last["object"]["metadata"]["name"]) == ("DELETED", "a")
        await socket.ping(b"still there?")
        assert api.app.metrics.watches == 1
        await socket.close()
    await _until_none(api)


async def test_the_end_of_a_watch_is_the_end_of_the_socket(api: Api, url: str) -> None:
    async with session() as client, client.ws_connect(f"{url}{MAPS}?watch=1") as socket:
        assert socket.protocol is None
        api.app.registries.find("", "configmaps").cache.close()  # type: ignore[union-attr]
        assert [message async for message in socket] == []
        assert socket.close_code == 1000


async def test_a_client_that_goes(api: Api, url: str) -> None:
    async with session() as client:
        socket = await client.ws_connect(f"{url}{MAPS}?watch=1")
        assert socket._response.connection is not None
        assert socket._response.connection.transport is not None
        socket._response.connection.transport.abort()
        await socket.close()
    await _until_none(api)


@pytest.mark.parametrize("error", WAYS)
async def test_a_client_may_go_in_any_way(error: OSError) -> None:
    reader, writer, protocol = streams()

    async def hijack() -> Hijacked:
        return Hijacked(reader, writer)

    async def body() -> AsyncIterator[bytes]:
        protocol.connection_lost(error)
        yield b"{}"

    key = {"sec-websocket-key": "MDEyMzQ1Njc4OWFiY2RlZg==", "sec-websocket-version": "13"}
    request = Request("GET", "/", "", {"upgrade": "websocket", "connection": "upgrade", **key}, hijack=hijack)
    assert (await websockets.watch(request, Response(200, {}, body()))).status == 0
    assert writer.transport.is_closing()


@pytest.mark.parametrize(
    ("token", "query", "headers", "status"),
    [
        ("u", "watch=1", {}, 403),
        ("t", "watch=1&resourceVersion=x", {}, 422),
        ("t", "watch=1", {"Sec-WebSocket-Version": "8"}, 400),
        ("t", "", {}, 200),
    ],
)
async def test_no_socket(url: str, token: str, query: str, headers: dict[str, str], status: int) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    upgrade |= {"Sec-WebSocket-Version": "13", **headers}
    async with session(token) as client, client.get(f"{url}{MAPS}?{query}", headers=upgrade) as response:
        assert response.status == status
        assert (await response.json())["kind"] == ("ConfigMapList" if status == 200 else "Status")


async def test_what_is_no_upgrade_is_not_taken_for_one(api: Api) -> None:
    assert not websockets.asked(Request("GET", MAPS, headers={"upgrade": "websocket"}))


async def _until_none(api: Api) -> None:
    """Until the server has noticed that the client has gone."""
    async with asyncio.timeout(60):
        while api.app.metrics.watches:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
