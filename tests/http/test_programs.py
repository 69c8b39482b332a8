"""Programs whose output is read: they end when nobody reads any more, whatever they do against it."""

import asyncio
import os
import select
import signal

import pytest

from steersman.http import programs


async def test_what_it_writes() -> None:
    async with programs.running(["sh", "-c", "echo $WHAT; echo wrong >&2; exit 3"], env={"WHAT": "a b"}) as (
        process,
        output,
    ):
        assert await output.read() == b"a b\n"
        assert await process.wait() == 3


async def test_errors_too() -> None:
    async with programs.running(["sh", "-c", "echo a; echo wrong >&2"], join_errors=True) as (_, output):
        assert await output.read() == b"a\nwrong\n"


async def test_nothing_to_start() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        async with programs.running(["/there/is/none"]):
            raise AssertionError
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    "script",
    [
        # A child of the program has the pipe, too.
        "sleep 1000 & echo $! $$; wait",
        # Nobody reads all that it writes.
        "echo $$; exec yes",
        # It does not want to end.
        "trap '' TERM INT; sleep 1000 & echo $! $$; wait",
    ],
)
async def test_nothing_is_left(script: str) -> None:
    async with asyncio.timeout(60):
        async with programs.running(["sh", "-c", script]) as (process, output):
            pids = [int(pid) for pid in (await output.readline()).split()]
            ends = [os.pidfd_open(pid) for pid in pids]
        assert process.returncode == -signal.SIGKILL
    assert process.pid in pids
    for end in ends:
        poll = select.poll()
        poll.register(end)
        assert poll.poll(60_000)
        os.close(end)


async def test_who_has_left_a_child_behind_has_ended() -> None:
    async with asyncio.timeout(60):
        async with programs.running(["sh", "-c", "sleep 1000 & echo $!"]) as (process, output):
            pid = int(await output.readline())
            assert await process.wait() == 0
    os.kill(pid, signal.SIGKILL)
