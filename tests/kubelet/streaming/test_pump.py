"""Moving bytes to peers that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvloop

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
