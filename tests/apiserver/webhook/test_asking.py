"""Questions to webhooks: which failures are worth another try, when it comes, and what is told of the last."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.apiserver.webhook.conftest import authority, tls

from steersman.api.clock import FakeClock
from steersman.apiserver.backend import Backends
from steersman.apiserver.webhook.asking import (
    MOST,
    Connection,
    Repeats,
    Said,
    Unanswered,
    anything,
    ask,
    transient,
)
from steersman.apiserver.webhook.kubeconfig import Identity, Remote


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (Unanswered("reset", reset=True), True),
        (Unanswered("refused"), False),
        (Unanswered("late", timed_out=True), False),
        *((Unanswered("", status=status), True) for status in (429, 500, 501, 502, 504, 599)),
        *((Unanswered("", status=status), False) for status in (301, 400, 401, 403, 404, 503)),
        (Unanswered("", status=503, after=1.0), True),
        (Unanswered("", status=403, after=1.0), True),
    ],
)
def test_which_failures_pass_by_themselves(error: Unanswered, passes: bool) -> None:
    assert transient(error) is passes
    assert anything(error)


class Server:
    """Answers one after the other; the last again and again. Notes when."""

    def __init__(self, clock: FakeClock, *answers: Said | Unanswered) -> None:
        self.clock, self.answers, self.times = clock, list(answers), list[float]()

    async def __call__(self, body: bytes) -> Said:
        self.times.append(self.clock.monotonic())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Unanswered):
            raise answer
        return answer


async def outcome(server: Server, repeats: Repeats | None = None, note: Any = None) -> bytes | Unanswered:
    async def asked() -> bytes | Unanswered:
        try:
            return await ask(server, b"?", server.clock, repeats, note)
        except Unanswered as error:
            return error

    task = asyncio.ensure_future(asked())
    while not task.done():
        await server.clock.advance(0.05)
    return task.result()


async def test_pauses_grow() -> None:
    clock = FakeClock()
    server = Server(clock, Said(500, b"x"))
    error = await outcome(server)
    assert str(error) == 'an error on the server ("x") has prevented the request from succeeding'
    pauses = [after - before for before, after in zip(server.times, server.times[1:], strict=False)]
    assert len(pauses) == 4
    for pause, least in zip(pauses, (0.5, 0.75, 1.125, 1.6875), strict=True):
        assert least <= pause <= least * 1.2 + 0.11


async def test_a_server_says_when_it_wants_to_be_asked_again() -> None:
    clock = FakeClock()
    server = Server(clock, Said(503, after=7), Said(429, after=1000), Said(200, b"good"))
    assert await outcome(server) == b"good"
    first, second, third = server.times
    assert 7 <= second - first < 7.2
    # It does not say for how long a request has to wait.
    assert 30 <= third - second < 30.2


async def test_each_try_is_noted() -> None:
    clock = FakeClock()
    notes: list[tuple[str, int]] = []
    answers = Said(504), Unanswered("late", timed_out=True), Unanswered("refused"), Said(403, b"no"), Said(201, b"yes")
    server = Server(clock, *answers)
    repeats = Repeats(pause=0.1, worth=anything)
    assert await outcome(server, repeats, lambda result, status, _: notes.append((result, status))) == b"yes"
    assert notes == [("timeout", 504), ("timeout", 0), ("error", 0), ("error", 403), ("success", 201)]


async def test_what_does_not_pass_ends_it() -> None:
    server = Server(FakeClock(), Said(403, b"not you"), Said(200))
    error = await outcome(server)
    assert isinstance(error, Unanswered)
    assert (str(error), error.status, len(server.times)) == ("not you", 403, 1)
    server = Server(FakeClock(), Said(500), Said(200))
    assert isinstance(await outcome(server, Repeats(tries=1)), Unanswered)


# Over a socket.

Handler = Callable[[web.Request], Any]


@asynccontextmanager
async def connected(handler: Handler, seconds: float = 30.0, **more: Any) -> AsyncIterator[Connection]:
    app = web.Application()
    app.router.add_post("/hook", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    backends = Backends()
    port = runner.addresses[0][1]
    yield Connection(Remote("127.0.0.1", port, "/hook", "a=b", secure=False, **more), backends, seconds)
    await backends.close()
    await runner.cleanup()


async def test_what_is_sent(tmp_path: Path) -> None:
    seen: list[web.Request] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(body=b"[" + await request.read() + b"]", headers={"Retry-After": "3"})

    async with connected(handle, identity=Identity(token="t")) as post:
        assert await post(b"?") == Said(200, b"[?]", 3.0)
        await post(b"?")
    assert (seen[0].query_string, seen[0].headers["Authorization"]) == ("a=b", "Bearer t")
    assert seen[0].content_type == "application/json"
    # One connection is enough.
    assert seen[0].transport is seen[1].transport


async def test_answers_are_bounded() -> None:
    async def handle(request: web.Request) -> web.Response:
        size = int(await request.text())
        return web.Response(body=b"x" * size, status=200 if size <= MOST + 1 else 500)

    async with connected(handle) as post:
        assert len((await post(str(MOST).encode())).body) == MOST
        with pytest.raises(Unanswered, match=r'^Post "http://127.0.0.1:\d+/hook\?a=b": the answer is too large$'):
            await post(str(MOST + 1).encode())
        # Of a refusal, the beginning says enough.
        assert len((await post(str(2 * MOST).encode())).body) == 4096
        assert (await post(b"1")).body == b"x"


async def test_answers_take_no_longer() -> None:
    never = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await never.wait()
        return response

    async with connected(handle, seconds=0.05) as post:
        with pytest.raises(Unanswered, match="context deadline exceeded") as late:
            await post(b"?")
        assert late.value.timed_out
        never.set()


async def test_nobody_is_there() -> None:
    backends = Backends()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    post = Connection(Remote("127.0.0.1", port, "/hook", secure=False), backends)
    with pytest.raises(Unanswered, match=r"dial tcp 127.0.0.1:\d+: connect: connection refused$") as refused:
        await post(b"?")
    assert not transient(refused.value)
    await backends.close()


async def test_connections_that_break_off() -> None:
    calls = 0

    async def handle(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        if calls == 2:
            # A kept connection that is closed before anything is answered.
            assert request.transport is not None
            request.transport.abort()
        return web.Response(body=b"good")

    async with connected(handle) as post:
        assert (await post(b"?")).body == b"good"
        assert (await post(b"?")).body == b"good"
    assert calls == 3


async def test_through_a_proxy(tmp_path: Path) -> None:
    asked: list[bytes] = []
    tunnels: list[asyncio.Task[Any] | None] = []

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnels.append(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        there_reader, there = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        async with asyncio.TaskGroup() as group:
            group.create_task(copied(reader, there))
            group.create_task(copied(there_reader, writer))

    async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def handle(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["Host"])

    app = web.Application()
    app.router.add_post("/hook", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls(tmp_path, "hook.example.com")).start()
    port = runner.addresses[0][1]
    proxy = await asyncio.start_server(passed_on, "127.0.0.1", 0)
    url = f"http://u:p@127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    backends = Backends()
    # The name is the proxy's to look up; whoever is there has to have the certificate of that name all the same.
    remote = Remote("hook.example.com", 443, "/hook", ca=authority().cert, proxy=url)
    assert (await Connection(remote, backends)(b"?")).body == b"hook.example.com"
    assert asked[0].startswith(b"CONNECT hook.example.com:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dTpw" in asked[0]
    with pytest.raises(Unanswered, match="certificate is not valid for this name"):
        await Connection(replace(remote, host="other.example.com"), backends)(b"?")
    await backends.close()
    proxy.close()
    await proxy.wait_closed()
    # Else their connections would be found open when this test is long over.
    await asyncio.gather(*(tunnel for tunnel in tunnels if tunnel is not None))
    await runner.cleanup()
