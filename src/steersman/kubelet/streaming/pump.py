"""Moving bytes between two connections until one of them ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from steersman.http.taking import end

CHUNK = 64 << 10
# How long a client may take to close after us. Closing with unread bytes would reset the connection and could
# take the last output away from the client.
LINGER = 3.0
# How long what was sent last may take to arrive: somebody who is far away gets all of a large output, and its status.
DELIVERY = 30.0


async def first_of(*work: Coroutine[Any, Any, None]) -> None:
    """Run all until the first ends; the others are cancelled. A failure of any is raised."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(coroutine) for coroutine in work]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


async def read(reader: asyncio.StreamReader) -> bytes:
    """The next bytes; b"" at the end, and when the peer went away without saying so, whatever the system calls that."""
    try:
        return await reader.read(CHUNK)
    except OSError:
        return b""


async def send(writer: asyncio.StreamWriter, data: bytes) -> bool:
    """Write and wait until the peer keeps up; False when it went away."""
    if writer.is_closing():
        # What is closed raises what no peer is at fault for, with some event loops.
        return False
    try:
        writer.write(data)
        await writer.drain()
    except OSError:
        return False
    return True


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until either end is gone."""
    while data := await read(reader):
        if not await send(writer, data):
            return


async def finish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say that nothing more comes, and read what the client still sends until it closes too."""
    with contextlib.suppress(OSError):
        async with asyncio.timeout(LINGER):
            if writer.can_write_eof():
                writer.write_eof()
            while await read(reader):
                continue


async def close(writer: asyncio.StreamWriter) -> None:
    """Close, whatever state the connection is in; the peer may never answer a TLS farewell."""
    await end(writer, DELIVERY)
