"""Callbacks that are due at a time, and those that are called off."""

import asyncio

from steersman.api.clock import FakeClock
from steersman.apiserver.deadlines import Deadlines


async def test_callbacks_run_when_they_are_due() -> None:
    clock = FakeClock()
    deadlines = Deadlines(clock)
    called: list[str] = []
    for seconds, name in ((5.0, "b"), (2.0, "a"), (60.0, "c")):
        deadlines.add(seconds, lambda name=name: called.append(name))  # type: ignore[misc]
    async with asyncio.TaskGroup() as group:
        running = group.create_task(deadlines.run())
        await asyncio.sleep(0)
        for expected in ([], ["a"], ["a"], ["a"], ["a", "b"]):
            await clock.advance(1)
            assert called == expected
        running.cancel()


async def test_called_off() -> None:
    clock = FakeClock()
    deadlines = Deadlines(clock)
    called: list[int] = []
    for i in range(10_000):
        call_off = deadlines.add(3600.0, lambda i=i: called.append(i))  # type: ignore[misc]
        if i % 1000:
            call_off()
            call_off()
        assert len(deadlines) < 200
    async with asyncio.TaskGroup() as group:
        running = group.create_task(deadlines.run())
        await asyncio.sleep(0)
        await clock.advance(3602.0)
        assert called == list(range(0, 10_000, 1000))
        assert len(deadlines) == 0
        running.cancel()
