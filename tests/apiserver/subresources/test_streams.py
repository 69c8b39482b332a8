"""Logs, exec and its like, and proxying, against a kubelet that only shows what it was asked."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import unquote

import aiohttp
import pytest
from tests.apiserver.conftest import PODS, Api, pod

from steersman.api.http import Request, Response, User
from steersman.apiserver import proxylocation
from steersman.apiserver.authn import Authenticator
from steersman.apiserver.requestinfo import is_proxied
from steersman.http.server import HTTPServer

HOST = "127.0.0.1"
TWO = {"containers": [{"name": "c", "image": "x"}, {"name": "d", "image": "x"}]}


@dataclass
class Cluster:
    """The API server's address, and that of its one kubelet."""

    url: str
    port: int
    kubelet_port: int


async def kubelet(request: Request) -> Response:
    if request.hijack is not None:
        if "websocket" in request.headers["upgrade"]:
            return Response(403, {"Content-Type": "text/plain"}, b"no websockets here")
        taken = await request.hijack()
        protocols = [v for n, v in request.headers.items() if n == "x-stream-protocol-version"]
        asked = f"{request.method} {request.path}?{request.query} {protocols}"
        taken.writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\n")
        taken.writer.write(asked.encode() + b"\n")
        while data := await taken.reader.read(100):
            taken.writer.write(data.upper())
            if data.endswith(b"."):
                break
        await taken.writer.drain()
        taken.writer.close()
        return Response(0)
    if "previous=true" in request.query:
        status = {
            "kind": "Status",
            "code": 400,
            "reason": "BadRequest",
            "message": "previous terminated container not found",
        }
        return Response(400, {}, json.dumps(status).encode())
    if "/waiting" in request.path:
        return Response(400, {}, b'container "c" in pod "waiting" is waiting to start: ContainerCreating')

    async def body() -> AsyncIterator[bytes]:
        yield f"{request.method} {request.path}?{request.query}\n".encode()
        if request.body_stream is not None:
            async for chunk in request.body_stream:
                yield chunk
        yield request.body + b"end"

    return Response(200, {"Content-Type": "text/x-test", "X-Own": "1"}, body())


@pytest.fixture
async def cluster(api: Api) -> AsyncIterator[Cluster]:
    api.app.authenticator = Authenticator(api.clock, {"t": User("admin", ("system:masters",))})
    servers = [HTTPServer(api.app.handle, streamed=is_proxied), HTTPServer(kubelet)]
    port, kubelet_port = [await s.start([HOST], 0) for s in servers]
    await api.post("/api/v1/nodes", {"metadata": {"name": "n"}})
    status = {
        "addresses": [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": HOST}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet_port}},
    }
    await api.patch("/api/v1/nodes/n/status", {"status": status})
    yield Cluster(f"http://{HOST}:{port}", port, kubelet_port)
    await api.app.close()
    for server in servers:
        await server.close()


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets requests be proxied to this machine, which in life is refused: it has no other address for sure."""
    monkeypatch.setattr(proxylocation, "is_allowed", lambda address: address == HOST)


async def bound(api: Api, name: str = "a", **spec: object) -> None:
    await api.post(PODS, pod(name, **spec))
    await api.post(f"{PODS}/{name}/binding", {"target": {"name": "n"}})


async def text(response: Response) -> str:
    if isinstance(response.body, bytes):
        return response.body.decode()
    return b"".join([chunk async for chunk in response.body]).decode()


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", "?"),
        ("container=c&follow=true&timestamps=1", "?follow=true&timestamps=true"),
        ("tailLines=0&limitBytes=5&sinceSeconds=3", "?tailLines=0&limitBytes=5&sinceSeconds=3"),
        ("sinceTime=2027-01-15T08:00:00Z", "?sinceTime=2027-01-15T08%3A00%3A00Z"),
    ],
)
async def test_log(api: Api, cluster: Cluster, query: str, asked: str) -> None:
    await bound(api)
    response = await api.raw("GET", f"{PODS}/a/log?{query}")
    assert (response.status, response.headers["Content-Type"]) == (200, "text/plain")
    assert await text(response) == f"GET /containerLogs/default/a/c{asked}\nend"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((), None),
        (("x", "binary.k8s.io"), "binary.k8s.io"),
        (("base64.binary.k8s.io",), "base64.binary.k8s.io"),
    ],
)
async def test_log_by_websocket(api: Api, cluster: Cluster, offered: tuple[str, ...], chosen: str | None) -> None:
    await bound(api)
    encoded = chosen == "base64.binary.k8s.io"
    async with aiohttp.ClientSession(headers={"authorization": "Bearer t"}) as session:
        async with session.ws_connect(f"{cluster.url}{PODS}/a/log", protocols=offered) as socket:
            assert socket.protocol == chosen
            got = [message async for message in socket]
        assert {m.type for m in got} == {aiohttp.WSMsgType.TEXT if encoded else aiohttp.WSMsgType.BINARY}
        parts = [b64decode(m.data) if encoded else m.data for m in got]
        assert b"".join(parts) == b"GET /containerLogs/default/a/c?\nend"
        assert socket.close_code == 1000


@pytest.mark.parametrize(("name", "protocol", "status"), [("a", "unknown", 400), ("no", "binary.k8s.io", 404)])
async def test_log_by_websocket_refused(api: Api, cluster: Cluster, name: str, protocol: str, status: int) -> None:
    await bound(api)
    async with aiohttp.ClientSession(headers={"authorization": "Bearer t"}) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{cluster.url}{PODS}/{name}/log", protocols=[protocol])
    assert refused.value.status == status


async def test_log_of_a_pod_without_a_node(api: Api) -> None:
    await api.post(PODS, pod())
    assert await text(await api.raw("GET", f"{PODS}/a/log")) == ""


@pytest.mark.parametrize(
    ("name", "query", "code", "message"),
    [
        ("a", "", 400, "a container name must be specified for pod a, choose one of: [c d]"),
        ("a", "container=x", 400, "container x is not valid for pod a"),
        ("a", "container=c&previous=true", 400, "previous terminated container not found"),
        ("waiting", "container=c", 400, 'container "c" in pod "waiting" is waiting to start: ContainerCreating'),
        ("a", "container=c&tailLines=-1", 422, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ("a", "container=c&limitBytes=0", 422, "limitBytes: Invalid value: 0: must be greater than 0"),
        ("a", "container=c&sinceTime=x", 400, "invalid sinceTime"),
        ("no", "", 404, 'pods "no" not found'),
    ],
)
async def test_log_refused(api: Api, cluster: Cluster, name: str, query: str, code: int, message: str) -> None:
    if name != "no":
        await bound(api, name, **TWO)
    answer = await api.get(f"{PODS}/{name}/log?{query}", code=code)
    assert message in answer["message"]


async def test_a_kubelet_that_is_away(api: Api) -> None:
    await api.post("/api/v1/nodes", {"metadata": {"name": "n"}})
    await bound(api)
    answer = await api.get(f"{PODS}/a/log", code=500)
    assert "no preferred addresses found for node n" in answer["message"]
    status = {
        "addresses": [{"type": "InternalIP", "address": HOST}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 1}},
    }
    await api.patch("/api/v1/nodes/n/status", {"status": status})
    answer = await api.get(f"{PODS}/a/log", code=500)
    assert f"error dialing backend: dial tcp {HOST}:1: connect: connection refused" in answer["message"]


async def test_a_simulated_node_is_not_dialled(api: Api) -> None:
    await api.post("/api/v1/nodes", {"metadata": {"name": "n", "labels": {"steersman.dev/simulated": "true"}}})
    await bound(api)
    answer = await api.get(f"{PODS}/a/log", code=400)
    assert answer["message"].startswith("node n is simulated")


async def dial(cluster: Cluster, path: str, upgrade: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(HOST, cluster.port)
    head = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        "Authorization: Bearer t",
        f"Upgrade: {upgrade}",
        "Connection: Upgrade",
        "X-Stream-Protocol-Version: v4.channel.k8s.io",
        "X-Stream-Protocol-Version: v3.channel.k8s.io",
        "Content-Length: 0",
    ]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
    return reader, writer


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (
            "exec?command=ls&command=-l&stdin=true&stdout=1&tty=true",
            "/exec/default/a/c?input=1&output=1&tty=1&command=ls&command=-l",
        ),
        ("attach?container=c&stderr=true", "/attach/default/a/c?error=1"),
        ("portforward?ports=80&ports=81", "/portForward/default/a?port=80&port=81"),
    ],
)
async def test_streams_are_joined(api: Api, cluster: Cluster, path: str, asked: str) -> None:
    await bound(api)
    reader, writer = await dial(cluster, f"{PODS}/a/{path}", "SPDY/3.1")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    protocols = "['v4.channel.k8s.io', 'v3.channel.k8s.io']"
    assert (await reader.readline()).decode() == f"POST {asked} {protocols}\n"
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"HELLO"
    writer.write(b"bye.")
    assert await reader.read() == b"BYE."
    writer.close()
    await writer.wait_closed()


async def test_a_refused_upgrade_is_passed_on(api: Api, cluster: Cluster) -> None:
    await bound(api)
    reader, writer = await dial(cluster, f"{PODS}/a/exec?command=ls&stdout=1", "websocket")
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert await reader.readexactly(18) == b"no websockets here"
    writer.close()
    await writer.wait_closed()


def _no_port(text: str, why: str) -> str:
    return f'cannot convert to []int32: strconv.ParseUint: parsing "{text}": {why}'


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("exec?command=ls&stdout=1", "Upgrade request required"),
        ("exec?command=ls", "you must specify at least 1 of stdin, stdout, stderr"),
        ("exec?stdout=1", "you must specify at least one command for the container"),
        ("exec?container=x&command=ls&stdout=1", "container x is not valid for pod a"),
        ("portforward", "Upgrade request required"),
        ("portforward?ports=0,65535", "Upgrade request required"),
        ("portforward?ports=x", _no_port("x", "invalid syntax")),
        ("portforward?ports=80&ports=%C2%B2", _no_port("²", "invalid syntax")),
        ("portforward?ports=65536", _no_port("65536", "value out of range")),
        (f"portforward?ports={'1' * 5000}", _no_port("1" * 5000, "value out of range")),
    ],
)
async def test_streams_refused(api: Api, cluster: Cluster, path: str, message: str) -> None:
    await bound(api)
    assert (await api.post(f"{PODS}/a/{path}", None, code=400))["message"] == message


async def test_streams_of_a_pod_without_a_node(api: Api) -> None:
    await api.post(PODS, pod())
    answer = await api.post(f"{PODS}/a/exec?command=ls&stdout=1", None, code=400)
    assert answer["message"] == "pod a does not have a host assigned"


async def test_node_proxy(api: Api, cluster: Cluster) -> None:
    response = await api.raw("GET", "/api/v1/nodes/n/proxy/stats/summary?a=b")
    assert response.headers["X-Own"] == "1"
    assert await text(response) == "GET /stats/summary?a=b\nend"


@pytest.mark.usefixtures("loopback")
async def test_pod_and_service_proxy(api: Api, cluster: Cluster) -> None:
    await bound(api)
    await api.patch(f"{PODS}/a/status", {"status": {"podIP": HOST}})
    async with aiohttp.ClientSession(cluster.url, headers={"Authorization": "Bearer t"}) as session:
        path = f"{PODS}/a:{cluster.kubelet_port}/proxy/x/"
        async with session.put(path, data=b"body") as answer:
            assert await answer.text() == "PUT /x/?\nbodyend"
    services = "/api/v1/namespaces/default/services"
    await api.post(services, {"metadata": {"name": "s"}, "spec": {"ports": [{"name": "web", "port": 80}]}})
    answer = await api.get(f"{services}/s:web/proxy/", code=503)
    assert answer["message"] == 'no endpoints available for service "s"'
    target = {"kind": "Pod", "namespace": "default", "name": "a"}
    piece = {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {"name": "s", "labels": {"kubernetes.io/service-name": "s"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [HOST], "conditions": {"ready": True}, "targetRef": target}],
        "ports": [{"name": "web", "port": cluster.kubelet_port, "protocol": "TCP"}],
    }
    # Past validation, which refuses endpoints on the loopback.
    await api.app.store.create(
        "/registry/discovery.k8s.io/endpointslices/default/s", json.dumps(piece, separators=(",", ":")).encode()
    )
    for name in ("s:web", "s:80", "http:s:web"):
        assert await text(await api.raw("GET", f"{services}/{name}/proxy/y")) == "GET /y?\nend"
    for name in ("s", "s:81"):
        await api.get(f"{services}/{name}/proxy/", code=503)
    await api.get(f"{services}/a:b:c:d/proxy/", code=400)


@pytest.mark.usefixtures("loopback")
async def test_the_root_of_what_is_proxied_ends_with_a_slash(api: Api, cluster: Cluster) -> None:
    await bound(api)
    await api.patch(f"{PODS}/a/status", {"status": {"podIP": HOST}})
    path = f"{PODS}/a:{cluster.kubelet_port}/proxy"
    for method in ("GET", "HEAD"):
        response = await api.raw(method, f"{path}?a=b")
        assert (response.status, response.headers["Location"]) == (301, f"{path}/?a=b")
    assert await text(await api.raw("OPTIONS", path)) == "OPTIONS /?\nend"


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize("port", ["65536", "999999999999", "%C2%B2", "-1"])
async def test_ports_that_are_none(api: Api, cluster: Cluster, port: str) -> None:
    await bound(api)
    await api.patch(f"{PODS}/a/status", {"status": {"podIP": HOST}})
    await api.get(f"{PODS}/a:{unquote(port)}/proxy/", code=400)
