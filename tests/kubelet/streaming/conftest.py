"""A tiny API server around `serve_stream`: enough of a cluster with one pod for a client, kubectl included."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec import Struct

from steersman.api.websocket import masked
from steersman.kubelet.runtime.cri.client import CriRuntime
from steersman.kubelet.runtime.types import ContainerConfig, PodSandboxConfig
from steersman.kubelet.streaming import handshake
from steersman.kubelet.streaming.handshake import Upgrade
from steersman.kubelet.streaming.remote_command import stream_options
from steersman.kubelet.streaming.server import serve_stream

POD = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"containers": [{"name": "main", "stdin": True, "tty": False}], "nodeName": "n"},
    "status": {"phase": "Running", "podIP": "10.213.7.2"},
}
RESOURCES = [
    {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get"], "shortNames": ["po"]}
]
ANSWERS: dict[str, Any] = {
    "/version": {"major": "1", "minor": "37", "gitVersion": "v1.37.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": RESOURCES},
    "/api/v1/namespaces/default/pods/web": POD,
}
# Ticks, and sends back what it gets on port 7.
ECHO = "trap 'exit 143' TERM; nc -ll -p 7 -e cat & while true; do echo tick; sleep 0.05; done"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stands behind a stream may be slow to answer: the machine has much to do."""
    monkeypatch.setattr(handshake, "CONNECT_TIMEOUT", 60.0)


class Server(Struct):
    """Where the API answers, and the pod behind it."""

    port: int
    url: str
    runtime: CriRuntime
    sandbox: str
    container: str
    upgrades: list[str]


async def _cri_url(server: Server, request: Upgrade) -> str:
    options = stream_options(request)
    streams = {"tty": options.tty, "stdin": options.stdin, "stdout": options.stdout, "stderr": options.stderr}
    what = urlsplit(request.path).path.rpartition("/")[2]
    if what == "exec":
        return await server.runtime.exec(server.container, request.query("command"), **streams)
    if what == "attach":
        return await server.runtime.attach(server.container, **streams)
    return await server.runtime.port_forward(server.sandbox, [])


Respond = Callable[[Upgrade, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def listen(respond: Respond) -> tuple[asyncio.Server, int]:
    """A server that reads one request head per connection and hands the connection over."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except asyncio.IncompleteReadError:
            writer.close()
            return
        method, path, _ = head[0].split(" ")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in head[1:] if line)]
        await respond(Upgrade(method=method, path=path, headers=tuple(headers)), reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1")
    return server, server.sockets[0].getsockname()[1]


async def _answer_json(path: str, writer: asyncio.StreamWriter) -> None:
    found = ANSWERS.get(urlsplit(path).path)
    code = 200 if found is not None else 404
    body = json.dumps(found or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}).encode()
    head = (
        f"HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    )
    writer.write(head.encode() + b"\r\n" + body)
    await writer.drain()
    writer.close()


class Client:
    """A WebSocket client: masked frames out, messages in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str) -> None:
        self.reader, self.writer, self.head = reader, writer, head

    @property
    def status(self) -> int:
        return int(self.head.split(" ")[1])

    @property
    def protocol(self) -> str:
        found = [line for line in self.head.split("\r\n") if line.lower().startswith("sec-websocket-protocol:")]
        return found[0].partition(":")[2].strip() if found else ""

    def send(self, data: bytes, opcode: int = 2, final: bool = True) -> None:
        size, mask = len(data), b"\x01\x02\x03\x04"
        form = bytes([0x80 | size]) if size < 126 else b"\xff" + size.to_bytes(8, "big")
        self.writer.write(bytes([final << 7 | opcode]) + form + mask + masked(data, mask))

    async def receive(self) -> tuple[int, bytes]:
        """The next frame; the server never fragments nor masks."""
        first, size = await self.reader.readexactly(2)
        assert first & 0x80
        if size >= 126:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        return first & 0x0F, await self.reader.readexactly(size)

    async def all(self) -> dict[int, bytes]:
        """What came on each channel until the server closed; checks that it closed properly."""
        channels: dict[int, bytes] = {}
        while True:
            opcode, data = await self.receive()
            if opcode == 8:
                assert data[:2] == (1000).to_bytes(2, "big"), data
                self.send(data[:2], opcode=8)
                assert await self.reader.read() == b""
                return channels
            assert opcode == 2
            channels[data[0]] = channels.get(data[0], b"") + data[1:]

    async def body(self) -> str:
        return (await self.reader.read()).decode()


Dial = Callable[..., Awaitable[Client]]


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Opens WebSockets: port, path, offered subprotocols."""
    clients = []

    async def open_client(port: int, path: str, *protocols: str) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [
            f"GET {path} HTTP/1.1",
            "Host: x",
            "Connection: keep-alive, Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
        if protocols:
            lines.append(f"Sec-WebSocket-Protocol: {', '.join(protocols)}")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        clients.append(Client(reader, writer, (await reader.readuntil(b"\r\n\r\n")).decode()))
        return clients[-1]

    yield open_client
    for client in clients:
        client.writer.close()


@pytest.fixture(name="listening")
def listening_fixture() -> Callable[[Respond], Awaitable[tuple[asyncio.Server, int]]]:
    return listen


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
async def api(cri: CriRuntime, containerd_node: Any, tmp_path: Path) -> AsyncIterator[Server]:
    config = PodSandboxConfig(
        name="web",
        uid="u",
        namespace="default",
        hostname="web",
        log_directory=str(tmp_path),
        cgroup_parent=containerd_node.cgroup,
    )
    sandbox = await cri.run_pod_sandbox(config)
    made = ContainerConfig(name="main", image="steersman-test:1", command=["/bin/sh", "-c", ECHO], log_path="main.log")
    container = await cri.create_container(sandbox, made, config)
    await cri.start_container(container)
    wait = "until cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q ':0007 '; do sleep 0.02; done"
    await cri.exec_sync(container, ["/bin/sh", "-c", wait], 20)
    server = Server(0, "", cri, sandbox, container, [])

    async def respond(request: Upgrade, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not request.values("Upgrade"):
            await _answer_json(request.path, writer)
            return
        server.upgrades += request.values("Upgrade")
        url = await _cri_url(server, request)
        await serve_stream(request.method, request.path, request.headers, reader, writer, url)

    listener, server.port = await listen(respond)
    server.url = f"http://127.0.0.1:{server.port}"
    async with listener:
        yield server
