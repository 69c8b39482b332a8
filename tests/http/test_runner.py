"""A runner is to a coroutine what a task is: it is there at once, can be cancelled, and carries timeouts and groups."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from steersman.http.runner import Runner


class Ran:
    """A runner, and how what it ran has ended."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
        self.runner = Runner(asyncio.get_running_loop(), self._end)

    def _end(self, error: BaseException | None) -> None:
        self.ended.set_result(error)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        # Not from within a task, as on a connection.
        asyncio.get_running_loop().call_soon(self.runner.start, coroutine)


async def test_at_once() -> None:
    ran = Ran()
    seen: list[object] = []

    async def work() -> None:
        seen.append(asyncio.current_task())

    ran.start(work())
    await asyncio.sleep(0)
    assert seen == [ran.runner]
    assert ran.runner.done()
    assert ran.ended.result() is None
    assert not ran.runner.cancel()


async def test_waiting() -> None:
    ran = Ran()
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str] = loop.create_future()
    seen: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        seen.append(await future)
        seen.append(await asyncio.to_thread(str, 1))
        with pytest.raises(ValueError, match="bad"):
            await failing
        assert asyncio.current_task() is not None

    failing: asyncio.Future[str] = loop.create_future()
    failing.set_exception(ValueError("bad"))
    ran.start(work())
    await asyncio.sleep(0)
    future.set_result("a")
    assert await ran.ended is None
    assert seen == ["a", "1"]
    assert asyncio.current_task() is not None


async def test_failure() -> None:
    ran = Ran()

    async def work() -> None:
        await asyncio.sleep(0)
        raise ValueError("bad")

    ran.start(work())
    assert isinstance(await ran.ended, ValueError)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
async def test_cancelled_anywhere(turns: int) -> None:
    """While it waits for a future, for its turn, or for what has just come."""
    ran = Ran()
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await asyncio.sleep(0)
        await future
        await asyncio.sleep(0)
        await asyncio.Event().wait()

    ran.start(work())
    await asyncio.sleep(0)
    future.set_result(None)
    for _ in range(turns):
        await asyncio.sleep(0)
    assert ran.runner.cancel()
    assert ran.runner.cancelling() == 1
    assert isinstance(await ran.ended, asyncio.CancelledError)


async def test_cancels_itself() -> None:
    ran = Ran()

    async def work() -> None:
        ran.runner.cancel()
        await asyncio.Event().wait()

    ran.start(work())
    assert isinstance(await ran.ended, asyncio.CancelledError)


async def test_timeouts_in_the_first_step() -> None:
    ran = Ran()
    seen: list[str] = []

    async def work() -> None:
        try:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        except TimeoutError:
            seen.append("late")
        async with asyncio.timeout(60):
            await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.sleep(0), 60)
        assert ran.runner.cancelling() == 0

    ran.start(work())
    assert await ran.ended is None
    assert seen == ["late"]


async def test_groups_of_tasks_in_the_first_step() -> None:
    ran = Ran()
    seen: list[int] = []

    async def part(number: int) -> None:
        await asyncio.sleep(0)
        if number == 3:
            raise ValueError
        seen.append(number)

    async def broken() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(part(3))
            await asyncio.Event().wait()

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(part(1))
            group.create_task(part(2))
        with pytest.raises(ExceptionGroup):
            await broken()
        seen.append(4)

    ran.start(work())
    assert await ran.ended is None
    assert seen == [1, 2, 4]


async def test_a_cancelled_group_ends() -> None:
    ran = Ran()
    started = asyncio.Event()

    async def part() -> None:
        started.set()
        await asyncio.Event().wait()

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(part())

    ran.start(work())
    await started.wait()
    ran.runner.cancel()
    assert isinstance(await ran.ended, asyncio.CancelledError)


async def test_one_after_the_other() -> None:
    ended: list[BaseException | None] = []
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def end(error: BaseException | None) -> None:
        ended.append(error)
        if len(ended) < 3:
            runner.start(asyncio.sleep(0))
        else:
            done.set_result(None)

    runner = Runner(loop, end)
    loop.call_soon(runner.start, asyncio.sleep(0))
    await done
    assert ended == [None] * 3
