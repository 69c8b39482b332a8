"""`serve_stream` with our own WebSocket client: every subprotocol against containerd, and a runtime that misbehaves."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from steersman.kubelet.streaming import spdy
from steersman.kubelet.streaming.handshake import Upgrade
from steersman.kubelet.streaming.server import serve_stream

EXEC = "/api/v1/namespaces/default/pods/web/exec?stdout=1&stderr=1&command=/bin/sh&command=-c&command="
FORWARD = "/api/v1/namespaces/default/pods/web/portforward?ports=7"
V5, V4, V1 = "v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io"


def exec_path(script: str, **flags: int) -> str:
    return (
        EXEC
        + script.replace(" ", "%20").replace(";", "%3B").replace("&", "%26")
        + "".join(f"&{name}={value}" for name, value in flags.items())
    )


def exit_code(status: bytes) -> int:
    found = json.loads(status)
    if found["status"] == "Success":
        return 0
    assert found["reason"] == "NonZeroExitCode"
    return int(found["details"]["causes"][0]["message"])


# Against containerd.


@pytest.mark.node
@pytest.mark.parametrize("protocol", [V5, V4])
@pytest.mark.parametrize("code", [0, 9])
async def test_status(api: Any, dial: Any, protocol: str, code: int) -> None:
    client = await dial(api.port, exec_path(f"echo out; echo err >&2; exit {code}"), protocol)
    assert (client.status, client.protocol) == (101, protocol)
    channels = await client.all()
    assert (channels[1], channels[2]) == (b"out\n", b"err\n")
    assert exit_code(channels[3]) == code


@pytest.mark.node
@pytest.mark.parametrize("offered", [[V1], []])
async def test_first_version(api: Any, dial: Any, offered: list[str]) -> None:
    client = await dial(api.port, exec_path("echo out; exit 9"), *offered)
    assert client.protocol == "".join(offered)
    channels = await client.all()
    assert channels[1] == b"out\n"
    assert b"exit code 9" in channels[3] or b"exit status 9" in channels[3]
    assert 3 not in await (await dial(api.port, exec_path("true"), *offered)).all()


@pytest.mark.node
async def test_base64(api: Any, dial: Any) -> None:
    client = await dial(api.port, exec_path("head -c 3", stdin=1), "base64.channel.k8s.io")
    assert await client.receive() == (1, b"1")
    client.send(b"0" + base64.b64encode(b"\x00\xff!"), opcode=1)
    assert await client.receive() == (1, b"1" + base64.b64encode(b"\x00\xff!"))


@pytest.mark.node
async def test_input_ends_on_close_of_its_channel(api: Any, dial: Any) -> None:
    client = await dial(api.port, exec_path("wc -c", stdin=1), V5)
    client.send(b"\x00abc")
    client.send(b"\x00de", final=False)
    client.send(b"f", opcode=0)
    client.send(b"\xff\x00")
    client.send(b"\x00too late")
    channels = await client.all()
    assert channels[1].strip() == b"6"
    assert exit_code(channels[3]) == 0


@pytest.mark.node
async def test_pings_are_answered(api: Any, dial: Any) -> None:
    client = await dial(api.port, exec_path("cat", stdin=1), V5)
    await client.receive()
    client.send(b"are you there", opcode=9)
    assert await client.receive() == (10, b"are you there")
    client.send((1000).to_bytes(2, "big"), opcode=8)
    assert (await client.receive())[0] == 8
    assert await client.reader.read() == b""


@pytest.mark.node
@pytest.mark.parametrize("protocol", [V4, ""])
async def test_port_channels(api: Any, dial: Any, protocol: str) -> None:
    client = await dial(api.port, FORWARD, *filter(None, [protocol]))
    assert client.status == 101
    assert [await client.receive() for _ in range(2)] == [(2, b"\x00\x07\x00"), (2, b"\x01\x07\x00")]
    client.send(b"\x00hello")
    assert await client.receive() == (2, b"\x00hello")


@pytest.mark.node
async def test_port_that_nobody_listens_on(api: Any, dial: Any) -> None:
    client = await dial(api.port, FORWARD.replace("=7", "=9999"), V4)
    channels = await client.all()
    assert channels[0] == b"\x0f\x27"
    assert b"9999" in channels[1][2:]


@pytest.mark.node
async def test_client_that_leaves_ends_the_command(api: Any, dial: Any) -> None:
    client = await dial(api.port, exec_path("cat; echo gone > /tmp/gone", stdin=1), V5)
    await client.receive()
    client.writer.transport.abort()
    wait = "until test -e /tmp/gone; do sleep 0.02; done"
    assert (await api.runtime.exec_sync(api.container, ["/bin/sh", "-c", wait], 10)).exit_code == 0


# Against a runtime made for the case.


class Peer:
    """A runtime's streaming server for one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.encoder, self.decoder = spdy.Encoder(), spdy.Decoder()
        self.streams: dict[str, int] = {}

    async def accept(self, count: int) -> None:
        self.writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n")
        while len(self.streams) < count:
            for frame in self.decoder.feed(await self.reader.read(4096)):
                assert isinstance(frame, spdy.SynStream)
                self.streams[frame.headers["streamtype"]] = frame.stream_id
                self.send(spdy.SynReply(stream_id=frame.stream_id))

    def send(self, frame: spdy.Frame) -> None:
        self.writer.write(self.encoder.encode(frame))

    def data(self, stream: str, data: bytes, fin: bool = False) -> None:
        self.send(spdy.Data(stream_id=self.streams[stream], data=data, fin=fin))


Behaviour = Callable[[Upgrade, Peer], Awaitable[None]]


@pytest.fixture
async def behave(listening: Any) -> AsyncIterator[Any]:
    """Starts a runtime that behaves as told and a server in front of it; the server's port."""
    servers = []

    async def start(behaviour: Behaviour, what: str = "exec") -> int:
        async def runtime(request: Upgrade, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await behaviour(request, Peer(reader, writer))
            await writer.drain()
            writer.close()

        async def front(request: Upgrade, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            url = f"http://127.0.0.1:{behind}/{what}/token"
            await serve_stream(request.method, request.path, request.headers, reader, writer, url)

        server, behind = await listening(runtime)
        servers.append(server)
        server, port = await listening(front)
        servers.append(server)
        return int(port)

    yield start
    for server in servers:
        server.close()


SUCCESS = b'{"metadata":{},"status":"Success"}'


async def test_streams_and_status(behave: Any, dial: Any) -> None:
    seen = []

    async def behaviour(request: Upgrade, peer: Peer) -> None:
        seen.append(request)
        await peer.accept(3)
        peer.send(spdy.Settings(values={7: 10}))
        peer.send(spdy.Ping(ping_id=2))
        peer.data("stdout", b"a")
        peer.data("stderr", b"b")
        peer.data("stdout", b"c", fin=True)
        peer.data("error", SUCCESS[:10])
        peer.data("error", SUCCESS[10:], fin=True)
        (pong,) = peer.decoder.feed(await peer.reader.read(100))
        assert pong == spdy.Ping(ping_id=2)
        peer.send(spdy.RstStream(stream_id=peer.streams["stderr"]))
        peer.send(spdy.GoAway())

    client = await dial(await behave(behaviour), "/exec?stdout=1&stderr=1", V5)
    assert await client.all() == {1: b"ac", 2: b"b", 3: SUCCESS}
    (request,) = seen
    assert (request.method, request.path) == ("POST", "/exec/token")
    assert request.values("X-Stream-Protocol-Version") == [V4]


async def test_input_and_sizes_reach_their_streams(behave: Any, dial: Any) -> None:
    async def behaviour(_: Upgrade, peer: Peer) -> None:
        await peer.accept(4)
        found: dict[int, bytes] = {}
        ended = False
        while not ended:
            for frame in peer.decoder.feed(await peer.reader.read(4096)):
                assert isinstance(frame, spdy.Data)
                found[frame.stream_id] = found.get(frame.stream_id, b"") + frame.data
                ended = frame.fin
        peer.data("stdout", found[peer.streams["resize"]] + found[peer.streams["stdin"]], fin=True)
        peer.data("error", SUCCESS, fin=True)

    client = await dial(await behave(behaviour), "/exec?stdin=1&stdout=1&stderr=1&tty=1", V5)
    client.send(b'\x04{"Width":80,"Height":24}')
    client.send(b"\x00typed")
    client.send(b"\x02to stderr: ignored")
    client.send(b"\xff\x00")
    assert await client.all() == {1: b'{"Width":80,"Height":24}typed', 3: SUCCESS}


async def test_runtime_that_closes_after_its_status(behave: Any, dial: Any) -> None:
    async def behaviour(_: Upgrade, peer: Peer) -> None:
        await peer.accept(3)
        peer.data("error", SUCCESS)

    client = await dial(await behave(behaviour), "/exec?stdout=1&stderr=1", V5)
    assert await client.all() == {1: b"", 3: SUCCESS}


async def test_runtime_that_dies(behave: Any, dial: Any) -> None:
    async def behaviour(_: Upgrade, peer: Peer) -> None:
        await peer.accept(3)
        peer.data("stdout", b"half")

    channels = await (await dial(await behave(behaviour), "/exec?stdout=1&stderr=1", V5)).all()
    assert channels[1] == b"half"
    status = json.loads(channels[3])
    assert (status["status"], status["message"]) == ("Failure", "the connection to the container runtime was lost")


async def test_runtime_that_talks_nonsense(behave: Any, dial: Any) -> None:
    async def behaviour(_: Upgrade, peer: Peer) -> None:
        await peer.accept(3)
        peer.writer.write(b"\x80\x02\x00\x01" + bytes(20))

    client = await dial(await behave(behaviour), "/exec?stdout=1&stderr=1", V5)
    await client.receive()
    opcode, data = await client.receive()
    assert (opcode, data[:2]) == (8, (1011).to_bytes(2, "big"))


async def test_tunnel_is_unread(behave: Any, dial: Any) -> None:
    async def behaviour(request: Upgrade, peer: Peer) -> None:
        assert request.values("X-Stream-Protocol-Version") == ["portforward.k8s.io"]
        peer.writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        peer.writer.write((await peer.reader.readexactly(6)).upper())

    port = await behave(behaviour, "portforward")
    client = await dial(port, "/portforward", "SPDY/3.1+portforward.k8s.io")
    assert client.protocol == "SPDY/3.1+portforward.k8s.io"
    client.send(b"abc")
    client.send(b"def")
    assert await client.receive() == (2, b"ABCDEF")
    assert (await client.receive())[0] == 8


@pytest.mark.parametrize(
    ("path", "protocols", "what", "status", "text"),
    [
        ("/exec?stdout=1", ["v9"], "exec", 400, "none of the offered protocols"),
        ("/exec?stdout=1", [V5], "exec", 502, "refused the upgrade: HTTP/1.1 404 Not Found"),
        ("/portforward", [V4], "portforward", 400, "at least one port"),
        ("/portforward?ports=80", [V4], "portforward", 502, "refused the upgrade"),
    ],
)
async def test_refusals(
    behave: Any, dial: Any, path: str, protocols: list[str], what: str, status: int, text: str
) -> None:
    async def behaviour(_: Upgrade, peer: Peer) -> None:
        peer.writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    client = await dial(await behave(behaviour, what), path, *protocols)
    assert client.status == status
    assert text in await client.body()


async def plain(port: int, head: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.replace("\n", "\r\n").encode())
    answer = await reader.read()
    writer.close()
    return answer


async def test_no_upgrade_is_refused(behave: Any) -> None:
    async def behaviour(_: Upgrade, peer: Peer) -> None:
        raise AssertionError("nothing may reach the runtime")

    answer = await plain(await behave(behaviour), "GET /exec HTTP/1.1\nHost: x\n\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"Upgrade request required")


async def test_spdy_goes_through_byte_for_byte(behave: Any) -> None:
    async def behaviour(request: Upgrade, peer: Peer) -> None:
        versions = request.values("X-Stream-Protocol-Version")
        assert (request.values("Authorization"), versions) == ([], ["v4.channel.k8s.io", "v3.channel.k8s.io"])
        peer.writer.write(b"HTTP/1.1 101 Switching\r\nX-Mine: 1\r\n\r\n\x00\xff" + await peer.reader.readexactly(3))

    head = "POST /exec HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: SPDY/3.1\nAuthorization: Bearer secret\n"
    versions = "X-Stream-Protocol-Version: v4.channel.k8s.io\nX-Stream-Protocol-Version: v3.channel.k8s.io\n\n"
    answer = await plain(await behave(behaviour), head + versions + "abc")
    assert answer == b"HTTP/1.1 101 Switching\r\nX-Mine: 1\r\n\r\n\x00\xffabc"


async def test_runtime_is_not_there(listening: Any, dial: Any, unused_port: int) -> None:
    async def front(request: Upgrade, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        url = f"http://127.0.0.1:{unused_port}/exec/token"
        await serve_stream(request.method, request.path, request.headers, reader, writer, url)

    server, port = await listening(front)
    async with server:
        client = await dial(port, "/exec?stdout=1", V5)
        assert client.status == 502
        assert "does not answer" in await client.body()
