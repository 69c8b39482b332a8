"""Connections as they are counted: how long certificates are still good, and handshakes that fail."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.apiserver.conftest import Api

from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls
from steersman.pki import layout

HOST = "127.0.0.1"


async def ask(port: int, context: ssl.SSLContext, times: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port, ssl=context)
    for _ in range(times):
        writer.write(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()


async def test_certificates_and_handshakes(api: Api, tmp_path: Path) -> None:
    found = layout.Layout(tmp_path)
    layout.ensure_cluster(found, (HOST,), datetime.now(UTC))
    metrics = api.app.metrics
    server = HTTPServer(api.app.handle)
    server.certified = metrics.certificates.of().observe
    metrics.failed_handshakes = lambda: server.failed_handshakes
    tls = server_tls(str(found.apiserver.cert), str(found.apiserver.key), str(found.ca.cert))
    port = await server.start([HOST], 0, tls)
    client = ssl.create_default_context(cafile=str(found.ca.cert))
    await ask(port, client, 2)
    client.load_cert_chain(str(found.admin.cert), str(found.admin.key))
    await ask(port, client, 3)
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection(HOST, port, ssl=ssl.create_default_context())
    async with asyncio.timeout(60):
        while not server.failed_handshakes:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
    told = metrics.render().splitlines()
    name = "apiserver_client_certificate_expiration_seconds"
    assert f"{name}_count 3" in told
    assert f'{name}_bucket{{le="86400"}} 0' in told
    assert "apiserver_tls_handshake_errors_total 1" in told
    await api.app.close()
    await server.close()
