"""The HTTPS transport against a real socket: keep-alive, restarts, streams, tokens."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from aiohttp import web

from steersman.api.clock import FakeClock
from steersman.api.http import Request, Response, User
from steersman.client import kubeconfig
from steersman.client.transport import Credentials, HTTPTransport, InProcess, Unreachable, close_body
from steersman.cmd import ports
from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls
from steersman.pki import certs


class Server:
    """A small web server that can be stopped and started on the same port."""

    def __init__(self):
        self.held, self.port = ports.hold_free("127.0.0.1", [])
        self.seen = []
        self.answers = []
        self.runner = None

    async def handle(self, request):
        self.seen.append((request.method, request.raw_path, dict(request.headers), await request.read()))
        answer = self.answers.pop(0) if self.answers else web.Response(text="ok")
        if answer == "drop":
            request.transport.close()
            return web.Response()
        return answer

    async def start(self):
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.handle)
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()

    async def stop(self):
        await self.runner.cleanup()


@pytest.fixture
async def server():
    server = Server()
    await server.start()
    yield server
    await server.stop()
    server.held.close()


@pytest.fixture
async def transport(server):
    transport = HTTPTransport(Credentials(f"http://127.0.0.1:{server.port}", token="secret"))
    yield transport
    await transport.close()


async def test_a_request_arrives_as_it_was(server, transport):
    request = Request("POST", "/api/v1/nodes/system:x", "a=b%2Cc&d=1", {"content-type": "application/json"}, b"{}")
    response = await transport.send(request)
    assert (response.status, response.body) == (200, b"ok")
    method, path, headers, body = server.seen[0]
    assert (method, path, body) == ("POST", "/api/v1/nodes/system:x?a=b%2Cc&d=1", b"{}")
    assert headers["Authorization"] == "Bearer secret"


async def test_a_server_that_is_down_is_waited_for(server):
    await server.stop()
    clock = FakeClock()
    transport = HTTPTransport(Credentials(f"http://127.0.0.1:{server.port}"), clock)
    sending = asyncio.ensure_future(transport.send(Request("POST", "/x")))
    while not clock.sleepers:
        await clock.advance(0)
    await server.start()
    await clock.advance(1)
    assert (await sending).status == 200
    await transport.close()


async def test_a_server_that_stays_down_is_reported(server):
    await server.stop()
    clock = FakeClock()
    transport = HTTPTransport(Credentials(f"http://127.0.0.1:{server.port}"), clock)
    sending = asyncio.ensure_future(transport.send(Request("GET", "/x")))
    while not sending.done():
        await clock.advance(1)
    with pytest.raises(Unreachable, match="GET /x"):
        await sending
    await transport.close()
    await server.start()


@pytest.mark.parametrize(("method", "calls"), [("GET", 2), ("POST", 1)])
async def test_only_reads_are_repeated_when_the_connection_breaks(server, method, calls):
    transport = HTTPTransport(Credentials(f"http://127.0.0.1:{server.port}"))
    server.answers = ["drop"]
    if method == "GET":
        assert (await transport.send(Request(method, "/x"))).status == 200
    else:
        with pytest.raises(Unreachable):
            await transport.send(Request(method, "/x"))
    assert len(server.seen) == calls
    await transport.close()


async def test_retry_after_is_obeyed(server):
    clock = FakeClock()
    transport = HTTPTransport(Credentials(f"http://127.0.0.1:{server.port}"), clock)
    server.answers = [web.Response(status=429, headers={"Retry-After": "1"})]
    sending = asyncio.ensure_future(transport.send(Request("POST", "/x")))
    while not clock.sleepers:
        await clock.advance(0)
    await clock.advance(1)
    assert (await sending).status == 200
    await transport.close()


async def test_a_token_file_is_read_again(server, tmp_path):
    file = tmp_path / "token"
    file.write_text("one\n")
    clock = FakeClock()
    transport = HTTPTransport(Credentials(f"http://127.0.0.1:{server.port}", token_file=str(file)), clock)
    await transport.send(Request("GET", "/x"))
    file.write_text("two\n")
    await clock.advance(61)
    await transport.send(Request("GET", "/x"))
    assert [headers["Authorization"] for _, _, headers, _ in server.seen] == ["Bearer one", "Bearer two"]
    await transport.close()


async def test_a_token_file_that_is_being_written(server, tmp_path):
    file = tmp_path / "token"
    file.write_text("one")
    clock = FakeClock()
    transport = HTTPTransport(Credentials(f"http://127.0.0.1:{server.port}", token_file=str(file)), clock)
    await transport.send(Request("GET", "/x"))
    for change in (lambda: file.write_text(""), file.unlink, lambda: file.write_text("two")):
        change()
        await clock.advance(61)
        await transport.send(Request("GET", "/x"))
    assert [headers["Authorization"][7:] for _, _, headers, _ in server.seen] == ["one", "one", "one", "two"]
    await transport.close()


def test_secrets_are_not_shown():
    assert "secret" not in repr(Credentials("https://x", key="secret", token="secret"))


async def test_in_process():
    async def handle(request):
        async def body():
            yield b"a"
            yield b"b"

        return Response(200, {}, body() if request.path == "/stream" else request.user.name.encode())

    transport = InProcess(handle, User("me"))
    assert (await transport.send(Request("GET", "/"))).body == b"me"
    assert (await transport.send(Request("GET", "/stream"))).body == b"ab"
    streamed = await transport.send(Request("GET", "/stream"), stream=True)
    assert [c async for c in streamed.body] == [b"a", b"b"]
    await transport.close()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_on_a_kept_connection_that_breaks_is_not_repeated(server, transport, method):
    await transport.send(Request("GET", "/kept"))
    server.answers = ["drop"]
    with pytest.raises(Unreachable):
        await transport.send(Request(method, "/x", body=b"{}"))
    assert [seen[0] for seen in server.seen] == ["GET", method]


async def test_credentials_that_are_renewed(tmp_path):
    """Calls from then on go over new connections; what was asked before is answered over the old."""
    now = datetime.now(UTC)
    ca = certs.new_ca("ca", now)
    serving = certs.issue(ca, certs.Request("server", hosts=("127.0.0.1",), usages=("server",)), now)
    for name, data in (("ca.crt", ca.cert), ("tls.crt", serving.cert), ("tls.key", serving.key)):
        (tmp_path / name).write_bytes(data)

    def renew(name):
        pair = certs.issue(ca, certs.Request(name), now)
        (tmp_path / "client.crt").write_bytes(pair.cert)
        (tmp_path / "client.key").write_bytes(pair.key)

    go_on = asyncio.Event()

    async def handle(request):
        async def body():
            yield request.user.name.encode()
            await go_on.wait()
            yield b"!"

        return Response(200, {}, body() if request.path == "/watch" else request.user.name.encode())

    server = HTTPServer(handle)
    tls = server_tls(*(str(tmp_path / name) for name in ("tls.crt", "tls.key", "ca.crt")))
    port = await server.start(["127.0.0.1"], 0, tls)
    renew("old")
    config = {
        "clusters": [
            {"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.crt"}}
        ],
        "users": [{"name": "u", "user": {"client-certificate": "client.crt", "client-key": "client.key"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))
    clock = FakeClock()
    transport = HTTPTransport(kubeconfig.watch(file), clock)

    async def who():
        return (await transport.send(Request("GET", "/", "", {}, b""))).body

    assert await who() == b"old"
    stream = (await transport.send(Request("GET", "/watch", "", {}, b""), stream=True)).body
    assert await anext(stream) == b"old"
    renew("new")
    assert await who() == b"old"
    await clock.advance(5)
    assert await who() == b"new"
    go_on.set()
    assert await anext(stream) == b"!"
    await close_body(stream)
    assert not transport._old
    # Half of a pair is no reason to be nobody.
    (tmp_path / "client.key").write_bytes(ca.key)
    await clock.advance(5)
    assert await who() == b"new"
    file.write_text("nonsense: [")
    await clock.advance(5)
    assert await who() == b"new"
    await transport.close()
    await server.close()
