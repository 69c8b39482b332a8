"""Handlers over real sockets: HTTP with its redirects, TCP, and ports by name."""

import asyncio

import pytest
from tests.kubelet.builders import container, pod

from steersman.kinds.types.core_v1 import HTTPGetAction, HTTPHeader, LifecycleHandler, TCPSocketAction
from steersman.kubelet.handlers import HandlerError, Target, run_handler

# Seconds: nothing here takes as long, however busy the machine is.
PATIENCE = 60.0


class Server:
    """Answers each path with a status line and headers; keeps the request heads."""

    def __init__(self):
        self.answers = {"/": "200 OK"}
        self.heads = []
        self.connections = []
        self.met = asyncio.Event()

    async def __call__(self, reader, writer):
        self.connections.append(asyncio.current_task())
        self.met.set()
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            answer = self.answers.get(head.split()[1], "404 Not Found")
            writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok".encode())
            await writer.drain()
        except asyncio.IncompleteReadError:
            self.heads.append("")  # a TCP probe only connects
        finally:
            writer.close()


@pytest.fixture
async def server():
    made = Server()
    listener = await asyncio.start_server(made, "127.0.0.1", 0)
    made.port = listener.sockets[0].getsockname()[1]
    yield made
    listener.close()
    await listener.wait_closed()
    await asyncio.gather(*made.connections)


def target(port=0):
    made = pod([container(ports=[{"name": "web", "containerPort": port or 1}])])
    return Target(made.spec.containers[0], "id", "127.0.0.1")


async def get(server, path="/", port=None, **fields):
    action = LifecycleHandler(httpGet=HTTPGetAction(path=path, port=port or server.port, **fields))
    return await run_handler(action, target(server.port), None, PATIENCE)


@pytest.mark.parametrize(
    ("answer", "success"),
    [("200 OK", True), ("202 Accepted", True), ("399 Odd", True), ("400 Bad", False), ("500 Oops", False)],
)
async def test_http_status(server, answer, success):
    server.answers["/"] = answer
    found = await get(server)
    assert found.success == success
    if not success:
        assert found.output == f"HTTP probe failed with statuscode: {answer[:3]}"


async def test_http_request(server):
    server.answers["/a"] = "200 OK"
    headers = [HTTPHeader(name="Host", value="example.com"), HTTPHeader(name="X-Own", value="v")]
    assert (await get(server, "a", port="web", httpHeaders=headers)).success
    head = server.heads[0]
    assert head.startswith("GET /a HTTP/1.1\r\n")
    assert "Host: example.com\r\n" in head
    assert "X-Own: v\r\n" in head
    assert "User-Agent: kube-probe/1.37\r\n" in head


@pytest.mark.parametrize(
    ("location", "success"),
    [("/fine", True), ("/broken", False), ("http://elsewhere.example/x", True)],
)
async def test_redirects_are_followed_on_the_same_host_only(server, location, success):
    server.answers |= {"/": f"302 Found\r\nLocation: {location}", "/fine": "200 OK", "/broken": "500 Oops"}
    assert (await get(server)).success == success


async def test_redirects_in_a_circle(server):
    server.answers["/"] = "302 Found\r\nLocation: /"
    found = await get(server)
    assert (found.success, found.output) == (False, "stopped after 10 redirects")


async def test_nobody_listens():
    listener = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    http = await run_handler(LifecycleHandler(httpGet=HTTPGetAction(port=port)), target(), None, PATIENCE)
    refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert (http.success, http.output) == (False, f'Get "http://127.0.0.1:{port}/": {refused}')
    tcp = await run_handler(LifecycleHandler(tcpSocket=TCPSocketAction(port=port)), target(), None, PATIENCE)
    assert (tcp.success, tcp.output) == (False, refused)


async def test_tcp(server):
    assert (
        await run_handler(LifecycleHandler(tcpSocket=TCPSocketAction(port="web")), target(server.port), None, PATIENCE)
    ).success
    await server.met.wait()


async def test_a_port_that_is_not_there():
    with pytest.raises(HandlerError):
        await run_handler(LifecycleHandler(tcpSocket=TCPSocketAction(port="none")), target(), None, PATIENCE)
