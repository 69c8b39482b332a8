"""Moving bytes to peers that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvloop
from tests.nowhere import WAYS, streams

from steersman.kubelet.streaming import pump


async def sent_after_the_end() -> bool:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.transport.abort()
        await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])
        return await pump.send(writer, b"x")


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_is_closed_is_gone(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """A command that ends before it has read all of its input has ended well, whatever still comes for it."""
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(sent_after_the_end()) is False


@pytest.mark.parametrize("error", [*WAYS, None])
async def test_a_peer_may_go_in_any_way(error: OSError | None) -> None:
    """Nobody is told of a failure that is only the end of a machine, or of the way to it."""
    reader, writer, protocol = streams()
    protocol.connection_lost(error)
    assert await pump.read(reader) == b""
    assert await pump.send(writer, b"x") is False
    await pump.copy(reader, writer)
    await pump.finish(reader, writer)
    await pump.close(writer)


async def late_reader(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """How much was written to somebody who reads only after a while, and how much arrived."""
    monkeypatch.setattr(pump, "LINGER", 0.0)
    started, written = asyncio.Event(), 4 << 20

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * written)
        started.set()
        await pump.close(writer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), limit=1024)
        await started.wait()
        # The other side has more than one turn in which it could give up.
        for _ in range(100):
            await asyncio.sleep(0)
        arrived = len(await reader.read())
        writer.close()
        await writer.wait_closed()
    return written, arrived


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_the_last_output_reaches_the_slow(
    loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        written, arrived = runner.run(late_reader(monkeypatch))
    assert arrived == written
