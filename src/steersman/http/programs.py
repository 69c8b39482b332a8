"""Programs that are run for what they write: nothing of them is left, and nobody waits for them, once nobody reads any more."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def running(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, join_errors: bool = False
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    """The program and what it writes (with `join_errors` also to its standard error); at the end it is killed, with all that it
    has started. Raises OSError and ValueError for what cannot be started.

    The pipe is our own. The event loop would wait for its end before it tells of the program's, and that may never come: somebody
    whom the program has started keeps it open, or it is full and nobody reads.
    """
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb", 0) as source:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=subprocess.STDOUT if join_errors else None,
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        try:
            reader = asyncio.StreamReader()
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), source
            )
            try:
                yield process, reader
            finally:
                transport.close()
        finally:
            if process.returncode is None:
                # It may have ended in this moment.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
