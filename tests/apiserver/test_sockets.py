"""The API server on real sockets, with and without TLS."""

from __future__ import annotations

import gzip
import io
import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
from tests.apiserver.conftest import MAPS, Api, config_map

from steersman.api.http import User
from steersman.apiserver.authn import Authenticator
from steersman.apiserver.requestinfo import is_proxied
from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls
from steersman.pki import layout

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> layout.Layout:
    found = layout.Layout(tmp_path_factory.mktemp("pki"))
    layout.ensure_cluster(found, (HOST,), datetime.now(UTC))
    return found


@pytest.fixture
async def plain(api: Api) -> AsyncIterator[str]:
    authenticator = Authenticator(api.clock, {"t": User("admin", ("system:masters",))})
    api.app.authenticator = authenticator
    server = HTTPServer(api.app.handle, streamed=is_proxied)
    port = await server.start([HOST], 0)
    yield f"http://{HOST}:{port}"
    await api.app.close()
    await server.close()


AUTHORIZED = {"Authorization": "Bearer t"}


async def test_requests_on_one_connection(plain: str) -> None:
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(plain, connector=connector, headers=AUTHORIZED) as session:
        async with session.post(MAPS, json=config_map("a", k="ü")) as answer:
            assert answer.status == 201
            assert answer.content_type == "application/json"
        async with session.get(f"{MAPS}/a") as answer:
            assert (await answer.json())["data"] == {"k": "ü"}
        async with session.head(f"{MAPS}/a") as answer:
            assert answer.status == 200
            assert int(answer.headers["Content-Length"]) > 100
            assert await answer.read() == b""
        async with session.options(MAPS) as answer:
            assert answer.status == 405
        async with session.get("/api/v1/namespaces/default/configmaps/a%2Fb") as answer:
            assert answer.status == 404


async def test_nobody(plain: str) -> None:
    async with aiohttp.ClientSession(plain) as session:
        async with session.get(MAPS) as answer:
            assert answer.status == 403
            assert '"system:anonymous" cannot list' in (await answer.json())["message"]
        async with session.get(MAPS, headers={"Authorization": "Bearer wrong"}) as answer:
            assert answer.status == 401
            assert (await answer.json())["message"] == "Unauthorized"
        async with session.get("/livez") as answer:
            assert await answer.text() == "ok"


async def test_a_body_too_large(plain: str) -> None:
    async with aiohttp.ClientSession(plain, headers=AUTHORIZED) as session:
        big = io.BytesIO(b"x" * (3 * 1024 * 1024 + 1))
        async with session.post(MAPS, data=big) as answer:
            assert answer.status == 413
            status = json.loads(await answer.read())
            assert status["reason"] == "RequestEntityTooLarge"
            assert status["message"] == "Request entity too large: limit is 3145728"

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"x" * (1024 * 1024)

        async with session.post(MAPS, data=chunks()) as answer:
            assert answer.status == 413
        async with session.get(f"{MAPS}/a") as answer:
            assert answer.status == 404


async def test_names_that_look_like_a_proxy(plain: str) -> None:
    async with aiohttp.ClientSession(plain, headers=AUTHORIZED) as session:
        async with session.post(MAPS, json=config_map("proxy-config")) as answer:
            assert answer.status == 201
        async with session.put(f"{MAPS}/proxy-config", json=config_map("proxy-config", a="b")) as answer:
            assert (await answer.json())["data"] == {"a": "b"}
        big = io.BytesIO(b"x" * (3 * 1024 * 1024 + 1))
        async with session.put(f"{MAPS}/proxy-config", data=big) as answer:
            assert answer.status == 413


async def test_warnings_are_headers(plain: str) -> None:
    async with aiohttp.ClientSession(plain, headers=AUTHORIZED) as session:
        body = {**config_map(), "foo": 1, "bar": 2}
        async with session.post(MAPS, json=body) as answer:
            assert answer.headers.getall("Warning") == [
                '299 - "unknown field \\"foo\\""',
                '299 - "unknown field \\"bar\\""',
            ]


async def test_watch_streams_and_ends(plain: str, api: Api) -> None:
    async with aiohttp.ClientSession(plain, headers=AUTHORIZED) as session:
        async with session.get(f"{MAPS}?watch=1&resourceVersion={api.app.store.revision}") as answer:
            for name in ("a", "b"):
                await api.post(MAPS, config_map(name))
                event = json.loads(await answer.content.readline())
                assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", name)
            assert api.app.metrics.watches == 1
        for _ in range(100):
            if api.app.metrics.watches == 0:
                break
            await session.get("/livez")
        assert api.app.metrics.watches == 0


async def test_client_certificates(api: Api, credentials: layout.Layout) -> None:
    tls = server_tls(str(credentials.apiserver.cert), str(credentials.apiserver.key), str(credentials.ca.cert))
    server = HTTPServer(api.app.handle)
    port = await server.start([HOST], 0, tls)
    url = f"https://{HOST}:{port}{MAPS}"
    trusting = ssl.create_default_context(cafile=str(credentials.ca.cert))
    known = ssl.create_default_context(cafile=str(credentials.ca.cert))
    known.load_cert_chain(credentials.admin.cert, credentials.admin.key)
    async with aiohttp.ClientSession() as session, session.get(url, ssl=known) as answer:
        assert answer.status == 200
    async with aiohttp.ClientSession() as session, session.get(url, ssl=trusting) as answer:
        assert answer.status == 403
    await server.close()


async def test_compressed_requests_are_not_understood(plain: str) -> None:
    body = gzip.compress(json.dumps(config_map("a")).encode())
    headers = {**AUTHORIZED, "Content-Encoding": "gzip", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(plain) as session, session.post(MAPS, data=body, headers=headers) as answer:
        assert answer.status == 400
        assert "invalid character" in (await answer.json())["message"]


async def test_large_answers_are_compressed(plain: str) -> None:
    async with aiohttp.ClientSession(plain, headers=AUTHORIZED, auto_decompress=False) as session:
        async with session.post(MAPS, json=config_map("a", k="v" * 200_000)) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
        async with session.get(f"{MAPS}/a", headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            body = await answer.read()
            assert int(answer.headers["Content-Length"]) == len(body) < 10_000
            assert len(json.loads(gzip.decompress(body))["data"]["k"]) == 200_000
